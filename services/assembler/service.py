"""The assembler on the bus.

It keeps no votes of its own: each wake reads the query's state from the stream.  Several assemblers may run, since the
seal is create-only.  Wakes of one query that come while it is being looked at are answered by one more look.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import structlog

from schemas.messages import Assembled, Cancel, Plan, Result, Route, Timer
from schemas.subjects import ASSEMBLED, CANCEL, DEADLINE, PLAN, RESULT, ROUTE, TIMER
from services.assembler.assembly import Assessment, assess, lean, seal
from services.runtime.bus import Bus
from services.runtime.routes import Delivery, consume, listen, on
from services.runtime.routes import Route as BusRoute
from services.runtime.wire import Conflict, Entry, Stored, TooLarge

log = structlog.get_logger(__name__)

CONCURRENCY = 128


class Assembler:
    """Looks at queries when something happened to them.

    `_looking` holds the look that runs for a query, `_next` the one that begins after it.
    """

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._looking: dict[str, asyncio.Task[None]] = {}
        self._next: dict[str, asyncio.Task[None]] = {}

    async def on_result(self, delivery: Delivery[Result]) -> None:
        """Count one more result."""
        await self._wake(delivery.message.id)

    async def on_deadline(self, delivery: Delivery[Timer]) -> None:
        """Seal with what there is."""
        await self._wake(delivery.message.id)

    async def on_plan(self, delivery: Delivery[Plan]) -> None:
        """Count again when a plan was revised: a replica that is awaited no more may decide a chunk."""
        if delivery.message.revision:
            await self._wake(delivery.message.id)

    async def on_cancel(self, cancel: Cancel) -> None:
        """Seal a query that its client wants no more."""
        if cancel.chunk is None:
            await self._look(cancel.id, cancelled=cancel.reason)

    async def _wake(self, id_: str) -> None:
        """Return after a look that began after this call."""
        look = self._next.get(id_)
        if look is None:
            look = self._next[id_] = asyncio.create_task(self._look_after(self._looking.get(id_), id_))
        await asyncio.shield(look)

    async def _look_after(self, previous: asyncio.Task[None] | None, id_: str) -> None:
        if previous is not None:
            await asyncio.wait([previous])
        look = self._looking[id_] = self._next.pop(id_)
        try:
            await self._look(id_)
        finally:
            if self._looking[id_] is look:
                del self._looking[id_]

    async def _look(self, id_: str, cancelled: str | None = None) -> None:
        """Read a query's state and do what it calls for."""
        found = await self._bus.read(
            (PLAN, PLAN.at(id=id_)),
            (RESULT, RESULT.at(id=id_)),
            (DEADLINE, DEADLINE.at(id=id_)),
            (ASSEMBLED, ASSEMBLED.at(id=id_)),
        )
        stored: Stored[Plan] | None = next(iter(found[PLAN]), None)
        if stored is None or found[ASSEMBLED]:
            return  # sealed already: a late result is the trainer's business
        plan = stored.message
        now = time.time()
        passed = bool(found[DEADLINE]) or now >= plan.assemble_by
        assessment = assess(plan, [each.message for each in found[RESULT]], deadline_passed=passed)
        if cancelled is None and not assessment.complete:
            await self._go_on(plan, assessment)
            return
        assembled = seal(
            plan,
            assessment,
            planned_at=stored.stored_at,
            voted_at=max((each.stored_at for each in found[RESULT]), default=now),
            sealed_at=now,
            cancelled=cancelled,
        )
        await self._seal(assembled, fired=bool(found[DEADLINE]))

    async def _go_on(self, plan: Plan, assessment: Assessment) -> None:
        """Stop work on decided chunks, and ask for a replica where all have failed."""
        for chunk in assessment.cancellable:
            await self._bus.publish(CANCEL, Cancel(id=plan.id, chunk=chunk, reason="decided"))
        for chunk in assessment.failed:
            attempt = sum(each.chunk == chunk for each in plan.assignments)
            try:
                await self._bus.commit(Entry(ROUTE, Route(id=plan.id, chunk=chunk, attempt=attempt), expect=0))
            except Conflict:
                continue

    async def _seal(self, assembled: Assembled, *, fired: bool) -> None:
        """Write the seal, which also unschedules the deadline, and stop what is still being worked on."""
        timer = self._bus.space.full(TIMER.store, TIMER.at(id=assembled.id))
        headers = {} if fired else {"Nats-Scheduler": timer, "Nats-Schedule-Next": "purge"}
        try:
            try:
                await self._bus.commit(Entry(ASSEMBLED, assembled, expect=0, headers=headers))
            except TooLarge:
                await self._bus.commit(Entry(ASSEMBLED, lean(assembled), expect=0, headers=headers))
        except Conflict:
            return
        log.info("query.sealed", query=assembled.id, status=assembled.status.value)
        for outcome in assembled.outcomes:
            if any(not each.failed for each in outcome.missing):
                await self._bus.publish(CANCEL, Cancel(id=assembled.id, chunk=outcome.index, reason="sealed"))


@asynccontextmanager
async def assembler(bus: Bus) -> AsyncIterator[Sequence[BusRoute]]:
    """Gather the answers of every query against its deadline."""
    each = Assembler(bus)
    yield [
        consume(
            "assembler",
            on(RESULT, each.on_result),
            on(DEADLINE, each.on_deadline),
            on(PLAN, each.on_plan),
            concurrency=CONCURRENCY,
        ),
        listen(CANCEL, each.on_cancel, queue="assembler"),
    ]
