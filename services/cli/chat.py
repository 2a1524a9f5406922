"""`dellm chat`: a conversation, kept in a file, that can be gone on with."""

from __future__ import annotations

import sys
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Any

import click
import msgspec

from schemas.commands import DEFAULT_TIMEOUT_S, Query
from schemas.messages import Reply
from schemas.terms import Policy, Role, Status, Turn
from services.cli.checked import checked
from services.cli.follow import see_through
from services.cli.generation import generation_options
from services.cli.options import Target, bus_options, err, run
from services.cli.policy import policy_options
from services.cli.reply import tell

HISTORY = "chat.jsonl"
HELP = "/new begins anew, /quit or Ctrl-D ends, Ctrl-C stops an answer"


class Conversation:
    """The turns so far, each kept in the file as it is said."""

    def __init__(self, path: Path, turns: list[Turn]) -> None:
        self._path = path
        self.turns = turns

    @classmethod
    def open(cls, path: Path, *, goes_on: bool, system: str | None) -> Conversation:
        """Go on with the file's conversation, or begin a new one.  Raises ClickException for a file of another kind."""
        turns: list[Turn] = []
        if goes_on:
            try:
                lines = path.read_bytes().splitlines()
                turns = [msgspec.json.decode(line, type=Turn) for line in lines]
            except OSError as error:
                raise click.ClickException(f"{path}: {error.strerror}; there is nothing to go on with") from None
            except msgspec.DecodeError as error:
                raise click.ClickException(f"{path}:{len(turns) + 1}: {error}") from None
        conversation = cls(path, turns)
        if not goes_on:
            conversation.begin(system)
        return conversation

    def begin(self, system: str | None) -> None:
        """Forget what was said."""
        self.turns = []
        self._path.write_bytes(b"")
        if system:
            self.say(Role.SYSTEM, system)

    def say(self, role: Role, content: str) -> None:
        """Add a turn."""
        turn = Turn(role=role, content=content)
        self.turns.append(turn)
        with self._path.open("ab") as file:
            file.write(msgspec.json.encode(turn) + b"\n")


@click.command()
@bus_options
@policy_options
@generation_options
@click.option("--continue", "goes_on", is_flag=True, help="Go on with the last conversation.")
@click.option("--file", "path", type=click.Path(path_type=Path, dir_okay=False), help="Where it is kept.")
@click.option(
    "--timeout", "timeout_s", type=float, default=DEFAULT_TIMEOUT_S, show_default=True, help="Seconds a turn."
)
def chat(
    target: Target,
    policy: Policy,
    generation: dict[str, Any],
    goes_on: bool,
    path: Path | None,
    timeout_s: float,
) -> None:
    """Talk with a running DELLM.

    The conversation is kept in `chat.jsonl` of the data folder, or in --file.
    """
    system = generation.pop("system", None)
    if path is None:
        target.make_folder()
        path = target.data / HISTORY
    conversation = Conversation.open(path, goes_on=goes_on, system=system)
    fields = generation | {"policy": policy, "timeout_s": timeout_s}
    err().print(HELP, style="dim", markup=False)
    for turn in conversation.turns:
        err().print(f"{turn.role.value}: {turn.content}", style="dim", markup=False)
    while (line := _read()) is not None:
        if line in ("/quit", "/exit"):
            return
        if line == "/new":
            conversation.begin(system)
            continue
        if line:
            _turn(target, conversation, line, fields)


def _turn(target: Target, conversation: Conversation, line: str, fields: dict[str, Any]) -> None:
    """Ask, and keep what was said on both sides once there is an answer."""
    said = [*conversation.turns, Turn(role=Role.USER, content=line)]
    query = checked(fields | {"messages": msgspec.to_builtins(said), "id": uuid.uuid4().hex}, Query)

    async def answered() -> Reply:
        async with target.open() as bus:
            return await see_through(bus, query, quiet=not sys.stderr.isatty())

    try:
        reply = run(answered())
    except KeyboardInterrupt:
        return
    tell(reply)
    if reply.status is not Status.FAILED:
        conversation.say(Role.USER, line)
        conversation.say(Role.ASSISTANT, reply.answer)


def _read() -> str | None:
    """Read a line with editing and history where the terminal has them; None at the end."""
    with suppress(ImportError):
        import readline  # noqa: F401, PLC0415  input() uses it once it is imported
    try:
        return input("› " if sys.stdin.isatty() else "").strip()
    except EOFError:
        return None
    except KeyboardInterrupt:
        click.echo()
        return ""
