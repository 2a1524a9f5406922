"""The operator's own calibration: read when a service starts, and again when it is changed.

Decomposers route by it and assemblers count by it.  A node, which may read no store, chooses between its own models by
the one that comes with DELLM, unless it shares a process with one that knows better.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from schemas.records import Calibration
from schemas.subjects import CALIBRATION
from services.runtime.bus import Bus
from services.runtime.patience import patient_until
from services.runtime.routes import Listening, listen
from services.runtime.wire import BusError
from services.voting.calibration import adopt

log = structlog.get_logger(__name__)

OWN = "own"  # the key of the only one
READ_S = 5.0


@asynccontextmanager
async def calibrated(bus: Bus) -> AsyncIterator[Listening]:
    """Count with the operator's curves while the body runs; give the route by which a change of them is heard."""
    reading: set[asyncio.Task[None]] = set()

    async def on_calibration(calibration: Calibration) -> None:
        adopt(calibration.curves)
        log.info("calibration.adopted", service=bus.name, models=list(calibration.curves))

    async def read() -> None:
        try:
            with patient_until(time.time() + READ_S):
                stored = await bus.last(CALIBRATION, name=OWN)
        except BusError as error:
            log.warning("calibration.unknown", service=bus.name, reason=str(error))
            return
        if stored is not None:
            await on_calibration(stored.message)

    def read_again() -> None:
        task = asyncio.create_task(read(), name=f"{bus.name}-calibration")
        reading.add(task)
        task.add_done_callback(reading.discard)

    await read()
    bus.on_reconnected.add(read_again)
    try:
        yield listen(CALIBRATION, on_calibration)
    finally:
        bus.on_reconnected.discard(read_again)
        for task in list(reading):
            task.cancel()
