"""The KV sequences of one model: who runs in which, and which prefixes their cells hold.  Pure bookkeeping.

The cells of a sequence that has ended are kept, as a prefix for those to come, until its slot is needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from models.sequence import Sequence, Tokens

_NOTHING: Tokens = np.empty(0, np.int32)


@dataclass(frozen=True, slots=True)
class Share:
    """Let slot `target` hold the first `tokens` tokens of slot `source` and nothing else; they may be the same slot."""

    source: int
    target: int
    tokens: int


def common(one: Tokens, other: Tokens) -> int:
    """Count the tokens that both begin with."""
    size = min(len(one), len(other))
    differing = one[:size] != other[:size]
    first = int(differing.argmax()) if size else 0
    return first if size and differing[first] else size


class Slots:
    """A number of slots.  `sharing` False is for models whose state cannot be cut, such as recurrent ones."""

    def __init__(self, count: int, *, sharing: bool = True) -> None:
        self._runs: list[Sequence | None] = [None] * count
        self._kept: list[Tokens] = [_NOTHING] * count
        self._by_use = list(range(count))  # least recently used first
        self.sharing = sharing

    @property
    def vacant(self) -> int:
        """How many slots nobody runs in."""
        return self._runs.count(None)

    def of(self, sequence: Sequence) -> int:
        """Return the slot of a running sequence."""
        return next(slot for slot, runs in enumerate(self._runs) if runs is sequence)

    def take(self, sequence: Sequence) -> Share:
        """Give a sequence a vacant slot, with the longest prefix of its prompt that any slot holds."""
        source, tokens = self._longest(sequence)
        target = min(
            (slot for slot in self._by_use if self._runs[slot] is None),
            key=lambda slot: (tokens > 0 and slot == source, len(self._kept[slot]) > 0),
        )  # of equals the least recently used: min takes the first
        self._runs[target] = sequence
        self._kept[target] = _NOTHING
        return self._share(sequence, source if tokens else target, target, tokens)

    def extend(self, sequence: Sequence) -> Share | None:
        """Share more of the prompt of a sequence that has begun nothing, if a slot holds more by now."""
        source, tokens = self._longest(sequence)
        return self._share(sequence, source, self.of(sequence), tokens) if tokens > sequence.computed else None

    def release(self, sequence: Sequence) -> None:
        """Free the slot of a sequence and keep its cells."""
        slot = self.of(sequence)
        self._runs[slot] = None
        self._kept[slot] = sequence.tokens[: sequence.computed].copy()
        self._touch(slot)

    def evict(self) -> list[Share]:
        """Forget all that is kept of sequences which ended."""
        idle = [slot for slot, kept in enumerate(self._kept) if len(kept)]
        for slot in idle:
            self._kept[slot] = _NOTHING
        return [Share(slot, slot, 0) for slot in idle]

    def _longest(self, sequence: Sequence) -> tuple[int, int]:
        """Return the slot that holds most of a prompt's beginning, and how many tokens; the last is never shared."""
        if not self.sharing:
            return 0, 0
        goal = sequence.prompt[:-1]  # computing the last gives the logits that the first token is drawn from
        held = [common(goal, self._held(slot)) for slot in range(len(self._runs))]
        best = max(range(len(held)), key=held.__getitem__)
        return best, held[best]

    def _held(self, slot: int) -> Tokens:
        runs = self._runs[slot]
        return self._kept[slot] if runs is None else runs.tokens[: runs.computed]

    def _share(self, sequence: Sequence, source: int, target: int, tokens: int) -> Share:
        sequence.computed = sequence.shared = tokens
        self._touch(source)
        self._touch(target)
        return Share(source, target, tokens)

    def _touch(self, slot: int) -> None:
        self._by_use.remove(slot)
        self._by_use.append(slot)
