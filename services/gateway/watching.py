"""Queries that pages watch: one watch a query, shared by all who look, and cancelled soon after the last one left.

A page that is reloaded comes back with the same id within LINGER_S, and gets all events again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress

import msgspec
import structlog

from schemas.commands import Query
from schemas.messages import Assembled, Decided, Error, Piece, Reply, Result
from schemas.plans import Plan
from schemas.subjects import ANSWER, ASSEMBLED, DECIDED, PIECE, PLAN, RESULT
from schemas.terms import ErrorCode, Status
from services.gateway.asking import KEEP_ALIVE_S, Asking
from services.gateway.progress import named_event, told
from services.gateway.wire import KEEP_ALIVE
from services.runtime.bus import Bus
from services.runtime.client import ask
from services.runtime.wire import BusError, decode

log = structlog.get_logger(__name__)

LINGER_S = 0.7
_ROWS = {row.pattern.partition(".")[0]: row for row in (PLAN, RESULT, DECIDED, ASSEMBLED, PIECE)}


class Watch:
    """One query, what was told of it so far, and how many look."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.ended = False
        self.num_watchers = 0
        self.leaving: asyncio.TimerHandle | None = None
        self.task: asyncio.Task[None] | None = None
        self._news = asyncio.Event()

    def tell(self, event: str) -> None:
        """Give an event to all watchers."""
        self.events.append(event)
        self.wake()

    def wake(self) -> None:
        """Wake all watchers."""
        news, self._news = self._news, asyncio.Event()
        news.set()

    async def more(self, num_seen: int) -> list[str]:
        """Return the events after the first `num_seen`; none if none comes within KEEP_ALIVE_S."""
        if len(self.events) == num_seen and not self.ended:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), KEEP_ALIVE_S)
        return self.events[num_seen:]


class Foreign(Exception):  # noqa: N818  # named for its cause
    """The id belongs to a query of another text, which is not shown to who does not know it."""


class Watching:
    """All queries that are being watched here, by their ids and texts."""

    def __init__(self, bus: Bus, asking: Asking) -> None:
        self._bus = bus
        self._asking = asking
        self._watches: dict[tuple[str, str], Watch] = {}

    async def follow(self, query: Query) -> AsyncGenerator[str, None]:
        """Ask a query, or look at it again, and give its events until it ends."""
        assert query.id is not None
        key = query.id, query.text
        watch = self._watches.get(key)
        if watch is None:
            watch = self._watches[key] = Watch()
            watch.task = asyncio.create_task(self._watch(watch, query), name=f"watch-{query.id}")
        watch.num_watchers += 1
        if watch.leaving is not None:
            watch.leaving.cancel()
            watch.leaving = None
        num_seen = 0
        try:
            while True:
                events = await watch.more(num_seen)
                num_seen += len(events)
                yield "".join(events) or KEEP_ALIVE
                if watch.ended and num_seen == len(watch.events):
                    return
        finally:
            watch.num_watchers -= 1
            if watch.num_watchers == 0:
                linger_s = 0.0 if watch.ended else LINGER_S
                watch.leaving = asyncio.get_running_loop().call_later(linger_s, self._leave, key, watch)

    async def close(self) -> None:
        """End all watches, which cancels no query: a page that asks again with the same id goes on."""
        tasks = [watch.task for watch in self._watches.values() if watch.task is not None]
        for watch in self._watches.values():
            watch.ended = True
            watch.wake()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _leave(self, key: tuple[str, str], watch: Watch) -> None:
        """Forget a query that nobody looks at, and cancel it if it runs."""
        if watch.num_watchers:
            return
        if self._watches.get(key) is watch:
            del self._watches[key]
        if not watch.ended and watch.task is not None:
            watch.task.cancel()
            self._asking.cancel(key[0])

    async def _watch(self, watch: Watch, query: Query) -> None:
        try:
            reply = await self._reply(watch, query)
            watch.tell(told(reply))
        except Foreign as error:
            failed = Error(code=ErrorCode.BAD_REQUEST, message=str(error))
            watch.tell(told(Reply(id=str(query.id), status=Status.FAILED, error=failed)))
        except BusError as error:
            failed = Error(code=ErrorCode.INTERNAL, message=str(error))
            watch.tell(told(Reply(id=str(query.id), status=Status.FAILED, error=failed)))
        except Exception:
            log.exception("watch.failed", query=query.id)
            watch.tell(named_event("lost", {"message": "the gateway's log tells what went wrong"}))
        finally:
            watch.ended = True
            watch.wake()

    async def _reply(self, watch: Watch, query: Query) -> Reply:
        """Tell what passes until the reply comes, from the query itself or from the stream."""
        id_, space = str(query.id), self._bus.space
        answered = space.event(ANSWER.at(id=id_))
        addresses = [space.event(row.at(id=id_)) for row in (PLAN, RESULT, DECIDED, ASSEMBLED)]
        addresses += [answered, space.full(PIECE.store, PIECE.at(id=id_))]
        async with self._bus.tap(*addresses) as heard:
            await self._catch_up(watch, query)
            asked = asyncio.create_task(ask(self._bus, query))
            try:
                while True:
                    passed = asyncio.create_task(heard.get())
                    await asyncio.wait({asked, passed}, return_when=asyncio.FIRST_COMPLETED)
                    if not passed.done():
                        passed.cancel()
                        return asked.result()
                    address, payload = passed.result()
                    if address == answered:
                        return decode(payload, Reply)
                    self._tell(watch, query, address, payload)
            finally:
                asked.cancel()
                await asyncio.gather(asked, return_exceptions=True)

    async def _catch_up(self, watch: Watch, query: Query) -> None:
        """Tell what the stream holds already, of a query that was asked before.  Raises Foreign."""
        rows = (PLAN, RESULT, DECIDED, ASSEMBLED)
        found = await self._bus.read(*((row, row.at(id=str(query.id))) for row in rows))
        for stored in found[PLAN]:
            _check(stored.message, query)
        for row in rows:
            for stored in found[row]:
                watch.tell(told(stored.message))

    def _tell(self, watch: Watch, query: Query, address: str, payload: bytes) -> None:
        name = address.removeprefix("event.").split(".")[1]
        with suppress(msgspec.DecodeError):  # what can't be read can't be shown, and the next can
            message: Plan | Result | Decided | Assembled | Piece = decode(payload, _ROWS[name].message)
            if isinstance(message, Plan):
                _check(message, query)
            watch.tell(told(message))


def _check(plan: Plan, query: Query) -> None:
    if plan.query != query.text:
        raise Foreign(f"id {plan.id!r} belongs to another question")
