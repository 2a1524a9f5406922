"""Which tokens of which sequences are computed in the next step.  Pure: it touches no model, thread or clock."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from models.queue import FairQueue
from models.slots import Share, Slots, common

if TYPE_CHECKING:
    from collections.abc import Iterator

    from models.sequence import Sequence, Tokens

# A sequence waits for another that is just reading their common prefix, if that has so many tokens: those that every
# chat begins with aren't worth a step.
MIN_PREFIX_TOKENS = 16


@dataclass(frozen=True, slots=True)
class Chunk:
    """The next `count` tokens of a sequence."""

    sequence: Sequence
    slot: int
    start: int
    count: int

    @property
    def tokens(self) -> Tokens:
        """The tokens themselves."""
        return self.sequence.tokens[self.start : self.start + self.count]

    @property
    def first(self) -> bool:
        """Whether they are the first that are computed for it."""
        return self.start == self.sequence.shared

    @property
    def last(self) -> bool:
        """Whether a token is to be sampled after them."""
        return self.start + self.count == self.sequence.length


@dataclass(frozen=True, slots=True)
class Plan:
    """One step: first the shares in their order, then all chunks in one batch."""

    shares: list[Share]
    chunks: list[Chunk]


class Scheduler:
    """Callers take turns; of one, who came first is first.

    Each step takes one token of every sequence that generates and fills the batch up to `batch_tokens` with prompts, in
    the order in which they got their slots, so that a long prompt delays those who generate by little.  Only one that
    waits for the prefix which another is just reading lets later ones read before it.
    """

    def __init__(self, slots: Slots, batch_tokens: int) -> None:
        self._slots = slots
        self._batch_tokens = batch_tokens
        self._waiting = FairQueue()
        self._running: list[Sequence] = []

    @property
    def num_waiting(self) -> int:
        """How many sequences have no slot yet."""
        return len(self._waiting)

    @property
    def num_running(self) -> int:
        """How many sequences have a slot."""
        return len(self._running)

    def __iter__(self) -> Iterator[Sequence]:
        return chain(self._running, self._waiting)

    def add(self, sequence: Sequence) -> None:
        """Queue a sequence."""
        self._waiting.add(sequence)

    def remove(self, sequence: Sequence) -> None:
        """Let a sequence go, whether it waits or runs."""
        if sequence in self._running:
            self._running.remove(sequence)
            self._slots.release(sequence)
        else:
            self._waiting.remove(sequence)

    def plan(self) -> Plan:
        """Decide on the next step; without chunks there is nothing to do."""
        shares: list[Share] = []
        while self._waiting and self._slots.vacant:
            sequence = self._waiting.next()
            shares.append(self._slots.take(sequence))
            self._running.append(sequence)
            sequence.start()
        chunks = [self._chunk(sequence, 1) for sequence in self._running if sequence.decoding]
        room = self._batch_tokens - len(chunks)
        for place, sequence in enumerate(self._running):
            if room and not sequence.decoding and (sequence.begun or self._begin(sequence, place, shares)):
                count = min(sequence.pending, room)
                room -= count
                chunks.append(self._chunk(sequence, count))
        return Plan(shares, chunks)

    def _begin(self, sequence: Sequence, place: int, shares: list[Share]) -> bool:
        """Take what others have computed by now; put off the rest while an older one is just reading more of it."""
        if share := self._slots.extend(sequence):
            shares.append(share)
        goal = sequence.prompt[:-1]
        read = [older for older in self._running[:place] if not older.decoding] if self._slots.sharing else []
        promised = max((common(goal, older.prompt) for older in read), default=0)
        sequence.begun = promised <= sequence.computed or promised < MIN_PREFIX_TOKENS
        return sequence.begun

    def _chunk(self, sequence: Sequence, count: int) -> Chunk:
        return Chunk(sequence, self._slots.of(sequence), sequence.computed, count)
