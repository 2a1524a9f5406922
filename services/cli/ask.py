"""`dellm ask`: ask one question, watch it being answered, read the answer."""

from __future__ import annotations

import sys
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from schemas.commands import DEFAULT_TIMEOUT_S, Query
from schemas.messages import Reply
from schemas.terms import OnPartial, Policy
from services.cli.checked import checked
from services.cli.follow import see_through, spoken
from services.cli.generation import generation_options
from services.cli.options import (
    STARTING_S,
    NothingRuns,
    Target,
    bus_options,
    err,
    run,
    run_code_option,
    topology_option,
)
from services.cli.policy import policy_options
from services.cli.reply import show
from services.runtime.bus import Bus
from services.runtime.logging import configure


@click.command()
@click.argument("query", required=False)
@bus_options
@topology_option
@click.option("--json", "as_json", is_flag=True, help="Print the whole reply as JSON.")
@click.option("--timeout", "timeout_s", type=float, default=DEFAULT_TIMEOUT_S, show_default=True, help="Seconds.")
@click.option(
    "--on-partial", type=click.Choice([choice.value for choice in OnPartial]), default="accept", show_default=True
)
@policy_options
@generation_options
@click.option("--id", "id_", help="Your own id; the same id is answered once.")
@run_code_option
@click.option("--embedded", is_flag=True, help="Start all services for this one question, unless `dellm up` runs.")
@click.pass_context
def ask(
    context: click.Context,
    query: str | None,
    target: Target,
    topology_path: Path,
    as_json: bool,
    timeout_s: float,
    on_partial: str,
    policy: Policy,
    generation: dict[str, Any],
    id_: str | None,
    run_code: bool,
    embedded: bool,
) -> None:
    """Ask QUERY (none or '-': standard input) and print the answer.

    Exit code: 0 complete, 2 partial, 1 failed.
    """
    named = context.get_parameter_source("topology_path") is not ParameterSource.DEFAULT
    if named and not embedded:
        raise click.UsageError("--topology goes with --embedded; a running DELLM has its own")
    fields = spoken(_text(query), generation)
    fields |= {"id": id_ or uuid.uuid4().hex, "timeout_s": timeout_s, "on_partial": on_partial, "policy": policy}
    if run_code and not embedded:
        raise click.UsageError("--run-code goes with --embedded; a running DELLM was started with it or without")
    wanted = checked(fields, Query)
    if not embedded:
        reply = run(_ask(wanted, target.open(wait_s=STARTING_S), quiet=as_json))
    else:
        say = (lambda _: None) if as_json else lambda line: err().print(line, style="dim", markup=False)
        opened = open_or_start(target, topology_path, say, named=named, run_code=run_code)
        reply = run(_ask(wanted, opened, quiet=as_json))
    show(reply, as_json=as_json)


def _text(query: str | None) -> str:
    piped = query == "-" or (query is None and not sys.stdin.isatty())
    text = sys.stdin.read() if piped else query or ""
    if not text.strip():
        raise click.UsageError("give a QUERY, or pipe one in")
    return text


async def _ask(query: Query, opened: AbstractAsyncContextManager[Bus], *, quiet: bool) -> Reply:
    async with opened as bus:
        return await see_through(bus, query, quiet=quiet)


@asynccontextmanager
async def open_or_start(
    target: Target, topology_path: Path, say: Callable[[str], object], *, named: bool = False, run_code: bool = False
) -> AsyncIterator[Bus]:
    """Connect to the running `dellm up` of this folder, else to all services, started for as long as the body runs.

    Raises UsageError where one runs and a topology was `named`: it has its own.
    """
    async with AsyncExitStack() as stack:
        try:
            bus = await stack.enter_async_context(target.open())
        except NothingRuns:
            from services.cli.up import hosting  # noqa: PLC0415  # all services, which a running DELLM has

            target.make_folder()
            configure(stack.enter_context((target.data / "dellm.log").open("a", buffering=1)))
            connection = await stack.enter_async_context(hosting(target, topology_path, run_code=run_code, say=say))
            bus = await stack.enter_async_context(replace(target, asked=connection).open())
        else:
            if named:
                where = target.known()
                raise click.UsageError(
                    f"the DELLM at {where} has its own topology; leave --topology out, or give another --data"
                )
            say(f"using the DELLM at {target.known()}")
        yield bus
