"""Find expressions in a text, in which a number is only a part: "3x + 2", "25π", "√5", "x^2 - 1".

Two expressions are the same only if they are written alike, spaces and signs of multiplication aside.  Nothing is
simplified.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice, takewhile

from services.voting.quantity import Quantity, quantities
from services.voting.words import fold

_REWRITTEN = (
    (re.compile(r"\\?\bsqrt\s?[({]([^(){}]{1,40})[)}]"), r"√(\1)"),
    (re.compile(r"√\(([0-9]{1,30}|[a-z])\)"), r"√\1"),
    (re.compile(r"\\pi\b|(?<=[0-9])\s?pi\b"), "π"),
    (re.compile(r"([a-z)0-9])([⁰¹²³⁴⁵⁶⁷⁸⁹]{1,9})"), lambda power: f"{power[1]}^{fold(power[2])}"),
    (re.compile(r"\*\*"), "^"),
    (re.compile(r"−"), "-"),
)
_LETTER = r"(?<![^\W\d_])(?:[xyz]{2,3}|[a-z])(?![^\W\d_])"
_GLUED = rf"(?:[0-9.π√()^!]|{_LETTER})+"
_RUN = re.compile(rf"(?<![^\W_])-?{_GLUED}(?:\s?[-+*/×·]\s?{_GLUED})*")
_DOT = r"\s?[-+*/×·]\s?"
_TELLS = re.compile(
    rf"[π√]|(?<![\w.])[0-9.]+(?!s\b)[a-z]|[a-z]\^|\^[a-z]|[a-z)]{_DOT}[0-9(√]|[0-9)]{_DOT}[a-z(√]"
    r"|[a-z]\s?[+*×·]\s?[a-z]|[a-z]\s[-/]\s[a-z]|\)\(|[0-9]\s?\+\s?[0-9]|(?<![0-9.])(?!10\^)[0-9.]+\^|\A[0-9]+!+\Z"
)
_DEFINED = re.compile(r"\A\s*[a-zA-Z](?:\([a-z]\)|')?\s?=\s*")


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression at `text[start:end]` of the text as `plain` writes it; `said` is how all its spellings look."""

    said: str
    start: int
    end: int


def plain(text: str) -> str:
    r"""Return `text` with one way to write powers, roots and π: "x²" as "x^2", "sqrt(5)" and "\sqrt{5}" as "√5"."""
    for pattern, replacement in _REWRITTEN:
        text = pattern.sub(replacement, text)
    return text


def expressions(text: str) -> list[Expression]:
    """Return the expressions of a text that `plain` made; a number, a unit ("3 m/s") or a letter alone is none."""
    start = defined.end() if (defined := _DEFINED.match(text)) and text.count("=") == 1 else 0
    found = [match for match in _RUN.finditer(text, start) if _TELLS.search(match[0])]
    told = quantities(text) if found else []
    kept: list[Expression] = []
    first = 0
    for match in found:  # both stand in their order in the text
        while first < len(told) and told[first].end <= match.start():
            first += 1
        near = takewhile(lambda quantity: quantity.start < match.end(), islice(told, first, None))  # noqa: B023
        if not any(_is_in(match, quantity) for quantity in near):
            kept.append(Expression(_said(match[0]), match.start(), match.end()))
    return kept


def _is_in(run: re.Match[str], quantity: Quantity) -> bool:
    if quantity.unit:
        return quantity.start < run.end() and run.start() < quantity.end
    return quantity.start <= run.start() and run.end() <= quantity.end


def _said(run: str) -> str:
    return re.sub(r"[\s*×·]", "", run).rstrip(".").strip("()")
