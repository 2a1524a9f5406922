"""Words of which each says the opposite of another: texts on different sides of one pair cannot mean the same.

A text that holds both sides of a pair ("less of this, more of that") is on neither.  English only.
"""

from __future__ import annotations

import re

from services.voting.words import fold

_SPAN = r"(?:an?|[0-9]+|[a-z]+)\s+(?:second|minute|hour|day|week|month|year)s?"
_PAIRS = tuple(
    tuple(re.compile(rf"(?<![^\W0-9_])(?:{side})(?!\w)") for side in pair)
    for pair in (
        ("prime", "composite"),
        ("even", "odd"),
        ("rational", "irrational"),
        ("finite", "infinite"),
        ("positive|plus", "negative|minus"),
        ("increas(?:es?|ed|ing)|rises?|rose|gain(?:s|ed)?|profits?", "decreas(?:es?|ed|ing)|falls?|fell|loss(?:es)?"),
        ("more|greater|above|over", "less|fewer|below|under"),
        ("at least|minimum", "at most|maximum"),
        ("larger|bigger|largest|biggest", "smaller|smallest"),
        ("higher|highest", "lower|lowest"),
        ("older|oldest", "younger|youngest"),
        ("taller|longer|tallest|longest", "shorter|shortest"),
        ("heavier|heaviest", "lighter|lightest"),
        ("faster|fastest", "slower|slowest"),
        ("warmer|hotter|warmest|hottest", "colder|cooler|coldest|coolest"),
        ("before|ago|earlier", rf"after|later|from now|in {_SPAN}"),
        ("first", "last"),
        ("start(?:s|ed)?|begins?|began", "end(?:s|ed)?"),
        ("won|wins?", "lost|loses?"),
        ("left", "right"),
        ("inside|internal|interior", "outside|external|exterior"),
        ("anti-?clockwise|counter-?clockwise", "(?<!anti-)(?<!counter-)clockwise"),
        (r"a\.?m", r"p\.?m"),
        (r"bce?|b\.c", r"ad|ce|a\.d"),
    )
)
_SIGNS = ((">=", "≥"), ("<=", "≤"), (">", " more "), ("<", " less "), ("≥", " at least "), ("≤", " at most "))


def opposed(a: str, b: str) -> bool:
    """Whether one text says the opposite of what the other says: "5% increase" and "5% decrease"."""
    a, b = _in_words(a), _in_words(b)
    return any({_side(pair, a), _side(pair, b)} == {0, 1} for pair in _PAIRS)


def _in_words(text: str) -> str:
    text = fold(text)
    for sign, words in _SIGNS:
        text = text.replace(sign, words)
    return text


def _side(pair: tuple[re.Pattern[str], ...], text: str) -> int | None:
    held = [side.search(text) is not None for side in pair]
    return held.index(True) if sum(held) == 1 else None
