"""Who is next, of those that wait.  Pure."""

from __future__ import annotations

from collections import deque
from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from models.sequence import Sequence


class FairQueue:
    """A queue of sequences in which those who asked take turns, each with its own in the order in which they came.

    Who has anything waiting is passed over by each of the others once at most, however many they ask.
    """

    def __init__(self) -> None:
        self._waiting: dict[str, deque[Sequence]] = {}  # by `Request.caller`, next first; none is empty
        self._size = 0

    def __len__(self) -> int:
        return self._size  # counted apart, since other threads ask

    def __iter__(self) -> Iterator[Sequence]:
        return chain.from_iterable(self._waiting.values())

    def add(self, sequence: Sequence) -> None:
        """Queue a sequence behind its caller's others; who had none is last."""
        self._waiting.setdefault(sequence.request.caller, deque()).append(sequence)
        self._size += 1

    def next(self) -> Sequence:
        """Take the sequence whose turn it is; its caller is last then."""
        caller = next(iter(self._waiting))
        own = self._waiting.pop(caller)
        sequence = own.popleft()
        self._size -= 1
        if own:
            self._waiting[caller] = own
        return sequence

    def remove(self, sequence: Sequence) -> None:
        """Take a sequence out of its turn."""
        own = self._waiting[sequence.request.caller]
        own.remove(sequence)
        self._size -= 1
        if not own:
            del self._waiting[sequence.request.caller]
