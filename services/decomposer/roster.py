"""Who is there, and what the trainer knows of them, followed as the buckets change."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from random import Random
from typing import TypeVar

import msgspec
import structlog

from schemas.subjects import FITNESS, PRESENCE, PRESENCE_TTL_S, Store, Subject
from services.decomposer.candidate import Candidate
from services.decomposer.members import POOL_NODES, Members
from services.kinds.table import KINDS
from services.runtime.bus import Bus
from services.runtime.watch import Watch, watching
from services.runtime.wire import decode_at

log = structlog.get_logger(__name__)

T = TypeVar("T", bound=msgspec.Struct)

ANEW_S = 2.5  # two heartbeats
ELECTION_S = 10.0  # a server waits up to 9 s before it would lead a stream whose leader is gone


class Roster:
    """The live nodes.

    A node is live for PRESENCE_TTL_S after its heartbeat.  The clock stands at the last word from the bucket, so that
    no node expires while the server is away.  When the watch is made anew every node gets ANEW_S to be heard of, since
    a restarted server has forgotten their heartbeats.
    """

    def __init__(self) -> None:
        self.members = Members()
        self._payloads: dict[str, bytes] = {}
        self._bus: Bus | None = None
        self._present: Watch | None = None
        self._known: Watch | None = None

    @asynccontextmanager
    async def following(self, bus: Bus) -> AsyncIterator[None]:
        """Follow the buckets while the body runs."""
        self._bus = bus
        bus.telemetry.metrics.nodes.set_function(self.members.count)
        bus.telemetry.fitness.watch(self.members.fitness, [kind.name for kind in KINDS])
        async with (
            watching(bus, Store.PRESENCE, self._on_presence, self._see_all) as self._present,
            watching(bus, Store.FITNESS, self._on_fitness, self.members.know_nothing) as self._known,
        ):
            yield

    async def current(self) -> Members:
        """Give the live nodes.  Raises BusError when nothing is known and the server stays away."""
        assert self._present is not None, "it follows"
        assert self._known is not None
        await self._present.wait_until_current()
        await self._known.wait_until_current()
        for node in self.members.expire(self._told_until() - PRESENCE_TTL_S, time.monotonic()):
            del self._payloads[node]
        return self.members

    def _told_until(self) -> float:
        """Give the time until which a heartbeat would have been told.

        In a cluster nobody's can be, while the bucket has no leader: when all are silent at once, that is why.
        """
        assert self._bus is not None
        assert self._present is not None
        heard_at = self._present.heard_at
        if not self._bus.is_clustered:
            return heard_at
        return max(self._present.value_at, heard_at - ELECTION_S)

    async def pool(
        self, random: Random, *, model: str = "", num: int = POOL_NODES, besides: Collection[str] = ()
    ) -> list[Candidate]:
        """Draw nodes to choose from, see `Members.draw`."""
        members = await self.current()
        if not members.count(model):
            await self._look()
        return members.draw(random, model=model, num=num, besides=besides)

    async def _look(self) -> None:
        """Read who is there: whoever is told that there is nobody may have seen a node come just now."""
        assert self._bus is not None
        for stored in (await self._bus.read((PRESENCE, PRESENCE.at())))[PRESENCE]:
            if stored.message.node not in self.members:
                self._on_presence(str(stored.message.node), stored.payload)

    def _on_presence(self, node: str, payload: bytes | None) -> None:
        """Hear a node's heartbeat, or its goodbye."""
        now = time.monotonic()
        if payload is None:
            self.members.leave(node, now)
            self._payloads.pop(node, None)
        elif payload == self._payloads.get(node):  # as nearly always: it need not be read again
            self.members.see(node, now)
        elif (presence := self._read(node, payload, PRESENCE)) is not None:
            self.members.arrive(presence, now)
            self._payloads[node] = payload

    def _on_fitness(self, node: str, payload: bytes | None) -> None:
        self.members.know(node, None if payload is None else self._read(node, payload, FITNESS))

    def _see_all(self) -> None:
        self.members.see_all(time.monotonic() + ANEW_S - PRESENCE_TTL_S)

    def _read(self, node: str, payload: bytes, row: Subject[T]) -> T | None:
        """Decode a value; whoever wrote one that does not decode, the others are still good."""
        assert self._bus is not None
        try:
            found: T = decode_at(self._bus.space.full(row.store, node), payload, row)
        except msgspec.DecodeError as error:
            log.warning("stored.undecodable", node=node, message=row.message.__name__, reason=str(error))
            return None
        return found


async def read_candidates(bus: Bus) -> list[Candidate]:
    """Read who is there now, sorted by id."""
    present, known = await asyncio.gather(bus.read((PRESENCE, PRESENCE.at())), bus.read((FITNESS, FITNESS.at())))
    fitness = {stored.message.node: stored.message for stored in known[FITNESS]}
    nodes = sorted((stored.message for stored in present[PRESENCE]), key=lambda presence: str(presence.node))
    return [Candidate(presence, fitness.get(presence.node)) for presence in nodes]
