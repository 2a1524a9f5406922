"""Ask a question as a client does: by request, sent again with the same id for as long as no reply comes."""

from __future__ import annotations

import asyncio
import time

import msgspec
from nats.aio.msg import Msg

from schemas.commands import Query
from schemas.messages import Reply
from schemas.subjects import QUERY, Store
from services.runtime.bus import Bus
from services.runtime.wire import BusError, decode

RESEND_S = 5.0
NOBODY_S = 3.0
GRACE_S = 15.0


async def ask(bus: Bus, query: Query, *, resend_s: float = RESEND_S, nobody_s: float = NOBODY_S) -> Reply:
    """Send a query until its reply comes, at the latest GRACE_S after its own time.

    Raises BusError when no decomposer listens for `nobody_s`, or no reply comes.
    """
    assert query.id is not None, "sending again needs an id"
    inbox = bus.client.new_inbox()
    arrived: asyncio.Queue[Msg] = asyncio.Queue()

    async def on_reply(msg: Msg) -> None:
        arrived.put_nowait(msg)

    subscription = await bus.subscribe(inbox, on_reply)
    address = bus.space.full(Store.CORE, QUERY.at())
    payload = msgspec.json.encode(query)
    give_up_at = time.monotonic() + query.timeout_s + GRACE_S
    alone_since: float | None = None
    try:
        while time.monotonic() < give_up_at:
            await bus.send(address, payload, reply=inbox)
            try:
                async with asyncio.timeout(resend_s):
                    msg = await arrived.get()
            except TimeoutError:
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
    finally:
        await subscription.unsubscribe()
    raise BusError(f"no reply to query {query.id} within {query.timeout_s + GRACE_S:.0f} s")
