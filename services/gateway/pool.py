"""Who is alive, and which models that makes."""

from __future__ import annotations

from schemas.records import Presence
from schemas.subjects import PRESENCE
from services.gateway.reading import ALONE, POOL, no_model
from services.runtime.bus import Bus


class Pool:
    """The nodes that beat their hearts into the presence bucket."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def nodes(self) -> list[Presence]:
        """Read who is there."""
        return [stored.message for stored in (await self._bus.read((PRESENCE, PRESENCE.at())))[PRESENCE]]

    async def models(self) -> set[str]:
        """Give the models that some node runs."""
        return {model for node in await self.nodes() for model in node.models}

    async def check(self, model: str) -> None:
        """See that a model may be asked.  Raises HttpError, with the names that there are."""
        if model in (POOL, ALONE):
            return
        alive = await self.models()
        if model not in alive:
            raise no_model(model, alive)
