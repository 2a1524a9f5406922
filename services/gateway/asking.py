"""Ask a query and hear its pieces; a listener that leaves cancels it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress

import structlog

from schemas.commands import Cancel, Query
from schemas.messages import Piece, Reply
from schemas.plans import Plan
from schemas.subjects import ANSWER, CANCEL, PIECE, PLAN
from services.gateway.choices import is_voted_on
from services.runtime.bus import Bus
from services.runtime.client import ask
from services.runtime.wire import BusError, decode

log = structlog.get_logger(__name__)

KEEP_ALIVE_S = 5.0
CANCEL_AGAIN_S = 0.5
CANCEL_TIMES = 6
LEFT = "the client went away"  # by which a page knows that its query was cancelled while it was loaded again

Heard = AsyncGenerator[Plan | Piece | Reply | None, None]


class Asking:
    """Asks queries over one bus."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._cancelling: set[asyncio.Task[None]] = set()

    async def ask(self, query: Query, *, keep: bool = False) -> Reply:
        """Give the reply.  Cancelling this cancels the query, unless it is to `keep` on.  Raises BusError."""
        assert query.id is not None
        try:
            return await ask(self._bus, query)
        except asyncio.CancelledError:
            if not keep:
                self.cancel(query.id)
            raise

    async def follow(self, query: Query, *, keep: bool = False) -> Heard:
        """Give the plan, the pieces as they come, and at last the reply; None now and then while nothing comes.

        When it is closed before the reply came, the query is cancelled unless it is to be kept.  Raises BusError.
        """
        assert query.id is not None
        pieces = self._bus.space.full(PIECE.store, PIECE.at(id=query.id))
        async with self._bus.tap(pieces, self._bus.space.event(PLAN.at(id=query.id))) as heard:
            asked = asyncio.create_task(self.ask(query, keep=keep))
            passed = asyncio.create_task(heard.get())
            try:
                while not asked.done():
                    await asyncio.wait({asked, passed}, timeout=KEEP_ALIVE_S, return_when=asyncio.FIRST_COMPLETED)
                    if passed.done():
                        address, payload = passed.result()
                        passed = asyncio.create_task(heard.get())
                        yield decode(payload, Piece) if address == pieces else decode(payload, Plan)
                    elif not asked.done():
                        yield None
                reply = asked.result()
                waiting = [passed.result()] if passed.done() else []
                while not heard.empty():
                    waiting.append(heard.get_nowait())
                for address, payload in waiting:
                    if address == pieces:
                        yield decode(payload, Piece)
                yield reply
            finally:
                asked.cancel()
                passed.cancel()

    async def ask_voted(self, query: Query, *, keep: bool = False) -> Reply | None:
        """Give the reply to a query that is voted on; None for another, which is cancelled once it is planned."""
        async with aclosing(self.follow(query, keep=keep)) as heard:
            async for what in heard:
                match what:
                    case Reply():
                        return what
                    case Plan() if not is_voted_on([chunk.kind for chunk in what.chunks]):
                        self.cancel(query.id or "")
                        return None
        raise BusError("no reply came")

    def cancel(self, id_: str, reason: str = LEFT) -> None:
        """Have a query cancelled, without waiting for it."""
        task = asyncio.create_task(self._until_cancelled(id_, reason), name=f"cancel-{id_}")
        self._cancelling.add(task)
        task.add_done_callback(self._cancelling.discard)

    async def end(self, id_: str, reason: str) -> None:
        """Cancel a query, repeatedly until it has ended, since a restarting service misses a core message."""
        wish = Cancel(id=id_, reason=reason)
        async with self._bus.tap(self._bus.space.event(ANSWER.at(id=id_))) as ended:
            for _ in range(CANCEL_TIMES):
                await self._bus.publish(CANCEL, wish)
                with suppress(TimeoutError):
                    async with asyncio.timeout(CANCEL_AGAIN_S):
                        await ended.get()
                        return

    async def close(self) -> None:
        """Wait until all is cancelled that should be."""
        await asyncio.gather(*self._cancelling, return_exceptions=True)

    async def _until_cancelled(self, id_: str, reason: str) -> None:
        try:
            await self.end(id_, reason)
        except BusError as error:
            log.warning("cancel.failed", query=id_, reason=str(error))


async def chained(first: Plan | Piece | Reply | None, heard: Heard) -> Heard:
    """Yield what was heard first, and then the rest."""
    async with aclosing(heard):
        yield first
        async for what in heard:
            yield what
