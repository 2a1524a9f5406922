"""Ask a question as a client does, and tell how good its answer was.

A request is sent again with the same id for as long as no reply comes: soon, since a decomposer may have died before it
planned the query, then more seldom; and at once when the connection was lost, with which the reply may have been.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
from nats.aio.msg import Msg

from schemas.commands import Feedback, Query
from schemas.messages import Reply
from schemas.subjects import ASSEMBLED, FEEDBACK, QUERY, Store
from services.runtime.bus import Bus
from services.runtime.wire import BusError, Entry, decode

SOON_S = 2.0
RESEND_S = 5.0
NOBODY_S = 3.0
GRACE_S = 15.0


class NotOnRecord(BusError):  # noqa: N818  # named for its cause
    """There is no answered query of that id, or it is too old."""


class WrongPart(ValueError):  # noqa: N818  # likewise
    """The feedback does not say which part of the answer it is about, or what it says of it."""


async def ask(bus: Bus, query: Query, *, resend_s: float = RESEND_S, nobody_s: float = NOBODY_S) -> Reply:
    """Send a query until its reply comes, at the latest GRACE_S after its own time.

    Raises BusError when no decomposer listens for `nobody_s`, or no reply comes.
    """
    assert query.id is not None, "sending again needs an id"
    address = bus.space.full(Store.CORE, QUERY.at())
    payload = msgspec.json.encode(query)
    give_up_at = time.monotonic() + query.timeout_s + GRACE_S
    alone_since: float | None = None
    wait_s = min(SOON_S, resend_s)
    await bus.inbox.open()
    with bus.inbox.replies() as (inbox, arrived), reconnecting(bus) as reconnected:
        while time.monotonic() < give_up_at:
            await bus.send(address, payload, reply=inbox)
            msg = await _next(arrived, reconnected, wait_s)
            if msg is None:
                wait_s = resend_s
                continue
            if msg.headers is None or msg.headers.get("Status") != "503":
                try:
                    return decode(msg.data, Reply)
                except msgspec.DecodeError as error:
                    raise BusError(f"the reply to query {query.id} can't be read: {error}") from None
            alone_since = alone_since or time.monotonic()
            if time.monotonic() - alone_since > nobody_s:
                raise BusError(f"no decomposer listens on {address}")
            await asyncio.sleep(0.2)
    raise BusError(f"no reply to query {query.id} within {query.timeout_s + GRACE_S:.0f} s")


@contextmanager
def reconnecting(bus: Bus) -> Iterator[asyncio.Event]:
    """Give an event that is set whenever the server has come back."""
    event = asyncio.Event()
    bus.on_reconnected.add(event.set)
    try:
        yield event
    finally:
        bus.on_reconnected.discard(event.set)


async def _next(arrived: asyncio.Queue[Msg], reconnected: asyncio.Event, within_s: float) -> Msg | None:
    """Give the next reply, None where none comes in time or before the connection was lost and found."""
    reconnected.clear()
    waits = [asyncio.create_task(arrived.get()), asyncio.create_task(reconnected.wait())]
    try:
        await asyncio.wait(waits, timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
        reply = waits[0]
        return reply.result() if reply.done() else None  # type: ignore[return-value]
    finally:
        for wait in waits:
            wait.cancel()


async def give_feedback(bus: Bus, wish: Feedback) -> None:
    """Tell the trainer how good an answer was.  Raises WrongPart or NotOnRecord."""
    if (wish.good is None) == (wish.answer is None):
        raise WrongPart("say either whether the answer was good or what the right one is")
    stored = await bus.last(ASSEMBLED, id=wish.id)
    if stored is None:
        raise NotOnRecord(f"there is no answered query {wish.id}, or it is over 15 minutes old")
    num = len(stored.message.outcomes)
    if wish.chunk is not None and not 0 <= wish.chunk < num:
        raise WrongPart(f"the query has no chunk of that number, but {num}")
    if wish.chunk is None and num > 1 and not wish.good:
        raise WrongPart(f"the query has {num} chunks; say which one is meant")
    await bus.commit(Entry(FEEDBACK, wish))
