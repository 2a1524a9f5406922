"""Which tokens of which sequences are computed in the next step.  Pure: it touches no model, thread or clock."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from models.queue import FairQueue
from models.slots import Share, Slots, common

if TYPE_CHECKING:
    from collections.abc import Iterator

    from models.pace import Pace
    from models.sequence import Sequence, Tokens

# A sequence waits for another that is just reading their common prefix, if that has so many tokens: those that every
# chat begins with aren't worth a step.
MIN_PREFIX_TOKENS = 16
# The part of those of normal priority that a step computes while one of high priority runs, and of the batch that their
# prompts get.  On two cores a step of 1.5 billion parameters takes about 33 ms with one row, 114 with four and 250 with
# eight: so little is lost by going in turns, and whoever reads waits a third as long for each word.
BACKGROUND_SHARE = 3
# So many of high priority run beside a full house, lest whoever reads waits until another's long answer has ended.
HIGH_EXTRA = 2
# A prompt of so many batches is short: whoever reads may wait a second for a step with it, lest the one who asks
# waits for three.  With 1.5 billion parameters, beside three readers, a prompt of 115 tokens was read in 1.3 s, and in
# 3.0 s at the pace of a long one.
SHORT_BATCHES = 4
# Steps without one of high priority, after which none is expected soon and steps may be long: about a minute's.
UNREAD_STEPS = 500


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
    """Lets up to `sequences` sequences run, as far as there are cells for their full lengths; the others wait.

    Callers take turns, the sequences of one caller keep their order, and high priority goes before normal.

    Each step takes one token of every sequence that generates and fills the batch up to `batch_tokens` with prompts, in
    the order in which they got their slots, so that a long prompt delays those who generate by little.  A prompt waits
    while another sequence reads the prefix that both share, and lets later prompts go first.

    While a sequence of high priority runs, a step takes only some of the others, in turns: each of them goes on in
    about every third step.  While one of them generates, a step takes no more of prompts than its pace allows, but
    for short ones of high priority.
    """

    def __init__(self, slots: Slots, batch_tokens: int, lone_tokens: int, sequences: int) -> None:
        self._slots = slots
        self._sequences = sequences
        self._batch_tokens, self._lone_tokens = batch_tokens, lone_tokens
        self._unread_steps = UNREAD_STEPS
        self._waiting = FairQueue()
        self._running: list[Sequence] = []

    @property
    def num_waiting(self) -> int:
        """How many sequences have no slot yet."""
        return len(self._waiting)

    @property
    def urgent(self) -> bool:
        """Whether anyone of high priority runs or waits."""
        return any(sequence.request.priority == "high" for sequence in self)

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

    def plan(self, pace: Pace, *, alone: bool = False) -> Plan:
        """Decide on the next step; without chunks there is nothing to do.

        `alone` tells that no other model works: then a prompt that is the only one may have a larger step, and so may
        all prompts where nobody has read the answers as they come for `UNREAD_STEPS`.
        """
        shares: list[Share] = []
        while self._waiting and (taken := self._take(self._waiting.peek())) is not None:
            shares += taken
            sequence = self._waiting.next()
            self._running.append(sequence)
            sequence.start()
        high = [sequence for sequence in self._running if sequence.request.priority == "high"]
        normal = [sequence for sequence in self._running if sequence.request.priority == "normal"]
        chunks = [self._chunk(sequence, 1) for sequence in self._decoding(high, normal)]
        self._unread_steps = 0 if high else self._unread_steps + 1
        is_lone = len(self._running) == 1 and not self._waiting
        may_be_long = alone and (is_lone or self._unread_steps > UNREAD_STEPS)
        room = (self._lone_tokens if may_be_long else self._batch_tokens) - len(chunks)
        if any(sequence.decoding for sequence in high) and not self._is_short(high):
            room = min(room, pace.tokens(len(chunks)))
        share = room // BACKGROUND_SHARE if high and any(not sequence.decoding for sequence in normal) else 0
        self._read(high, room - share, [], shares, chunks)
        self._read(normal, share if high else room, high, shares, chunks)
        return Plan(shares, chunks)

    def _is_short(self, high: list[Sequence]) -> bool:
        """Tell whether there are prompts of high priority to read, all of them short."""
        own = [sequence.prompt_tokens - sequence.shared for sequence in high if not sequence.decoding]
        return 0 < max(own, default=0) <= SHORT_BATCHES * self._batch_tokens

    def _take(self, sequence: Sequence) -> list[Share] | None:
        """Let a sequence run if it may and there is room for all that it may come to be."""
        is_high = sequence.request.priority == "high"
        if len(self._running) >= self._sequences + (HIGH_EXTRA if is_high else 0):
            return None
        growth = sum(
            len(other.tokens) - max(other.computed, 0 if other.begun else self._promised(other, self._before(other)))
            for other in self._running
        )
        promised = self._promised(sequence, self._before(sequence))
        return self._slots.take(sequence, promised=promised, growth=growth)

    def _before(self, sequence: Sequence) -> list[Sequence]:
        """Return those whose prompts are read before its own."""
        place = self._running.index(sequence) if sequence in self._running else None
        before = self._running[:place]
        if sequence.request.priority == "high":
            return [other for other in before if other.request.priority == "high"]
        return before

    def _promised(self, sequence: Sequence, older: list[Sequence]) -> int:
        """Return how much of a prompt others are just reading, or 0 where that is not worth waiting for."""
        if not self._slots.sharing:
            return 0
        goal = sequence.prompt[:-1]
        promised = max((common(goal, other.prompt) for other in older if not other.decoding), default=0)
        return promised if promised >= MIN_PREFIX_TOKENS else 0

    def _decoding(self, high: list[Sequence], normal: list[Sequence]) -> list[Sequence]:
        """Return who generates a token in this step; those of the others whose turn it was are last then."""
        taking = [sequence for sequence in normal if sequence.decoding]
        if high and taking:
            taking = taking[: -(-len(taking) // BACKGROUND_SHARE)]
            for sequence in taking:
                self._running.remove(sequence)
                self._running.append(sequence)
        return [sequence for sequence in high if sequence.decoding] + taking

    def _read(
        self, readers: list[Sequence], room: int, before: list[Sequence], shares: list[Share], chunks: list[Chunk]
    ) -> None:
        """Add prompts to a step, as many tokens as there is room for."""
        for place, sequence in enumerate(readers):
            older = [*before, *readers[:place]]
            if room and not sequence.decoding and (sequence.begun or self._begin(sequence, older, shares)):
                count = min(sequence.pending, room)
                room -= count
                chunks.append(self._chunk(sequence, count))

    def _begin(self, sequence: Sequence, older: list[Sequence], shares: list[Share]) -> bool:
        """Take what others have computed by now; put off the rest while an older one is just reading more of it."""
        if share := self._slots.extend(sequence):
            shares.append(share)
        sequence.begun = self._promised(sequence, older) <= sequence.computed
        return sequence.begun

    def _chunk(self, sequence: Sequence, count: int) -> Chunk:
        return Chunk(sequence, self._slots.of(sequence), sequence.computed, count)
