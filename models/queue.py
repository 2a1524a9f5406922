"""Which of the waiting sequences is next.  Pure."""

from __future__ import annotations

from collections import deque
from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from models.engine import Priority
    from models.sequence import Sequence

HIGH_IN_A_ROW = 3  # while one of normal priority waits


class FairQueue:
    """A queue of sequences in which callers take turns; the sequences of one caller keep their order.

    While a caller waits, every other caller of its priority is served once at most, however much it asks.  High
    priority goes first, except in every fourth turn.
    """

    def __init__(self) -> None:
        # By `Request.priority` and `Request.caller`, next first; no caller's is empty.
        self._waiting: dict[Priority, dict[str, deque[Sequence]]] = {"high": {}, "normal": {}}
        self._high_in_a_row = 0
        self._size = 0

    def __len__(self) -> int:
        return self._size  # counted apart, since other threads ask

    def __iter__(self) -> Iterator[Sequence]:
        return chain.from_iterable(chain.from_iterable(waiting.values() for waiting in self._waiting.values()))

    def add(self, sequence: Sequence) -> None:
        """Queue a sequence behind its caller's others; a caller that had none waiting goes last."""
        self._waiting[sequence.request.priority].setdefault(sequence.request.caller, deque()).append(sequence)
        self._size += 1

    def peek(self) -> Sequence:
        """Return the sequence whose turn it is."""
        return next(iter(self._waiting[self._turn].values()))[0]

    def next(self) -> Sequence:
        """Take out the sequence whose turn it is, and put its caller last."""
        turn = self._turn
        waiting = self._waiting[turn]
        self._high_in_a_row = self._high_in_a_row + 1 if turn == "high" and self._waiting["normal"] else 0
        caller = next(iter(waiting))
        own = waiting.pop(caller)
        sequence = own.popleft()
        self._size -= 1
        if own:
            waiting[caller] = own
        return sequence

    @property
    def _turn(self) -> Priority:
        high, normal = self._waiting["high"], self._waiting["normal"]
        return "high" if high and not (normal and self._high_in_a_row >= HIGH_IN_A_ROW) else "normal"

    def remove(self, sequence: Sequence) -> None:
        """Take a sequence out of its turn."""
        waiting = self._waiting[sequence.request.priority]
        own = waiting[sequence.request.caller]
        own.remove(sequence)
        self._size -= 1
        if not own:
            del waiting[sequence.request.caller]
