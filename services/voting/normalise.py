"""Read a final answer as a typed value, so that answers compare by what they mean, not by how they are written.

An answer is tried as a date, a time of day, a yes or no, a number, a list and free text, in this order.  English only;
`7/4/1776` stays text, because nothing tells which is the month.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.language.dates import MONTH, month_number
from services.voting.expression import expressions, plain
from services.voting.quantity import Quantity, compounds, quantities
from services.voting.words import content_words, fold, names, negated

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from services.voting.expression import Expression

_MONTH = rf"(?P<month>{MONTH})"
_DAY = r"(?P<day>[0-9]{1,2})(?:st|nd|rd|th)?"
_YEAR = r"(?P<year>[0-9]{4})"
_DATES = tuple(
    re.compile(rf"(?:(?:on|in)\s+)?(?:{form})\.?", re.IGNORECASE)
    for form in (
        rf"{_YEAR}-(?P<month>[0-9]{{1,2}})-{_DAY}",
        rf"{_MONTH}\s+(?:the\s+)?{_DAY}(?:,?\s+{_YEAR})?",
        rf"(?:the\s+)?{_DAY}\s+(?:of\s+)?{_MONTH}(?:,?\s+{_YEAR})?",
        rf"{_MONTH},?\s+(?:of\s+)?{_YEAR}",
    )
)
_BOOLEAN = re.compile(
    r"(?P<said>yes|true|correct|no|false|incorrect)(?:[,.;:!]|\s+(?:it|he|she|they|that|this|there)\b|$)",
    re.IGNORECASE,
)
_SEPARATOR = re.compile(r",?\s+(?:and|&)\s+|,\s+|\s*;\s*|\s*\n\s*")
_INITIALS = re.compile(r"\b(?:[A-Za-z]\.\s?){2,}")
_LETTER_A = re.compile(r"(?<=\w )A\W*\Z")  # "vitamin A" is no article
_TIME = re.compile(
    r"(?:at\s+)?(?P<hour>[01]?[0-9]|2[0-4])(?::(?P<minute>[0-5][0-9])|(?=\s?[ap]\.?m))(?:\s?(?P<half>[ap])\.?m\.?)?",
    re.IGNORECASE,
)
_NUMERO = re.compile(r"\bno\.\s?(?=[0-9]+\b(?!\s+(?:is|are|was|were|has|can|does)\b))", re.IGNORECASE)
_PART_ALONE = re.compile(r"\A(?:(?:a )?(?=half\Z)|a (?=(?:third|quarter|fourth|fifth|tenth)\Z))", re.IGNORECASE)
_NOON = 12
_MAX_MEMBER_WORDS = 4
_MAX_NOUN_WORDS = 3
_MIN_COMMA_MEMBERS = 3
_MAX_MONTH, _MAX_DAY = 12, 31


@dataclass(frozen=True, slots=True)
class Number:
    """A number.  `unit` is a canonical unit of measure or currency; the noun of a count ("5 apples") is none."""

    value: Decimal
    unit: str | None = None

    def __str__(self) -> str:
        return " ".join(filter(None, [f"{self.value.normalize():f}", self.unit]))


@dataclass(frozen=True, slots=True)
class Date:
    """A calendar date; day or year may be missing, not both."""

    year: int | None
    month: int
    day: int | None


@dataclass(frozen=True, slots=True)
class Time:
    """A time of day: the (hour, minute) that a clock of 12 or of 24 hours may show then."""

    shown: frozenset[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Boolean:
    """A yes or a no, whatever is said after it."""

    value: bool


@dataclass(frozen=True, slots=True)
class Items:
    """A list in any order: each member's number and unit, or its folded content words, joined by spaces."""

    members: frozenset[str]


@dataclass(frozen=True, slots=True)
class Text:
    """Free text, a name included: folded content words, those of them that are proper names, numbers, negation.

    `terms` are its expressions ("2x"); what stands in them is no word and no number of the text.
    """

    words: frozenset[str]
    names: frozenset[str] = frozenset()
    numbers: frozenset[Number] = frozenset()
    negated: bool = False
    terms: frozenset[str] = frozenset()


Value = Number | Date | Time | Boolean | Items | Text


