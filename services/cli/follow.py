"""Send a query and see it through: its progress shown, cancelled when its user leaves."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from schemas.actors import Actor
from schemas.commands import Cancel, Query
from schemas.messages import Reply
from schemas.subjects import CANCEL
from schemas.terms import ErrorCode
from services.cli.options import err
from services.cli.progress import Progress, following
from services.runtime.bus import Bus
from services.runtime.client import ask as send
from services.runtime.refusal import Refusal
from services.runtime.wire import BusError

LEFT = "its client went away"


def spoken(text: str, generation: dict[str, Any]) -> dict[str, Any]:
    """Give the fields of a query for a text and, among the options, a system prompt."""
    fields = dict(generation)
    system = fields.pop("system", None)
    if system is None or not text:
        return fields | {"query": text}
    return fields | {"messages": [{"role": "system", "content": system}, {"role": "user", "content": text}]}


async def see_through(bus: Bus, query: Query, *, quiet: bool) -> Reply:
    """Ask, showing what happens meanwhile unless `quiet`.  A query whose user interrupts is cancelled."""
    assert query.id is not None
    try:
        if quiet or (bus.identity is not None and bus.identity.actor is Actor.CLIENT):  # who hears no events
            return await send(bus, query)
        with Progress(err(), on_terminal=sys.stdout.isatty()) as progress:
            async with following(bus, query.id, progress):
                return await send(bus, query)
    except BusError as error:
        return Refusal(ErrorCode.INTERNAL, f"{error}; `dellm answer {query.id}` may find it later").reply(query.id)
    except asyncio.CancelledError:
        await _cancel(bus, query.id)
        raise


async def _cancel(bus: Bus, id_: str) -> None:
    try:
        await bus.publish(CANCEL, Cancel(id=id_, reason=LEFT))
        await bus.flush()
        err().print(f"cancelled query {id_}", style="dim", markup=False)
    except BusError as error:
        err().print(f"query {id_} could not be cancelled: {error}", style="yellow", markup=False)
