"""How many prompt tokens a step may compute while a person reads tokens as they come.  Pure: it is told the times."""

from __future__ import annotations

from collections import deque
from statistics import median

from models.batch import ROWS_AT_ONCE

SLOWER = 2.2  # so many times the step without the prompt; a reader should never wait thrice as long
FIRST_TOKENS = 4
_STEPS = 15  # whose median tells the time of a step without a prompt
_READINGS = 7  # whose median tells what a token of a prompt adds: a step that others on the machine held up is no guide


class Pace:
    """Learns from each step's time how many tokens of prompts the next may take."""

    def __init__(self) -> None:
        self._without: deque[float] = deque(maxlen=_STEPS)
        self._added: deque[float] = deque(maxlen=_READINGS)
        self._tokens = float(FIRST_TOKENS)

    def tokens(self, decoding: int) -> int:
        """Return how many prompt tokens to compute beside `decoding` tokens that are generated: at least one."""
        rows = decoding + int(self._tokens)
        return max(1, rows - rows % ROWS_AT_ONCE - decoding)

    def took(self, reading: int, seconds: float) -> None:
        """Learn how long a step took that computed `reading` prompt tokens."""
        if not reading:
            self._without.append(seconds)
        elif self._without:
            without = median(self._without)
            self._added.append(max(seconds - without, 0.02 * without) / reading)
            fitting = (SLOWER - 1) * without / median(self._added)
            self._tokens = max(1.0, min(fitting, 2 * self._tokens, self._tokens + 32))
