"""The decomposer on the bus."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from schemas.subjects import ANSWER, CANCEL, QUERY, ROUTE
from services.decomposer.config import DecomposerConfig
from services.decomposer.intake import Intake
from services.decomposer.replan import Replanner
from services.decomposer.roster import Roster
from services.decomposer.workload import Workload
from services.runtime.bus import Bus
from services.runtime.lifecycle import repeating
from services.runtime.routes import Route, consume, listen, on, serve

CONCURRENCY = 64
LOOK_S = 0.5


@asynccontextmanager
async def decomposer(bus: Bus, config: DecomposerConfig | None = None) -> AsyncIterator[Sequence[Route]]:
    """Take queries in, and keep their plans true while nodes come and go."""
    roster = Roster(bus)
    workload = Workload()
    intake = Intake(bus, roster, workload, (config or DecomposerConfig()).checked())
    replanner = Replanner(bus, roster, workload)
    async with (
        repeating(LOOK_S, replanner.move_from_absent),
        repeating(LOOK_S, intake.forget_late),
        repeating(LOOK_S, intake.tell_overdue),
    ):
        yield [
            serve(QUERY, intake.on_query, concurrency=CONCURRENCY),
            listen(ANSWER, intake.on_answer),
            listen(CANCEL, intake.on_cancel),
            consume("decomposer", on(ROUTE, replanner.on_route), concurrency=8),
        ]
