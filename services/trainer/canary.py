"""Canaries: questions with a known answer, asked now and then as any client asks.

Every node answers, and the known answer goes back as feedback, by which the trainer judges each vote.  One canary is
due for every 1 / rate sealed queries; it waits until no query is in flight, so that it takes nothing from those who
wait for an answer, and a deployment that is never idle, or never asked, has none.  Whatever goes wrong with one, it is
forgotten.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from random import Random

import structlog

from schemas.commands import Feedback, Query
from schemas.messages import Assembled
from schemas.subjects import ADMIT, ASSEMBLED, FEEDBACK
from schemas.terms import CANARY, Policy, Wording
from services.runtime.bus import Bus
from services.runtime.client import ask
from services.runtime.lifecycle import repeating
from services.runtime.routes import Route, listen
from services.runtime.wire import Entry
from services.trainer.config import TrainerConfig
from services.trainer.questions import Known

log = structlog.get_logger(__name__)

EVERY_NODE = Policy(replicas=None, max_replicas=1, early=False, wording=Wording.JOIN, min_confidence=0.0)

Draw = Callable[[Random], Known]


class Canaries:
    """Asks them; `_sealed` counts the queries since the last one."""

    def __init__(self, bus: Bus, config: TrainerConfig, draw: Draw) -> None:
        self._bus = bus
        self._config = config
        self._draw = draw
        self._random = Random()
        self._sealed = 0

    async def on_assembled(self, assembled: Assembled) -> None:
        """Count a query that is no canary."""
        self._sealed += not assembled.id.startswith(CANARY)

    async def look(self) -> None:
        """Ask if one is due and nobody else is waiting for an answer."""
        due = self._sealed * self._config.canary_rate >= 1
        if not due or (await self._bus.read((ADMIT, ADMIT.at())))[ADMIT]:
            return
        self._sealed = 0
        known = self._draw(self._random)
        query = Query(
            query=known.question,
            id=f"{CANARY}{self._bus.new_id()}",
            timeout_s=self._config.canary_timeout_s,
            policy=EVERY_NODE,
        )
        reply = await ask(self._bus, query)
        if reply.error is not None or len(reply.chunks) != 1:
            log.warning("canary.void", query=query.id, error=reply.error and reply.error.code.value)
            return
        await self._bus.commit(Entry(FEEDBACK, Feedback(id=reply.id, answer=known.answer)))
        log.info("canary.answered", query=query.id, votes=len(reply.chunks[0].votes))


@asynccontextmanager
async def canaries(bus: Bus, config: TrainerConfig, draw: Draw) -> AsyncIterator[Sequence[Route]]:
    """Ask canaries while the body runs."""
    if not config.canary_rate:
        yield []
        return
    asker = Canaries(bus, config, draw)
    async with repeating(config.canary_look_s, asker.look):
        yield [listen(ASSEMBLED, asker.on_assembled, queue="trainer")]