def normalise(answer: str) -> Value:
    """Return the typed value of a final answer.  Never fails: what is nothing else is text."""
    answer = "\n".join(" ".join(line.split()) for line in answer.splitlines() if line.strip())
    answer = _PART_ALONE.sub("one ", _NUMERO.sub("number ", answer))
    return _date(answer) or _time(answer) or _boolean(answer) or _number(answer) or _items(answer) or as_text(answer)


def as_text(answer: str) -> Text:
    """Return the free-text reading of any answer.  A spelled "one" is a pronoun in prose, so it counts as no number."""
    answer = _INITIALS.sub(lambda initials: re.sub(r"[.\s]", "", initials[0]) + " ", answer)
    answer, terms = _without_terms(_NUMERO.sub("number ", answer))
    found = [
        quantity for quantity in compounds(answer, quantities(answer)) if not (quantity.spelled and quantity.value == 1)
    ]
    rest = _without(answer, found)
    words = content_words(rest) | ({"a"} if _LETTER_A.search(rest) else set())
    if not words and not found and not terms:
        words = content_words(fold(answer)) or frozenset({fold(answer).strip()})
    return Text(
        words=words,
        names=names(rest),
        numbers=frozenset(Number(quantity.value, quantity.unit) for quantity in found),
        negated=negated(answer),
        terms=terms,
    )


def _without_terms(answer: str) -> tuple[str, frozenset[str]]:
    """Cut the expressions out of an answer."""
    answer = plain(answer)
    terms = expressions(answer)
    return _without(answer, terms), frozenset(term.said for term in terms)


def _date(answer: str) -> Date | None:
    for form in _DATES:
        match = form.fullmatch(answer)
        if match:
            group = match.groupdict()
            month = int(group["month"]) if group["month"].isdecimal() else month_number(group["month"])
            day = int(group["day"]) if group.get("day") else None
            year = int(group["year"]) if group["year"] else None
            if 1 <= month <= _MAX_MONTH and (day is None or 1 <= day <= _MAX_DAY):
                return Date(year, month, day)
    return None


def _time(answer: str) -> Time | None:
    match = _TIME.fullmatch(answer)
    if not match:
        return None
    hour, minute = int(match["hour"]), int(match["minute"] or 0)
    hours = {hour}
    if match["half"] and hour <= _NOON:
        hours.add(hour % _NOON + (_NOON if match["half"] in "pP" else 0))
    return Time(frozenset((hour, minute) for hour in hours))


def _boolean(answer: str) -> Boolean | None:
    match = _BOOLEAN.match(answer)
    return Boolean(match["said"].lower() in {"yes", "true", "correct"}) if match else None


def _number(answer: str) -> Number | None:
    """Read an answer that holds one number and at most a short noun phrase around it."""
    found = compounds(answer, quantities(answer))
    if len(found) != 1 or negated(answer) or _without_terms(answer)[1]:
        return None
    rest = _without(answer, found)
    if len(content_words(rest)) > _MAX_NOUN_WORDS or names(rest):
        return None
    return Number(found[0].value, found[0].unit)


def _items(answer: str) -> Items | None:
    """Read "a and b", "a; b" and "a, b, c"; "Paris, France" is no list, nor is anything with long members."""
    parts = [part for part in _SEPARATOR.split(answer) if part.strip()]
    commas_only = not re.search(r"\sand\s|&|;|\n", answer)
    if len(parts) < (_MIN_COMMA_MEMBERS if commas_only else 2):
        return None
    if any(len(part.split()) > _MAX_MEMBER_WORDS for part in parts):
        return None
    members = frozenset(_member(part) for part in parts)
    return Items(members) if len(members) > 1 else None


def _member(part: str) -> str:
    value = _number(part)
    if value:
        return str(value)
    text = as_text(part)
    return " ".join(sorted(text.words | text.terms))


def _without(text: str, found: Sequence[Quantity | Expression]) -> str:
    """Return `text` with all that was found in it, in its order, blanked out."""
    ends = [0, *(part.end for part in found)]
    starts = [*(part.start for part in found), len(text)]
    return " ".join(text[end:start] for end, start in zip(ends, starts, strict=True))
