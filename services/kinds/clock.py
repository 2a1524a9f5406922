"""Questions about now, and the clock as it is told to a model."""

from __future__ import annotations

import re
from datetime import datetime

from services.language.dates import WEEKDAYS
from services.language.grammar import either

_NOW = re.compile(
    r"\b(?:today|tonight|tomorrow|yesterday|right\s+now|at\s+the\s+moment|current(?:ly)?\s+(?:date|time|day|year|month|week)"
    rf"|(?:this|next|last)\s+(?:week|weekend|month|year|{either(WEEKDAYS)})"
    r"|what(?:['’]s|\s+is)?\s+(?:the\s+)?(?:time|date|day|year|month|weekday)(?:\s+(?:is|of\s+the\s+week))?(?:\s+(?:is\s+)?it)?"
    r"(?=\s*(?:\?|$|now|today|here))|(?:weekday|day|year|month)\s+is\s+it|days?\s+(?:until|till|left)|how\s+old\s+is)\b",
    re.IGNORECASE,
)


def needs_clock(request: str) -> bool:
    """Tell whether an answer depends on the date or the time of asking."""
    return _NOW.search(request[:2000]) is not None


def told_time(moment: str) -> str:
    """Tell a moment (ISO 8601) in a sentence; nothing where it is none."""
    try:
        clock = datetime.fromisoformat(moment)
    except ValueError:
        return ""
    return f"It is {clock:%A}, {clock.day} {clock:%B %Y}, {clock:%H:%M}{f' (UTC{clock:%z})' if clock.tzinfo else ''}."
