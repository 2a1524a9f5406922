"""The live nodes, and the models that they run."""

from __future__ import annotations

import time

from schemas.records import Presence
from schemas.responses import Drafts
from schemas.subjects import DRAFTS, PRESENCE
from services.gateway.reading import ALONE, POOL, no_model
from services.runtime.bus import Bus
from services.runtime.patience import patient_until
from services.runtime.wire import Entry

BUS_S = 1.0


class Pool:
    """The nodes whose heartbeats are in the presence bucket."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._token = bus.new_id()

    async def nodes(self) -> list[Presence]:
        """Read who is there."""
        return [stored.message for stored in (await self._bus.read((PRESENCE, PRESENCE.at())))[PRESENCE]]

    async def models(self) -> set[str]:
        """Give the models that some node runs."""
        return {model for node in await self.nodes() for model in node.models}

    async def check_writable(self) -> None:
        """Check that the stream takes a message, which expires soon.  Raises BusError."""
        with patient_until(time.time() + BUS_S):
            await self._bus.commit(Entry(DRAFTS, Drafts(id=f"ready-{self._token}"), ttl_s=1))

    async def check(self, model: str) -> None:
        """See that a model may be asked.  Raises HttpError, with the names that there are."""
        if model in (POOL, ALONE):
            return
        alive = await self.models()
        if model not in alive:
            raise no_model(model, alive)
