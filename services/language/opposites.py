"""Words of which each says the opposite of another, as patterns in lower case."""

from __future__ import annotations

from services.language.dates import SPANS
from services.language.grammar import either

_SPAN = rf"(?:an?|[0-9]+|[a-z]+)\s+(?:{either(SPANS)})s?"
OPPOSITES = (
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
SIGNS = ((">=", "≥"), ("<=", "≤"), (">", " more "), ("<", " less "), ("≥", " at least "), ("≤", " at most "))
"""Signs of comparison, with the words that are read for them."""
