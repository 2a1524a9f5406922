"""The assembler on the bus.

It keeps no votes of its own: each wake reads the query's state from the stream.  Several assemblers may run, since the
seal is create-only.  Results that come while their query is being looked at are counted by one more look.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager, suppress

import structlog

from schemas.commands import Cancel
from schemas.messages import Assembled, ChunkOutcome, Decided, Error, Piece, Result
from schemas.plans import Due, Plan, Revised, Timer
from schemas.subjects import (
    ASSEMBLED,
    CACHED,
    CANCEL,
    DEADLINE,
    DECIDED,
    DUE,
    LATE,
    PIECE,
    PLAN,
    RESULT,
    REVISED,
    ROUTE,
    TIMER,
)
from schemas.terms import ErrorCode, Wording
from services.assembler.assembly import Assessment, assess, leading, uncounted
from services.assembler.config import AssemblerConfig
from services.assembler.notary import Notary
from services.assembler.seal import cacheable, is_counted, reshape, seal
from services.kinds.told import joined_part
from services.receipts.keys import KeyFile, KeyFileError
from services.runtime.bus import Bus
from services.runtime.calibrated import calibrated
from services.runtime.routes import Delivery, Route, consume, listen, on
from services.runtime.supervision import CannotRun
from services.runtime.telemetry.outcomes import count_escalation, count_seal
from services.runtime.wire import BusError, Conflict, Entry, Stored, TooLarge

log = structlog.get_logger(__name__)

UNCOUNTED = "the votes could not be counted; the assembler's log tells why"


class Assembler:
    """Looks at queries when something happened to them.

    `_looking` holds the look that runs for a query, `_next` the one that begins after it.
    """

    def __init__(self, bus: Bus, config: AssemblerConfig) -> None:
        self._bus = bus
        self._config = config
        self._notary = Notary(KeyFile(config.node_keys)) if config.node_keys is not None else None
        self._looking: dict[str, asyncio.Task[Assembled | None]] = {}
        self._next: dict[str, asyncio.Task[Assembled | None]] = {}

    async def on_result(self, delivery: Delivery[Result]) -> None:
        """Count one more result, or hand it to the trainer when it came after the seal."""
        result = delivery.message
        sealed = await self._wake(result.id)
        if sealed is not None and not is_counted(sealed, result):
            if await self._refuses(result):
                return
            await self._bus.commit(Entry(LATE, result))
            log.info("result.late", query=result.id, chunk=result.chunk, node=result.node)

    def _admitted(self, plan: Plan, results: Sequence[Stored[Result]]) -> list[Result]:
        """Give the results, as far as they may count."""
        said = [result.message for result in results]
        return self._notary.admitted(plan, said) if self._notary is not None else said

    async def _refuses(self, result: Result) -> bool:
        """Tell whether a result that came late may not count."""
        stored = await self._bus.last(PLAN, id=result.id) if self._notary is not None else None
        return stored is not None and self._notary is not None and self._notary.refuses(stored.message, result)

    async def on_deadline(self, delivery: Delivery[Timer]) -> None:
        """Seal with what there is."""
        await self._wake(delivery.message.id)

    async def on_due(self, delivery: Delivery[Due]) -> None:
        """Count again: what builds on a chunk may not wait for all its votes any more."""
        await self._wake(delivery.message.id)

    async def on_revised(self, delivery: Delivery[Revised]) -> None:
        """Count again: a replica that is awaited no more may decide a chunk."""
        await self._wake(delivery.message.id)

    async def on_cancel(self, cancel: Cancel) -> None:
        """Seal a query that its client wants no more."""
        if cancel.chunk is None:
            await self._look(cancel.id, failed=Error(code=ErrorCode.CANCELLED, message=cancel.reason))

    async def _wake(self, id_: str) -> Assembled | None:
        """Return what a look tells that began after this call."""
        look = self._next.get(id_)
        if look is None:
            look = self._next[id_] = asyncio.create_task(self._look_after(self._looking.get(id_), id_))
        return await asyncio.shield(look)

    async def _look_after(self, previous: asyncio.Task[Assembled | None] | None, id_: str) -> Assembled | None:
        if previous is not None:
            await asyncio.wait([previous])
        others = len(self._looking) + len(self._next) - 1
        await asyncio.sleep(min(self._config.max_pause_s, self._config.pause_s * others))
        look = self._looking[id_] = self._next.pop(id_)
        try:
            return await self._look(id_)
        finally:
            if self._looking[id_] is look:
                del self._looking[id_]

    async def _look(self, id_: str, failed: Error | None = None) -> Assembled | None:
        """Read a query's state and do what it calls for; give its seal if it has one.

        One that `failed` is sealed as it stands, and so is one whose time is up, whatever is wrong here.
        """
        found = await self._bus.read(
            (PLAN, PLAN.at(id=id_)),
            (RESULT, RESULT.at(id=id_)),
            (DECIDED, DECIDED.at(id=id_)),
            (DEADLINE, DEADLINE.at(id=id_)),
            (ASSEMBLED, ASSEMBLED.at(id=id_)),
        )
        results = found[RESULT]
        stored: Stored[Plan] | None = next(iter(found[PLAN]), None)
        if found[ASSEMBLED]:
            return found[ASSEMBLED][0].message  # type: ignore[no-any-return]
        if stored is None:
            return None
        plan = stored.message
        now = time.time()
        passed = bool(found[DEADLINE]) or now >= plan.assemble_by
        try:
            assessment = assess(
                plan,
                self._admitted(plan, results),
                decided=[decided.message for decided in found[DECIDED]],
                deadline_passed=passed,
                now=now,
            )
        except Exception:
            if failed is None and not passed:
                raise
            log.exception("query.uncounted", query=id_)
            failed = failed or Error(code=ErrorCode.INTERNAL, message=UNCOUNTED)
            assessment = uncounted(plan, UNCOUNTED)
        if failed is None and not assessment.complete:
            if await self._go_on(plan, assessment):
                await self._tell(plan, assessment)
            return None
        assembled = seal(
            plan,
            assessment,
            planned_at=plan.planned_at or stored.stored_at,
            voted_at=max((result.stored_at for result in results), default=now),
            sealed_at=now,
            failed=failed,
        )
        sealed = await self._seal(assembled, assessment.fresh, fired=bool(found[DEADLINE]))
        if sealed is not None:
            if assembled.error is None:
                await self._tell(plan, assessment)
            for answer in cacheable(plan, assembled):
                with suppress(TooLarge):
                    await self._bus.publish(CACHED, answer)
        return sealed

    async def _go_on(self, plan: Plan, assessment: Assessment) -> bool:
        """Write what is decided, then stop the work on it, and ask for what the others want.

        Where another assembler decided first (False), its word stands: it goes on from there, as the next look here.
        """
        for chunk in sorted(assessment.fresh):
            if not await self._decide(plan, assessment.outcomes[chunk]):
                return False
            if chunk in assessment.cancellable:
                await self._bus.publish(CANCEL, Cancel(id=plan.id, chunk=chunk, reason="decided"))
        for wish in assessment.wanted.values():
            try:
                await self._bus.commit(Entry(ROUTE, wish, expect=0))
            except Conflict:
                continue
            if not wish.given:
                count_escalation(self._bus.telemetry.metrics, plan.chunks[wish.chunk].kind)
        return True

    async def _tell(self, plan: Plan, assessment: Assessment) -> None:
        """Publish the lines that can be told now, in order, where nobody words them: while later parts are voted on."""
        if plan.policy.wording is not Wording.JOIN or len(plan.chunks) == 1:
            return
        known = assessment.decided - assessment.fresh
        for index in range(leading(known), leading(assessment.decided)):
            with suppress(TooLarge):
                part = joined_part(assessment.outcomes, index)
                await self._bus.publish(PIECE, Piece(id=plan.id, index=index, text=part))

    async def _decide(self, plan: Plan, outcome: ChunkOutcome) -> bool:
        """Write an outcome, with as much of its votes as fits; tell whether it is this one that stands."""
        for shape in (outcome, outcome.lean(), outcome.bare()):
            try:
                await self._bus.commit(
                    Entry(DECIDED, Decided(id=plan.id, chunk=outcome.index, outcome=shape), expect=0)
                )
            except TooLarge as error:
                log.warning("chunk.trimmed", query=plan.id, chunk=outcome.index, reason=str(error))
            except Conflict:
                return False
            else:
                return True
        raise BusError(f"chunk {outcome.index} of query {plan.id} is too large to be decided")

    async def _seal(self, assembled: Assembled, fresh: Collection[int], *, fired: bool) -> Assembled | None:
        """Write the seal, which also unschedules the deadline, and stop the work on what it decides afresh.

        Give it as it was written, None where another one was first.
        """
        timer = self._bus.space.full(TIMER.store, TIMER.at(id=assembled.id))
        headers = {} if fired else {"Nats-Scheduler": timer, "Nats-Schedule-Next": "purge"}
        for shape in (assembled, reshape(assembled, ChunkOutcome.lean), reshape(assembled, ChunkOutcome.bare)):
            try:
                await self._bus.commit(Entry(ASSEMBLED, shape, expect=0, headers=headers))
                break
            except TooLarge as error:
                log.warning("query.trimmed", query=assembled.id, reason=str(error))
            except Conflict:
                return None
        else:
            raise BusError(f"query {assembled.id} is too large to be sealed")
        count_seal(self._bus.telemetry.metrics, assembled)
        log.info("query.sealed", query=assembled.id, status=assembled.status.value)
        for outcome in assembled.outcomes:
            if outcome.index in fresh and any(not missing.failed for missing in outcome.missing):
                await self._bus.publish(CANCEL, Cancel(id=assembled.id, chunk=outcome.index, reason="sealed"))
        return shape


@asynccontextmanager
async def assembler(bus: Bus, config: AssemblerConfig | None = None) -> AsyncIterator[Sequence[Route]]:
    """Gather the answers of every query against its deadline."""
    config = config or AssemblerConfig()
    try:
        counting = Assembler(bus, config)
    except KeyFileError as error:
        raise CannotRun(str(error)) from None
    async with calibrated(bus) as calibration:
        yield [
            calibration,
            consume(
                "assembler",
                on(DEADLINE, counting.on_deadline),
                on(DUE, counting.on_due),
                on(REVISED, counting.on_revised),
                concurrency=config.concurrency,
            ),
            consume("assembler-claims", on(RESULT, counting.on_result), concurrency=config.concurrency),
            listen(CANCEL, counting.on_cancel, queue="assembler"),
        ]
