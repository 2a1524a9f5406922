"""From token bytes to text that may be shown, and from token log-probabilities to confidence.  Pure."""

from __future__ import annotations

import codecs
import math
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

# Of no token at all: the log of the smallest normal double, so that exp() is nothing and JSON can hold it.
NO_EVIDENCE = math.log(sys.float_info.min)


class TextStream:
    """Assembles token pieces to text: holds back broken characters and what may become a stop string.

    Text ends before the stop string that is complete first; of those that end together, before the longest.  However
    the bytes are cut into pieces, the text is the same.
    """

    def __init__(self, stop: Sequence[str] = ()) -> None:
        self._stop = stop
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._held = ""
        self.stopped = False

    @property
    def held(self) -> str:
        """What is held back."""
        return self._held

    def feed(self, piece: bytes) -> str:
        """Take a token's bytes; return the text that is now certain.  After `stopped`, that is nothing."""
        if self.stopped:
            return ""
        self._held += self._decoder.decode(piece)
        found = [(at + len(stop), at) for stop in self._stop if (at := self._held.find(stop)) >= 0]
        if found:
            self.stopped = True
            certain = min(found)[1]
        else:
            certain = len(self._held) - self._undecided()
        text, self._held = self._held[:certain], self._held[certain:]
        return text

    def finish(self) -> str:
        """Return what was held back, when no more pieces come.  A character that never became whole is dropped."""
        text = "" if self.stopped else self._held
        self.stopped = True
        return text

    def _undecided(self) -> int:
        """Length of the longest end of the held text that begins a stop string."""
        return max(
            (size for stop in self._stop for size in range(1, len(stop)) if self._held.endswith(stop[:size])),
            default=0,
        )


def mean_logprob(logprobs: Sequence[float]) -> float:
    """Return the mean of natural-log probabilities, or `NO_EVIDENCE` of none."""
    return math.fsum(logprobs) / len(logprobs) if logprobs else NO_EVIDENCE
