"""Watch the queries that were planned here until they are answered, and tell the client of a lost one in time.

Shortly before the deadline the assembler is woken once more, in case its timer is late.  A query is lost where that
cannot be written, or its plan is gone.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace

import structlog

from schemas.plans import Plan, Revised
from schemas.subjects import ANSWER, PLAN, REVISED
from services.runtime.bus import Bus
from services.runtime.patience import patient_until
from services.runtime.telemetry.carried import carried, carrying
from services.runtime.wire import BusError, Entry

log = structlog.get_logger(__name__)

LOOK_S = 0.05
PROBE_S = 0.4  # before the deadline
TELL_S = 0.1  # before the deadline the client is told, at the latest
OVERDUE_S = 1.0  # past its deadline a query without an answer is taken for lost

GiveUp = Callable[[str, str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class _Awaited:
    """A query without an answer, with its trace context, the inbox that waits, and whether its bus was probed."""

    deadline_at: float
    inbox: str
    context: Mapping[str, str]
    probed: bool = False


class Overdue:
    """Calls `give_up` with the id and the inbox of each query that is lost."""

    def __init__(self, bus: Bus, give_up: GiveUp) -> None:
        self._bus = bus
        self._give_up = give_up
        self._awaited: dict[str, _Awaited] = {}

    def begin(self, plan: Plan) -> None:
        """Watch a query that was just planned."""
        self._awaited[plan.id] = _Awaited(plan.deadline_at, plan.reply, carried())

    def end(self, id_: str) -> bool:
        """Stop watching a query; tell whether it was watched here."""
        return self._awaited.pop(id_, None) is not None

    async def look(self) -> None:
        """See to the queries whose deadline is near or past."""
        now = time.time()
        late = [id_ for id_, query in self._awaited.items() if query.deadline_at + OVERDUE_S < now]
        near = [id_ for id_, query in self._awaited.items() if not query.probed and query.deadline_at - PROBE_S < now]
        await asyncio.gather(*map(self._lose, late), *map(self._probe, near))

    async def _probe(self, id_: str) -> None:
        query = self._awaited[id_]
        self._awaited[id_] = replace(query, probed=True)
        kept = False
        try:
            with patient_until(query.deadline_at - TELL_S), carrying(query.context):
                found = await self._bus.read((PLAN, PLAN.at(id=id_)), (ANSWER, ANSWER.at(id=id_)))
                if found[ANSWER]:  # this decomposer missed it
                    self.end(id_)
                    return
                for plan in found[PLAN]:
                    await self._bus.commit(Entry(REVISED, Revised(id=id_, revision=plan.message.revision)))
                    kept = True
        except BusError as error:
            log.error("query.unkept", query=id_, error=str(error))
        if not kept:
            await self._lose(id_)

    async def _lose(self, id_: str) -> None:
        query = self._awaited.pop(id_, None)
        if query is not None:
            log.error("query.lost", query=id_)
            with carrying(query.context):
                await self._give_up(id_, query.inbox)
