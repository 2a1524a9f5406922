"""Who is there, and who was: live nodes with what the trainer knows of them, read from the buckets every `FRESH_S`."""

from __future__ import annotations

import asyncio
import time

from schemas.subjects import FITNESS, PRESENCE, PRESENCE_TTL_S
from services.decomposer.route import Candidate
from services.runtime.bus import Bus

FRESH_S = 0.25


class Roster:
    """A short-lived copy of the presence and fitness buckets.

    `left` maps nodes that were in an earlier copy, and so may have been given work, to when they were missed first
    (monotonic seconds).
    """

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._read_at = float("-inf")
        self._candidates: list[Candidate] = []
        self._reading = asyncio.Lock()
        self.left: dict[str, float] = {}

    async def candidates(self) -> list[Candidate]:
        """Give the live nodes, sorted by id."""
        async with self._reading:
            if time.monotonic() - self._read_at > FRESH_S or not self._candidates:
                before = self._candidates
                self._candidates = await self._read()
                self._read_at = time.monotonic()
                if self._read_at - self._bus.reconnected_at < PRESENCE_TTL_S:  # the bucket was emptied with the server
                    there = {each.presence.node for each in self._candidates}
                    self._candidates += [each for each in before if each.presence.node not in there]
                present = {str(each.presence.node) for each in self._candidates}
                self.left.update(
                    {node: self._read_at for each in before if (node := each.presence.node) not in present}
                )
                for node in present & self.left.keys():
                    del self.left[node]
            return self._candidates

    async def _read(self) -> list[Candidate]:
        present, known = await asyncio.gather(
            self._bus.read((PRESENCE, PRESENCE.at())), self._bus.read((FITNESS, FITNESS.at()))
        )
        fitness = {each.message.node: each.message for each in known[FITNESS]}
        nodes = sorted((each.message for each in present[PRESENCE]), key=lambda each: str(each.node))
        return [Candidate(each, fitness.get(each.node)) for each in nodes]
