"""How many queries may be in flight: one token each in a bucket that takes only so many.

The decomposer that took a token gives it back when the answer is stored.  One that dies leaves its tokens behind: those
of queries that were answered, or never planned, are found when the bucket is full.
"""

from __future__ import annotations

import asyncio
import time

import structlog

from schemas.records import Admission
from schemas.subjects import ADMIT, ANSWER, PLAN
from schemas.terms import ErrorCode
from services.runtime.bus import Bus
from services.runtime.refusal import Refusal
from services.runtime.wire import BusError, Conflict, Entry, Full

log = structlog.get_logger(__name__)

UNPLANNED_S = 30.0
ATTEMPTS = 3


class Admissions:
    """The tokens of queries in flight; `_mine` were taken here.

    Sweeps are made one at a time; `_begun` counts them.
    """

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._mine: set[str] = set()
        self._sweeping = asyncio.Lock()
        self._begun = 0
        self._giving_back: set[asyncio.Task[None]] = set()
        self._counted = bus.telemetry.metrics.admissions
        bus.telemetry.metrics.queries.set_function(lambda: len(self._mine))

    async def take(self, query: str) -> bool:
        """Take a token; False if the query holds one already.  Raises Refusal when there is none left.

        An answer is stored before its client has it.  So a sweep that begins after a client asked gives back the tokens
        of all the answers that the client has had, and a refusal is never due to those.
        """
        entry = Entry(ADMIT, Admission(id=query, admitted_at=time.time()), expect=0)
        for attempt in range(1, ATTEMPTS + 1):
            try:
                await self._bus.commit(entry)
            except Conflict:
                return False
            except Full:
                if attempt < ATTEMPTS:
                    await self._swept()
            else:
                self._mine.add(query)
                self._counted.labels("admitted").inc()
                return True
        self._counted.labels("refused").inc()
        raise Refusal(ErrorCode.OVERLOADED, "too many queries are in flight; try again later")

    def end(self, query: str) -> None:
        """Give a token back if it was taken here, while the caller goes on."""
        if query in self._mine:
            self.give_back_soon(query)

    async def give_back(self, query: str) -> None:
        """Give a token back, whoever took it."""
        self._mine.discard(query)
        await self._bus.purge(ADMIT, id=query)

    def give_back_soon(self, query: str) -> None:
        """Give a token back while the caller goes on: a client that waits for an error need not wait for this too."""
        task = asyncio.create_task(self._give_back_or_tell(query))
        self._giving_back.add(task)
        task.add_done_callback(self._giving_back.discard)

    async def _give_back_or_tell(self, query: str) -> None:
        try:
            await self.give_back(query)
        except BusError as error:  # a sweep will find it
            log.warning("admission.kept", query=query, error=str(error))

    async def _swept(self) -> None:
        """Return when a sweep that began after this call has ended; all who wait for the lock share the next one."""
        before = self._begun
        async with self._sweeping:
            if self._begun == before:
                self._begun += 1
                await self._sweep()

    async def _sweep(self) -> None:
        """Give back the tokens that nobody needs."""
        taken = [stored.message for stored in (await self._bus.read((ADMIT, ADMIT.at())))[ADMIT]]
        if not taken:
            return
        old = time.time() - UNPLANNED_S
        aged = [admission.id for admission in taken if admission.admitted_at < old]
        found = await self._bus.read(
            *((ANSWER, ANSWER.at(id=admission.id)) for admission in taken), *((PLAN, PLAN.at(id=id_)) for id_ in aged)
        )
        answered = {stored.message.id for stored in found[ANSWER]}
        planned = {stored.message.id for stored in found.get(PLAN, [])}
        stale = answered | {id_ for id_ in aged if id_ not in planned}
        await asyncio.gather(*(self.give_back(id_) for id_ in stale))
