"""Whether texts are on different sides of a pair of opposites, and so cannot mean the same.

A text that holds both sides of a pair ("less of this, more of that") is on neither.  English only.
"""

from __future__ import annotations

import re

from services.language.opposites import OPPOSITES, SIGNS
from services.voting.words import fold

_PAIRS = tuple(tuple(re.compile(rf"(?<![^\W0-9_])(?:{side})(?!\w)") for side in pair) for pair in OPPOSITES)


def opposed(a: str, b: str) -> bool:
    """Whether one text says the opposite of what the other says: "5% increase" and "5% decrease"."""
    a, b = _in_words(a), _in_words(b)
    return any({_side(pair, a), _side(pair, b)} == {0, 1} for pair in _PAIRS)


def _in_words(text: str) -> str:
    text = fold(text)
    for sign, words in SIGNS:
        text = text.replace(sign, words)
    return text


def _side(pair: tuple[re.Pattern[str], ...], text: str) -> int | None:
    held = [side.search(text) is not None for side in pair]
    return held.index(True) if sum(held) == 1 else None
