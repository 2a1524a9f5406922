"""`dellm ask`: ask one question, watch it being answered, read the answer."""

from __future__ import annotations

import sys
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import click
import msgspec

from schemas.commands import DEFAULT_TIMEOUT_S, Query
from schemas.messages import Reply
from schemas.terms import ErrorCode, OnPartial, Policy
from services.cli.options import NothingRuns, Target, bus_options, err, run, topology_option
from services.cli.policy import policy_options
from services.cli.progress import Progress, following
from services.cli.reply import show
from services.cli.up import hosting
from services.runtime.bus import Bus
from services.runtime.client import ask as send
from services.runtime.logging import configure
from services.runtime.replies import Refusal
from services.runtime.wire import BusError


@click.command()
@click.argument("query")
@bus_options
@topology_option
@click.option("--json", "as_json", is_flag=True, help="Print the whole reply as JSON.")
@click.option("--timeout", "timeout_s", type=float, default=DEFAULT_TIMEOUT_S, show_default=True, help="Seconds.")
@click.option(
    "--on-partial", type=click.Choice([each.value for each in OnPartial]), default="accept", show_default=True
)
@policy_options
@click.option("--id", "id_", help="Your own id; the same id is answered once.")
@click.option("--embedded", is_flag=True, help="Start all services for this one question, unless `dellm up` runs.")
def ask(
    query: str,
    target: Target,
    topology_path: Path,
    as_json: bool,
    timeout_s: float,
    on_partial: str,
    policy: Policy,
    id_: str | None,
    embedded: bool,
) -> None:
    """Ask QUERY ('-' reads it from standard input) and print the answer.

    Exit code: 0 complete, 2 partial, 1 failed.
    """
    text = sys.stdin.read() if query == "-" else query
    fields = {"query": text, "id": id_ or uuid.uuid4().hex, "timeout_s": timeout_s, "on_partial": on_partial}
    fields["policy"] = policy
    try:
        wanted = msgspec.convert(fields, Query)
    except msgspec.ValidationError as error:
        raise click.UsageError(str(error)) from None
    reply = run(_ask(wanted, target, topology_path, embedded=embedded, quiet=as_json))
    show(reply, as_json=as_json)


async def _ask(query: Query, target: Target, topology_path: Path, *, embedded: bool, quiet: bool) -> Reply:
    if not embedded:
        async with target.open() as bus:
            return await _follow(bus, query, quiet=quiet)
    say = (lambda _: None) if quiet else lambda line: err().print(line, style="dim", markup=False)
    async with open_or_start(target, topology_path, say) as bus:
        return await _follow(bus, query, quiet=quiet)


@asynccontextmanager
async def open_or_start(target: Target, topology_path: Path, say: Callable[[str], object]) -> AsyncIterator[Bus]:
    """Connect to the running `dellm up` of this folder, else to all services, started for as long as the body runs."""
    async with AsyncExitStack() as stack:
        try:
            bus = await stack.enter_async_context(target.open())
            say(f"using the DELLM at {target.known_url()}")
        except NothingRuns:
            target.data.mkdir(parents=True, exist_ok=True)
            configure(stack.enter_context((target.data / "dellm.log").open("a", buffering=1)))
            url = await stack.enter_async_context(hosting(target, topology_path, say=say))
            bus = await stack.enter_async_context(replace(target, url=url).open())
        yield bus


async def _follow(bus: Bus, query: Query, *, quiet: bool) -> Reply:
    """Ask, showing what happens meanwhile."""
    assert query.id is not None
    if quiet:
        return await _send(bus, query)
    with Progress(err()) as progress:
        async with following(bus, query.id, progress):
            return await _send(bus, query)


async def _send(bus: Bus, query: Query) -> Reply:
    try:
        return await send(bus, query)
    except BusError as error:
        return Refusal(ErrorCode.INTERNAL, str(error)).reply(query.id or "")
