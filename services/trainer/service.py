"""The trainer on the bus: it reads sealed queries, late results and feedback, and writes fitness.

What is learned while one write is under way goes into the next, so that many queries cost few writes; a message is
acked when the write that holds it is done.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

import structlog

from schemas.cache import cache_key
from schemas.commands import Feedback
from schemas.messages import Assembled, Result
from schemas.records import Fitness
from schemas.subjects import ASSEMBLED, CACHED, FEEDBACK, FITNESS, LATE
from services.runtime.bus import Bus
from services.runtime.newer import unknown_fields
from services.runtime.routes import Delivery, Reject, Route, consume, on
from services.runtime.wire import Conflict, Entry, Stored
from services.trainer.canary import Draw, canaries
from services.trainer.config import TrainerConfig
from services.trainer.fitness import Observation, learn
from services.trainer.judgement import UnusableFeedback, disproved, from_assembled, from_feedback, from_late
from services.trainer.questions import draw_known
from services.trainer.records import Records, recording

log = structlog.get_logger(__name__)

Lessons = dict[str, list[tuple[int | None, list[Observation]]]]


class Trainer:
    """Moves fitness by compare-and-set.

    `_known` is what is stored of each node, `_lessons` what is to be learned of each, in order of arrival.
    `_unreadable` holds the subjects of records that this trainer can't read, such as those of a newer one: they are
    kept, and what would be learned of their nodes is not.
    """

    def __init__(self, bus: Bus, config: TrainerConfig, records: Records) -> None:
        self._bus = bus
        self._records = records
        self._config = config
        self._known: dict[str, Stored[Fitness]] = {}
        self._lessons: Lessons = defaultdict(list)
        self._unreadable: set[str] = set()
        self._written: asyncio.Future[None] | None = None

    async def load(self) -> None:
        """Read what is stored."""
        unreadable: set[str] = set()
        stored = (await self._bus.read((FITNESS, FITNESS.at()), unreadable=unreadable))[FITNESS]
        for subject in unreadable - self._unreadable:
            log.error("fitness.unreadable", subject=subject)
        self._unreadable = unreadable
        self._known = {record.message.node: _lean(record) for record in stored}

    async def on_assembled(self, delivery: Delivery[Assembled]) -> None:
        """Learn from the votes of a sealed query."""
        await self._records.keep(delivery.message)
        await self._take_in(from_assembled(delivery.message), delivery.sequence)

    async def on_late(self, delivery: Delivery[Result]) -> None:
        """Learn from a result that came too late to be counted."""
        id_ = delivery.message.id
        stored, told = await asyncio.gather(self._bus.last(ASSEMBLED, id=id_), self._bus.last(FEEDBACK, id=id_))
        if stored is not None:
            feedback = told.message if told is not None else None
            await self._take_in(from_late(stored.message, delivery.message, feedback), delivery.sequence)

    async def on_feedback(self, delivery: Delivery[Feedback]) -> None:
        """Learn from what a client says of its answer, which nobody else shall get if it was wrong."""
        stored = await self._bus.last(ASSEMBLED, id=delivery.message.id)
        if stored is None:
            raise Reject(f"no query {delivery.message.id} is on record")
        try:
            observations = from_feedback(stored.message, delivery.message)
            wrong = disproved(stored.message, delivery.message)
        except UnusableFeedback as error:
            raise Reject(str(error)) from None
        for outcome in wrong:
            await self._bus.purge(CACHED, key=cache_key(outcome, outcome.given))
        await self._records.keep(stored.message, [delivery.message])
        await self._take_in(observations, None)

    async def _take_in(self, observations: Iterable[Observation], sequence: int | None) -> None:
        """Return when the observations are written."""
        by_node: dict[str, list[Observation]] = defaultdict(list)
        for seen in observations:
            by_node[seen.node].append(seen)
        if not by_node:
            return
        for node, lesson in by_node.items():
            self._lessons[node].append((sequence, lesson))
        if self._written is None:
            self._written = asyncio.ensure_future(self._write())
            self._written.add_done_callback(_retrieve)  # nobody may be left to hear of a failure
        await asyncio.shield(self._written)

    async def _write(self) -> None:
        """Write all that is to be learned, atomically."""
        await asyncio.sleep(self._config.write_s)
        lessons, self._lessons, self._written = self._lessons, defaultdict(list), None
        while True:
            entries = [entry for node in lessons if (entry := self._entry(node, lessons[node])) is not None]
            if not entries:
                return
            try:
                last = await self._bus.commit(*entries)
            except Conflict:  # with another trainer, or with the write before this one
                await self.load()
                await self._clear(node for node in lessons if node not in self._known)
                continue
            for revision, entry in enumerate(entries, last - len(entries) + 1):
                payload = entry.payload() if entry.over is not None else b""
                self._known[entry.message.node] = Stored(entry.message, payload, revision, time.time())
            return

    async def _clear(self, nodes: Iterable[str]) -> None:
        """Make room where a deleted key stands."""
        for node in nodes:
            if not self._is_unreadable(node):
                await self._bus.purge(FITNESS, node=node)

    def _is_unreadable(self, node: str) -> bool:
        return self._bus.space.full(FITNESS.store, FITNESS.at(node=node)) in self._unreadable

    def _entry(self, node: str, lessons: Sequence[tuple[int | None, list[Observation]]]) -> Entry[Fitness] | None:
        """Give the write that a node's lessons call for, None if they were all learned before or can't be written."""
        if self._is_unreadable(node):
            return None
        known = self._known.get(node)
        before = fitness = known.message if known else None
        for sequence, observations in lessons:
            fitness = learn(fitness, observations, sequence)
        if fitness is None or fitness == before:
            return None
        over = known if known is not None and known.payload else None
        return Entry(FITNESS, fitness, expect=known.sequence if known else 0, over=over)


def _lean(record: Stored[Fitness]) -> Stored[Fitness]:
    """Keep the payload of a record only where a newer version wrote more than is known here."""
    return record if unknown_fields(record.message, record.payload) else replace(record, payload=b"")


def _retrieve(written: asyncio.Future[None]) -> None:
    if not written.cancelled():
        written.exception()


@asynccontextmanager
async def trainer(
    bus: Bus, config: TrainerConfig | None = None, *, draw: Draw = draw_known
) -> AsyncIterator[Sequence[Route]]:
    """Learn from everything that ends, and ask questions of one's own, which `draw` gives."""
    config = config or TrainerConfig()
    async with recording(bus, config.ledger_look_s) as records, canaries(bus, config, draw) as routes:
        learner = Trainer(bus, config, records)
        await learner.load()
        yield [
            consume(
                "trainer",
                on(ASSEMBLED, learner.on_assembled),
                on(LATE, learner.on_late),
                concurrency=config.concurrency,
            ),
            consume("trainer-claims", on(FEEDBACK, learner.on_feedback), concurrency=config.concurrency),
            *routes,
        ]
