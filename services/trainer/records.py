"""The records that the ledger keeps where it keeps no texts: the trainer writes them, the server copies them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import structlog
from msgspec import structs

from schemas.commands import Feedback
from schemas.messages import Assembled
from schemas.subjects import SEALED
from services.ledger.hashed import sealed
from services.runtime.bus import Bus
from services.runtime.ledger import find_ledger
from services.runtime.lifecycle import repeating
from services.runtime.wire import BusError, Entry, TooLarge

log = structlog.get_logger(__name__)


class Records:
    """Writes them while the ledger wants them, which is looked up now and then."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._wanted = False

    async def look(self) -> None:
        """See whether the ledger takes hashes in the place of texts."""
        try:
            ledger = await find_ledger(self._bus)
        except BusError as error:
            log.warning("ledger.unknown", reason=str(error))
            return
        if ledger is None:
            self._bus.stores_in_doubt.set()  # who may make it does so again
        self._wanted = ledger is not None and ledger.days > 0 and not ledger.text

    async def keep(self, assembled: Assembled, feedback: Sequence[Feedback] = ()) -> None:
        """Write the record of a sealed query, with what was said of its answer so far; `feedback` is new."""
        if not self._wanted:
            return
        before = await self._bus.last(SEALED, id=assembled.id) if feedback else None
        record = sealed(assembled, feedback)
        if before is not None:
            record = structs.replace(record, feedback=[*before.message.feedback, *record.feedback])
        try:
            await self._bus.commit(Entry(SEALED, record))
        except TooLarge as error:
            log.warning("record.too_large", query=assembled.id, reason=str(error))


@asynccontextmanager
async def recording(bus: Bus, look_s: float) -> AsyncIterator[Records]:
    """Keep looking whether records are wanted while the body runs."""
    records = Records(bus)
    await records.look()
    async with repeating(look_s, records.look):
        yield records
