"""The divider that a request asks for between parts: "separated by ***", "with a blank line between them"."""

from __future__ import annotations

import re
from collections.abc import Callable

from services.checks.pieces import paragraphs, without_title
from services.checks.request import QUOTE, Sentence
from services.language.number_words import NUMBER, value

_SIGNS = {
    "asterisk": "*",
    "star": "*",
    "hyphen": "-",
    "dash": "-",
    "equal": "=",
    "equals": "=",
    "hash": "#",
    "tilde": "~",
    "underscore": "_",
    "plus": "+",
}
_SEPARATED = re.compile(
    r"(?:\b(?:separat|divid|delimit|split)\w*\b|\bbetween (?:each|the|them|every|two|both)\b)(?P<rest>.{0,160})",
    re.IGNORECASE,
)
_LONGEST = 30
_SIGNS_GIVEN = re.compile(r"[*=#~_+-]{3,}")
_QUOTED = re.compile(QUOTE)
_SPELLED = re.compile(rf"\b(?P<number>{NUMBER}) (?P<sign>{'|'.join(_SIGNS)})(?:e?s)?\b", re.IGNORECASE)
_BLANK = re.compile(r"\b(?:blank|empty|new) ?lines?\b|\b(?:two|double) (?:new ?lines?|line ?breaks?)\b", re.IGNORECASE)


def divider(sentence: Sentence) -> str | None:
    """Return the divider that a sentence names: its signs, "" for blank lines, None where it names none."""
    separated = _SEPARATED.search(sentence.text)
    if not separated:
        return None
    rest = separated["rest"]
    if given := _SIGNS_GIVEN.search(rest) or _QUOTED.search(rest):
        text = given[0] if len(given[0]) > 1 else sentence.quoted(given[0])
        return text.strip() if 0 < len(text.strip()) <= _LONGEST and not text.strip()[0].isalnum() else None
    if spelled := _SPELLED.search(rest):
        return _SIGNS[spelled["sign"].lower()] * min(value(spelled["number"]), _LONGEST)
    return "" if _BLANK.search(rest) else None


def divided(divider: str) -> Callable[[str], list[str]]:
    """Return what splits an answer at a divider."""
    if not divider:
        return lambda text: without_title(paragraphs(text))
    edge = re.escape(divider[0])
    pattern = re.compile(rf"(?<!{edge}){re.escape(divider)}(?!{edge})")
    return lambda text: [part.strip() for part in pattern.split(text.strip())]


def next_part(divider: str) -> Callable[[str], str]:
    """Return what says with what an answer goes on to its next part."""
    sign = f"\n\n{divider}\n\n" if divider else "\n\n"
    return lambda _: sign
