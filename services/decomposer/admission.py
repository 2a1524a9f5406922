"""How many queries may be in flight: one token each in a bucket that takes only so many.

The decomposer that took a token gives it back when the answer is stored.  A token that a dead one has left behind,
whose query was answered or never planned, is found when the bucket is full.
"""

from __future__ import annotations

import asyncio
import time

from schemas.records import Admission
from schemas.subjects import ADMIT, ANSWER, PLAN
from schemas.terms import ErrorCode
from services.runtime.bus import Bus
from services.runtime.replies import Refusal
from services.runtime.wire import Conflict, Entry, Full

SWEEP_S = 1.0
WAIT_S, PAUSE_S = 0.2, 0.05
UNPLANNED_S = 30.0


class Admissions:
    """The tokens of queries in flight; `_mine` were taken here."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._mine: set[str] = set()
        self._swept_at = float("-inf")

    async def take(self, query: str) -> bool:
        """Take a token; False if the query holds one already.  Raises Refusal when there is none left for WAIT_S.

        A client may have its answer a moment before the token of its query is given back.
        """
        entry = Entry(ADMIT, Admission(id=query, admitted_at=time.time()), expect=0)
        give_up_at = time.monotonic() + WAIT_S
        while True:
            try:
                await self._bus.commit(entry)
            except Conflict:
                return False
            except Full:
                if time.monotonic() > give_up_at:
                    raise Refusal(ErrorCode.OVERLOADED, "too many queries are in flight; try again later") from None
            else:
                self._mine.add(query)
                return True
            if time.monotonic() - self._swept_at > SWEEP_S:
                await self._sweep()
            await asyncio.sleep(PAUSE_S)

    async def end(self, query: str) -> None:
        """Give a token back if it was taken here."""
        if query in self._mine:
            await self.give_back(query)

    async def give_back(self, query: str) -> None:
        """Give a token back, whoever took it."""
        self._mine.discard(query)
        await self._bus.purge(ADMIT, id=query)

    async def _sweep(self) -> None:
        """Give back the tokens that nobody needs."""
        self._swept_at = time.monotonic()
        taken = (await self._bus.read((ADMIT, ADMIT.at())))[ADMIT]
        if not taken:
            return
        ids = [each.message.id for each in taken]
        found = await self._bus.read(
            *((PLAN, PLAN.at(id=each)) for each in ids), *((ANSWER, ANSWER.at(id=each)) for each in ids)
        )
        answered = {each.message.id for each in found[ANSWER]}
        planned = {each.message.id for each in found[PLAN]}
        old = time.time() - UNPLANNED_S
        stale = [
            each.message.id
            for each in taken
            if each.message.id in answered or (each.message.id not in planned and each.message.admitted_at < old)
        ]
        for each in stale:
            await self.give_back(each)
