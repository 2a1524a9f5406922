"""The trainer on the bus: it reads sealed queries, late results and feedback in order, and writes fitness."""

from __future__ import annotations

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
        """Move the fitness of all nodes concerned, in one atomic write."""
        by_node: dict[str, list[Observation]] = defaultdict(list)
        for each in observations:
            by_node[each.node].append(each)
        while by_node:
            known = {node: await self._known_of(node) for node in by_node}
            entries = [
                Entry(FITNESS, fitness, expect=before.sequence if before else 0)
                for node, before in known.items()
                if (fitness := learn(before and before.message, by_node[node], sequence)) != (before and before.message)
            ]
            try:
                last = await self._bus.commit(*entries) if entries else 0
            except Conflict:
                self._known = {node: stored for node, stored in self._known.items() if node not in by_node}
                continue
            for revision, entry in enumerate(entries, last - len(entries) + 1):
                self._known[entry.message.node] = Stored(entry.message, b"", revision, time.time())
            return

    async def _known_of(self, node: str) -> Stored[Fitness] | None:
        return self._known.get(node) or await self._bus.last(FITNESS, node=node)


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
