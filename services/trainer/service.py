"""The trainer on the bus: it reads sealed queries, late results and feedback in order, and writes fitness."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager

import structlog

from schemas.messages import Assembled, Feedback, Result
from schemas.records import Fitness
from schemas.subjects import ASSEMBLED, FEEDBACK, FITNESS, RESULT
from services.runtime.bus import Bus
from services.runtime.routes import Delivery, Reject, Route, consume, on
from services.runtime.wire import Conflict, Entry, Stored
from services.trainer.fitness import Observation, UnusableFeedback, from_assembled, from_feedback, from_late, learn

log = structlog.get_logger(__name__)

PREFETCH = 64
MAX_SEALED = 4096


class Trainer:
    """Moves fitness by compare-and-set.

    `_known` is what was last read or written of each node; `_sealed` the latest sealed queries, by which a later
    result is known to be late.
    """

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._known: dict[str, Stored[Fitness]] = {}
        self._sealed: dict[str, Assembled] = {}
        self._started_at = time.time()

    async def on_assembled(self, delivery: Delivery[Assembled]) -> None:
        """Learn from the votes of a sealed query."""
        assembled = delivery.message
        self._sealed[assembled.id] = assembled
        if len(self._sealed) > MAX_SEALED:
            del self._sealed[next(iter(self._sealed))]
        await self._apply(from_assembled(assembled), delivery.sequence)

    async def on_result(self, delivery: Delivery[Result]) -> None:
        """Learn from a result that came too late to be counted."""
        result = delivery.message
        assembled = self._sealed.get(result.id)
        if assembled is None and result.started_at < self._started_at:  # it may have been sealed before this start
            stored = await self._bus.last(ASSEMBLED, id=result.id)
            if stored is not None and stored.sequence < delivery.sequence:
                assembled = stored.message
        if assembled is not None:
            await self._apply(from_late(assembled, result), delivery.sequence)

    async def on_feedback(self, delivery: Delivery[Feedback]) -> None:
        """Learn from what a client says of its answer."""
        stored = await self._bus.last(ASSEMBLED, id=delivery.message.id)
        if stored is None:
            raise Reject(f"no query {delivery.message.id} is on record")
        try:
            observations = from_feedback(stored.message, delivery.message)
        except UnusableFeedback as error:
            raise Reject(str(error)) from None
        await self._apply(observations, delivery.sequence)

    async def _apply(self, observations: Iterable[Observation], sequence: int) -> None:
        by_node: dict[str, list[Observation]] = defaultdict(list)
        for each in observations:
            by_node[each.node].append(each)
        await asyncio.gather(*(self._learn(node, seen, sequence) for node, seen in by_node.items()))

    async def _learn(self, node: str, seen: Sequence[Observation], sequence: int) -> None:
        known = self._known.get(node) or await self._bus.last(FITNESS, node=node)
        while True:
            fitness = learn(known.message if known else None, seen, sequence)
            if known is not None and fitness == known.message:
                return
            try:
                revision = await self._bus.commit(Entry(FITNESS, fitness, expect=known.sequence if known else 0))
            except Conflict:
                known = await self._bus.last(FITNESS, node=node)
                continue
            self._known[node] = Stored(message=fitness, payload=b"", sequence=revision, stored_at=time.time())
            return


@asynccontextmanager
async def trainer(bus: Bus) -> AsyncIterator[Sequence[Route]]:
    """Learn from everything that ends."""
    each = Trainer(bus)
    yield [
        consume(
            "trainer",
            on(ASSEMBLED, each.on_assembled),
            on(RESULT, each.on_result),
            on(FEEDBACK, each.on_feedback),
            concurrency=PREFETCH,
            ordered=True,
        )
    ]
