"""Options that several commands share, and how a command finds its deployment."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from functools import reduce, wraps
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.console import Console

from schemas.actors import Actor
from schemas.subjects import Space
from services.cli.home import default_data, default_topology
from services.runtime.bus import Bus, connect
from services.runtime.connection import FLAGS, Connection, Setting, resolve
from services.runtime.limits import LimitsError, load_limits
from services.runtime.loop import new_event_loop
from services.runtime.private import own_folder
from services.runtime.server import KEYS
from services.runtime.wire import BusError

R = TypeVar("R")

URL_FILE = "url"
HTTP_FILE = "http"
CONNECT_S = 3.0
STARTING_S = 2.0  # in which a `dellm up` begun in the same moment tells its address
LOOK_S = 0.05
PIPED_WIDTH = 1000  # no reader to cut a table for


def out() -> Console:
    """Give standard output: rich in a terminal, unwrapped plain text when piped."""
    return Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else PIPED_WIDTH)


def err() -> Console:
    """Give standard error, likewise."""
    return Console(stderr=True, highlight=False, soft_wrap=True, width=None if sys.stderr.isatty() else PIPED_WIDTH)


def run(work: Coroutine[Any, Any, R]) -> R:
    """Run a coroutine to its end."""
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        return runner.run(work)


@dataclass(frozen=True)
class Target:
    """Which deployment a command talks to: the servers asked for, or the `dellm up` whose folder is `data`."""

    asked: Connection | None
    space: Space
    data: Path

    def known(self) -> Connection | None:
        """Give the connection asked for, else that to the running `dellm up`, else None."""
        if self.asked is not None:
            return self.asked
        try:
            url = (self.data / URL_FILE).read_text()
        except OSError:
            return None
        if not url.strip():
            return None  # it is just being written
        keys = self.data / KEYS
        return replace(Connection.to(url), keys=keys) if keys.is_dir() else Connection.to(url)

    @asynccontextmanager
    async def open(self, *, wait_s: float = 0.0) -> AsyncIterator[Bus]:
        """Connect.  Raises BusError when there is nothing to connect to.

        A `dellm up` that is just starting has `wait_s` to tell its address.
        """
        give_up_at = time.monotonic() + wait_s
        while (known := self.known()) is None and time.monotonic() < give_up_at:  # noqa: ASYNC110  # a file tells
            await asyncio.sleep(LOOK_S)
        if known is None:
            raise NothingRuns("no DELLM is running here: start one with `dellm up`, or give --nats URL")
        async with AsyncExitStack() as stack:
            try:
                bus = await stack.enter_async_context(self._connect(known))
            except BusError as error:
                if self.asked is not None:
                    raise
                newer = self.known() if wait_s else None
                if newer is None or newer == known:
                    where = f"(from {self.data / URL_FILE}; is `dellm up` still running?)"
                    raise NothingRuns(f"{error} {where}") from None
                bus = await stack.enter_async_context(self._connect(newer))  # the address was that of an earlier one
            yield bus

    def _connect(self, known: Connection) -> AbstractAsyncContextManager[Bus]:
        return connect(_as_person(known), space=self.space, name="dellm-cli", patience_s=CONNECT_S)

    def make_folder(self) -> None:
        """Make the folder, for its owner alone.  Raises ClickException where it cannot be written."""
        try:
            own_folder(self.data)
            (self.data / ".writable").touch()
            (self.data / ".writable").unlink()
        except OSError as error:
            raise click.ClickException(f"{self.data}: {error.strerror or error}") from None


def _as_person(connection: Connection) -> Connection:
    """Connect as the operator, where the folder of keys has his, else as a client."""
    is_operator = connection.keys is not None and (connection.keys / f"{Actor.OPERATOR}.nk").exists()
    return connection.for_user(Actor.OPERATOR if is_operator else Actor.CLIENT)


class NothingRuns(BusError):  # noqa: N818  # named for its cause
    """No server was named, and no `dellm up` runs in this folder."""


def bus_options(command: Callable[..., R]) -> Callable[..., R]:
    """Add --prefix, --data and what says how to connect, and hand them over as one `target`."""

    @wraps(command)
    def with_target(*, prefix: str, data: Path, **rest: Any) -> R:
        said = {setting.name: rest.pop(setting.name) for setting in FLAGS}
        try:
            space = Space(prefix)
        except ValueError as error:
            raise click.UsageError(f"--prefix: {error}") from None
        return command(target=Target(resolve(said), space, data), **rest)

    options = (
        *(click.option(setting.flag, setting.name, metavar=setting.metavar, help=_told(setting)) for setting in FLAGS),
        click.option("--prefix", default="dellm", show_default=True, help="First token of every subject."),
        click.option(
            "--data",
            type=click.Path(path_type=Path, file_okay=False),
            default=default_data,
            show_default=".dellm, or the user's data folder",
            help="Folder of `dellm up`: NATS store, log, address, keys.",
        ),
    )
    return reduce(lambda decorated, option: option(decorated), reversed(options), with_target)


def _told(setting: Setting) -> str:
    """Say what an option is for, and which variable stands for it."""
    default = " Default: the running `dellm up`." if setting.name == "nats" else ""
    return f"{setting.help}{default}" + (f"  [env: {setting.variable}]" if setting.variable else "")


def limits_options(command: Callable[..., R]) -> Callable[..., R]:
    """Add --config and a flag for each limit, and hand them over as one `limits`."""

    @wraps(command)
    def with_limits(
        *,
        config: Path | None,
        max_in_flight: int | None,
        stream_max_bytes: int | None,
        stream_max_age: float | None,
        max_fan_out: int | None,
        default_confidence: float | None,
        ledger_days: float | None,
        ledger_max_bytes: int | None,
        ledger_text: bool | None,
        limit_tokens: int | None,
        max_per_client: int | None,
        **rest: Any,
    ) -> R:
        try:
            limits = load_limits(
                config,
                max_in_flight=max_in_flight,
                stream_max_bytes=stream_max_bytes,
                stream_max_age_s=stream_max_age,
                max_fan_out=max_fan_out,
                min_confidence=default_confidence,
                ledger_days=ledger_days,
                ledger_max_bytes=ledger_max_bytes,
                ledger_text=ledger_text,
                max_tokens=limit_tokens,
                max_per_client=max_per_client,
            )
        except LimitsError as error:
            raise click.UsageError(str(error)) from None
        return command(limits=limits, **rest)

    file = click.Path(path_type=Path, dir_okay=False)
    options = (
        click.option("--config", type=file, help="Limits of the deployment, in JSON or TOML; flags come before it."),
        click.option("--max-in-flight", type=int, help="Queries at once. Default: what is there, else 128."),
        click.option("--stream-max-bytes", type=int, help="What the stream may hold. Default likewise, 256 MiB."),
        click.option("--stream-max-age", type=float, metavar="SECONDS", help="How long it keeps; likewise, 900."),
        click.option("--max-fan-out", type=int, help="Nodes that are asked for one chunk at most.  [default: 16]"),
        click.option(
            "--min-confidence",
            "default_confidence",
            type=float,
            help="How sure an answer is at least, where a client does not say.  [default: 0]",
        ),
        click.option("--ledger-days", type=float, help="How long queries are on record; 0: not at all.  Likewise, 7."),
        click.option("--ledger-max-bytes", type=int, help="What the record may hold; likewise, 256 MiB."),
        click.option(
            "--text/--no-text", "ledger_text", default=None, help="Keep texts, or hashes of them; likewise, texts."
        ),
        click.option("--max-tokens", "limit_tokens", type=int, help="Tokens of one generation at most."),
        click.option("--max-per-client", type=int, help="Queries of one client at once, at each decomposer."),
    )
    return reduce(lambda decorated, option: option(decorated), reversed(options), with_limits)


def topology_option(command: Callable[..., R]) -> Callable[..., R]:
    """Add --topology."""
    return click.option(
        "--topology",
        "topology_path",
        type=click.Path(path_type=Path, dir_okay=False),
        default=default_topology,
        show_default="topology.json, or that in the user's data folder",
        help="Which nodes run which models.",
    )(command)


def run_code_option(command: Callable[..., R]) -> Callable[..., R]:
    """Add --run-code."""
    return click.option(
        "--run-code",
        is_flag=True,
        help="Let nodes run the examples of a request for code on the answer, in a child process that is confined.",
    )(command)
