"""The KV sequences of one model: who runs in which, and which prefixes their cells hold.  Pure bookkeeping.

All slots share one budget of cells, of which those of a shared prefix are counted once.  The cells of a sequence that
has ended are kept, as a prefix for those to come, such as the next turn of a conversation, until its slot or its room
is needed; the least recently used go first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from models.sequence import Sequence, Tokens

_NOTHING: Tokens = np.empty(0, np.int32)
_NO_CELLS: NDArray[np.int64] = np.empty(0, np.int64)


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
    """A number of slots with `cells` in all.

    `sharing` False is for models whose state cannot be cut, such as recurrent ones.
    """

    def __init__(self, count: int, cells: int, *, sharing: bool = True) -> None:
        self._runs: list[Sequence | None] = [None] * count
        self._kept: list[Tokens] = [_NOTHING] * count
        self._cells: list[NDArray[np.int64]] = [_NO_CELLS] * count  # which, by numbers of our own
        self._next_cell = 0
        self._by_use = list(range(count))  # least recently used first
        self._size = cells
        self.sharing = sharing
        self.evicted = self.reused = 0

    @property
    def num_kept(self) -> int:
        """How many prefixes are kept of sequences that have ended."""
        return sum(len(kept) > 0 for kept in self._kept)

    @property
    def num_used(self) -> int:
        """How many cells hold something, as well as another thread than the one that moves them can tell."""
        held = [len(self._held(slot)) for slot in range(len(self._runs))]
        known = [cells[:size] for cells, size in zip(self._cells, held, strict=True)]
        return len(np.unique(np.concatenate(known))) + sum(held) - sum(map(len, known))

    def of(self, sequence: Sequence) -> int:
        """Return the slot of a running sequence."""
        return next(slot for slot, runs in enumerate(self._runs) if runs is sequence)

    def take(self, sequence: Sequence, *, promised: int = 0, growth: int = 0) -> list[Share] | None:
        """Give a sequence a slot with the longest prefix of its prompt that any holds; None if there is no room yet.

        Another running sequence is going to read `promised` tokens of its prompt, and the running sequences are going
        to need `growth` more cells.  Where nothing runs there is room for any sequence that is no longer than the
        cells.
        """
        if None not in self._runs:
            return None
        source, tokens = self._longest(sequence)
        need = growth + len(sequence.tokens) - max(tokens, promised)
        running = [slot for slot, runs in enumerate(self._runs) if runs is not None]
        if self._used(running, source, tokens) + need > self._size:
            return None
        idle = [slot for slot in self._by_use if self._runs[slot] is None]
        shares = [
            self._evict(slot)
            for slot in idle
            if (slot != source or not tokens) and len(self._kept[slot]) and self._lacks(need)
        ]
        if tokens and self._runs[source] is None and (tokens == len(self._kept[source]) or self._lacks(need)):
            target = source  # it goes on where it is, or gives up the rest
        else:
            target = min(idle, key=lambda slot: (tokens > 0 and slot == source, len(self._kept[slot]) > 0))
            self.evicted += len(self._kept[target]) > 0
        self.reused += tokens > 0 and self._runs[source] is None
        share = self._share(sequence, source if tokens else target, target, tokens)
        self._runs[target] = sequence
        self._kept[target] = _NOTHING
        return [*shares, share]

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
        return [self._evict(slot) for slot, kept in enumerate(self._kept) if len(kept)]

    def _evict(self, slot: int) -> Share:
        self._kept[slot] = _NOTHING
        self.evicted += 1
        return Share(slot, slot, 0)

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
        self._cells[target] = self._cells_of(source)[:tokens]
        sequence.computed = sequence.shared = tokens
        self._touch(source)
        self._touch(target)
        return Share(source, target, tokens)

    def _used(self, slots: Iterable[int], source: int = 0, tokens: int = 0) -> int:
        """Count the cells that some slots hold, with the first of another."""
        cells = [*map(self._cells_of, slots), self._cells_of(source)[:tokens]]
        return len(np.unique(np.concatenate(cells)))

    def _lacks(self, need: int) -> bool:
        return self._used(range(len(self._runs))) + need > self._size

    def _cells_of(self, slot: int) -> NDArray[np.int64]:
        """Return a slot's cells; what it came to hold meanwhile has cells of its own."""
        cells, held = self._cells[slot], len(self._held(slot))
        if new := max(0, held - len(cells)):
            cells = np.concatenate([cells, np.arange(self._next_cell, self._next_cell + new)])
            self._next_cell += new
        self._cells[slot] = cells[:held]
        return self._cells[slot]

    def _touch(self, slot: int) -> None:
        self._by_use.remove(slot)
        self._by_use.append(slot)
