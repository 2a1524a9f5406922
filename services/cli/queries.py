"""`dellm answer`, `cancel` and `feedback`: commands about a query that was asked before."""

from __future__ import annotations

import asyncio
import time

import click
import msgspec

from schemas.commands import Cancel, Feedback
from schemas.messages import Reply
from schemas.subjects import ANSWER, CANCEL, PLAN, check_token
from services.cli.checked import checked
from services.cli.options import Target, bus_options, run
from services.cli.reply import show
from services.runtime.bus import Bus
from services.runtime.client import WrongPart, give_feedback
from services.runtime.survey import find_tokens
from services.runtime.wire import BusError, decode

SETTLE_S = 5.0


@click.command()
@click.argument("id_", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="Print the whole reply as JSON.")
@bus_options
def answer(id_: str, as_json: bool, target: Target) -> None:
    """Print the stored answer of query ID, or of the one query whose id begins so.  It is kept for 15 minutes."""
    reply = run(_answer(_checked(id_), target))
    show(reply, as_json=as_json)


async def _answer(id_: str, target: Target) -> Reply:
    async with target.open() as bus:
        stored = await bus.last(ANSWER, id=id_)
        if stored is not None:
            return stored.message
        if await bus.last(PLAN, id=id_) is not None:
            raise BusError(f"query {id_} has no answer yet")
        return await _answer_beginning(bus, id_)


async def _answer_beginning(bus: Bus, prefix: str) -> Reply:
    """Read the answer of the one query whose id begins with a prefix."""
    ids = [id_ for id_ in await find_tokens(bus, ANSWER.at()) if id_.startswith(prefix)]
    if len(ids) > 1:
        raise BusError(f"{len(ids)} queries begin with {prefix}, such as {ids[0]} and {ids[1]}")
    stored = await bus.last(ANSWER, id=ids[0]) if ids else None
    if stored is None:
        raise BusError(f"there is no query {prefix}, or it is over 15 minutes old: see `dellm history {prefix}`")
    return stored.message


@click.command()
@click.argument("id_", metavar="ID")
@click.option("--reason", default="cancelled by the client", show_default=True)
@bus_options
def cancel(id_: str, reason: str, target: Target) -> None:
    """Stop working on query ID; its client gets the error `cancelled`."""
    click.echo(run(_cancel(checked({"id": _checked(id_), "reason": reason}, Cancel), target)))


async def _cancel(wish: Cancel, target: Target) -> str:
    async with target.open() as bus:
        if await bus.last(PLAN, id=wish.id) is None:
            raise BusError(f"there is no query {wish.id}, or it is over 15 minutes old")
        if (stored := await bus.last(ANSWER, id=wish.id)) is not None:
            return f"query {wish.id} had ended already: {stored.message.status.value}"
        return await _until_answered(bus, wish)


async def _until_answered(bus: Bus, wish: Cancel) -> str:
    """Say it until it is heard: a core message is lost on a service that is just restarting."""
    give_up_at = time.monotonic() + SETTLE_S
    async with bus.tap(bus.space.event(ANSWER.at(id=wish.id))) as heard:
        while time.monotonic() < give_up_at:
            await bus.publish(CANCEL, wish)
            try:
                async with asyncio.timeout(1.0):
                    _, payload = await heard.get()
                reply = decode(payload, Reply)
            except (TimeoutError, msgspec.DecodeError):
                continue
            if reply.error is not None:
                return f"query {wish.id}: {reply.error.code.value}"
            return f"query {wish.id} was answered before: {reply.status.value}"
    raise BusError(f"no assembler confirmed the end of query {wish.id}")


@click.command()
@click.argument("id_", metavar="ID")
@click.option("--good/--bad", default=None, help="Whether the answer was good.")
@click.option("--answer", "answer_", help="The right answer.")
@click.option("--chunk", type=click.IntRange(min=1), help="Which chunk is meant, counted from 1.")
@bus_options
def feedback(id_: str, good: bool | None, answer_: str | None, chunk: int | None, target: Target) -> None:
    """Tell the trainer how good the answer to query ID was, so that it learns which nodes to trust."""
    if (good is None) == (answer_ is None):
        raise click.UsageError("give --good, --bad or --answer TEXT")
    fields = {"id": _checked(id_), "chunk": chunk - 1 if chunk else None, "good": good, "answer": answer_}
    wish = checked(fields, Feedback)
    run(_feedback(wish, target))
    click.echo("thank you")


async def _feedback(wish: Feedback, target: Target) -> None:
    async with target.open() as bus:
        try:
            await give_feedback(bus, wish)
        except WrongPart as error:
            raise click.UsageError(f"--chunk: {error}") from None


def _checked(id_: str) -> str:
    try:
        return check_token(id_, "ID")
    except ValueError as error:
        raise click.UsageError(str(error)) from None
