"""Ask a query and hear its pieces; who stops listening cancels it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress

import structlog

from schemas.commands import Cancel, Query
from schemas.messages import Piece, Reply
from schemas.subjects import ANSWER, CANCEL, PIECE
from services.runtime.bus import Bus
from services.runtime.client import ask
from services.runtime.wire import BusError, decode

log = structlog.get_logger(__name__)

KEEP_ALIVE_S = 5.0
CANCEL_AGAIN_S = 0.5
CANCEL_TIMES = 6


class Asking:
    """Asks queries over one bus."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._cancelling: set[asyncio.Task[None]] = set()

    async def follow(self, query: Query, *, keep: bool = False) -> AsyncGenerator[Piece | Reply | None, None]:
        """Give the pieces as they come, None now and then meanwhile, and at last the reply.

        When it is closed before the reply came, the query is cancelled unless it is to be kept.  Raises BusError.
        """
        assert query.id is not None
        address = self._bus.space.full(PIECE.store, PIECE.at(id=query.id))
        replied = False
        async with self._bus.tap(address) as heard:
            asked = asyncio.create_task(ask(self._bus, query))
            piece = asyncio.create_task(heard.get())
            try:
                while not asked.done():
                    await asyncio.wait({asked, piece}, timeout=KEEP_ALIVE_S, return_when=asyncio.FIRST_COMPLETED)
                    if piece.done():
                        _, payload = piece.result()
                        piece = asyncio.create_task(heard.get())
                        yield decode(payload, Piece)
                    elif not asked.done():
                        yield None
                replied = True
                reply = asked.result()
                if piece.done():
                    yield decode(piece.result()[1], Piece)
                piece.cancel()
                while not heard.empty():
                    yield decode(heard.get_nowait()[1], Piece)
                yield reply
            finally:
                asked.cancel()
                piece.cancel()
                if not replied and not keep:
                    self.cancel(query.id)

    def cancel(self, id_: str) -> None:
        """Have a query cancelled, without waiting for it."""
        task = asyncio.create_task(self._until_cancelled(id_), name=f"cancel-{id_}")
        self._cancelling.add(task)
        task.add_done_callback(self._cancelling.discard)

    async def close(self) -> None:
        """Wait until all is cancelled that should be."""
        await asyncio.gather(*self._cancelling, return_exceptions=True)

    async def _until_cancelled(self, id_: str) -> None:
        """Say it until the query has ended: a core message is lost on a service that is just restarting."""
        wish = Cancel(id=id_, reason="the client went away")
        try:
            async with self._bus.tap(self._bus.space.event(ANSWER.at(id=id_))) as ended:
                for _ in range(CANCEL_TIMES):
                    await self._bus.publish(CANCEL, wish)
                    with suppress(TimeoutError):
                        async with asyncio.timeout(CANCEL_AGAIN_S):
                            await ended.get()
                            return
        except BusError as error:
            log.warning("cancel.failed", query=id_, reason=str(error))
