"""The decomposer on the bus."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from schemas.subjects import ANSWER, CANCEL, QUERY, ROUTE
from services.decomposer.config import DecomposerConfig
from services.decomposer.intake import Intake
from services.decomposer.overdue import LOOK_S
from services.decomposer.replan import Replanner
from services.decomposer.roster import Roster
from services.decomposer.workload import Workload
from services.runtime.bus import Bus
from services.runtime.calibrated import calibrated
from services.runtime.lifecycle import repeating
from services.runtime.routes import Route, consume, listen, on, serve


@asynccontextmanager
async def decomposer(
    bus: Bus, config: DecomposerConfig | None = None, roster: Roster | None = None
) -> AsyncIterator[Sequence[Route]]:
    """Take queries in, and keep their plans true while nodes come and go, which the `roster` follows."""
    config = config or DecomposerConfig()
    roster = roster or Roster()
    workload = Workload()
    intake = Intake(bus, roster, workload, config)
    replanner = Replanner(bus, roster, workload)
    async with (
        calibrated(bus) as calibration,
        roster.following(bus),
        repeating(config.look_s, replanner.move_from_absent),
        repeating(config.look_s, intake.forget_late),
        repeating(LOOK_S, intake.overdue.look),
    ):
        yield [
            calibration,
            serve(QUERY, intake.on_query, concurrency=config.concurrency),
            listen(ANSWER, intake.on_answer),
            listen(CANCEL, intake.on_cancel),
            consume("decomposer", on(ROUTE, replanner.on_route), concurrency=8),
        ]
