"""Tell whether two final answers to the same question say the same.

The relation is symmetric and reflexive, but not transitive: "Curie" is "Marie Curie" and "Pierre Curie", who are two.
It knows no synonyms and no spelling variants.
"""

from __future__ import annotations

import re
from collections import defaultdict
from functools import lru_cache
from typing import TYPE_CHECKING

from services.language import nouns
from services.voting.normalise import Boolean, Date, Items, Number, Text, Time, as_text, normalise
from services.voting.opposites import opposed
from services.voting.quantity import same
from services.voting.units import conversion

if TYPE_CHECKING:
    from collections.abc import Iterable
    from collections.abc import Set as AbstractSet
    from decimal import Decimal
    from fractions import Fraction

    from services.voting.normalise import Value

_MAX_NAME_WORDS = 3
_MAX_SENTENCE_WORDS = 12
_MIN_OVERLAP = 0.6

_NUMBER = r"([-−]?[0-9][0-9,]{0,30}(?:\.[0-9]+)?)"
_PAIRS = (
    re.compile(rf"(?<![\w.,:/-]){_NUMBER}\s?(?::|[-–−]|\sto\s)\s?{_NUMBER}(?![\w:/-])"),
    re.compile(r"\(\s?([-−]?[0-9.]+)\s?,\s?([-−]?[0-9.]+)\s?\)"),
)
_ASSIGNED = re.compile(rf"(?<!\w)([a-z])\s?=\s?{_NUMBER}", re.IGNORECASE)
_COUNTED = re.compile(rf"(?<![\w.,]){_NUMBER}\s([a-z]{{2,}})", re.IGNORECASE)

_MAX_CHARS = 2000
_MAX_NUMBERS = 40
_OPTION = re.compile(r"\([A-Z]\)")
_HASH = re.compile(r"sha256:[0-9a-f]{64}")

_read = lru_cache(maxsize=4096)(normalise)


def equivalent(a: str, b: str) -> bool:
    """Compare two final answers: numbers, dates and lists by value, all else by content words.

    A unit, day or year that one of them leaves out matches any.  A year matches a date in it.  Opposites ("more than
    5", "less than 5") and numbers in another order ("won 3-2", "won 2-3") are never the same.
    """
    if a == b:
        return True
    if _OPTION.fullmatch(a) and _OPTION.fullmatch(b):
        return False
    if _HASH.fullmatch(a) or _HASH.fullmatch(b):  # a record that keeps no text
        return False
    if max(len(a), len(b)) > _MAX_CHARS:  # no final answer but a whole text: it is the same only word by word
        return a.split() == b.split()
    one, other = _read(a), _read(b)
    if isinstance(other, Number) or (isinstance(other, Text) and not isinstance(one, Number)):
        one, other, a, b = other, one, b, a
    return _alike(one, other, a, b) and not _contrary(one, other, a, b)


def _alike(one: Value, other: Value, a: str, b: str) -> bool:  # noqa: PLR0911  a line per pair of types
    match one, other:
        case Number(), Number():
            return _same_number(one, other)
        case Number(), Date():
            return one.unit is None and one.value == other.year
        case Number(), Time():
            return one.unit is None and any(one.value == hour and not minute for hour, minute in other.shown)
        case Date(), Date():
            parts = ((one.year, other.year), (one.month, other.month), (one.day, other.day))
            return all(x is None or y is None or x == y for x, y in parts)
        case Time(), Time():
            return not one.shown.isdisjoint(other.shown)
        case (Number(), Text()) | (Text(), Date() | Time() | Text()):
            return _same_text(as_text(a), as_text(b))
        case Text(), Items():
            listed = _words(other.members)
            return listed <= one.words | _words(map(str, one.numbers)) and not one.negated
        case _:
            return one == other


def _contrary(one: Value, other: Value, a: str, b: str) -> bool:
    """Whether two answers that are alike are opposites, or hold their numbers in another order."""
    if isinstance(one, Boolean) and isinstance(other, Boolean):
        return False
    if opposed(a, b):
        return True
    if isinstance(one, Time) and isinstance(other, Time):
        return False
    pairs, other_pairs = _pairs(a), _pairs(b)
    if pairs and other_pairs and pairs != other_pairs:
        return True
    told, other_told = _told(a), _told(b)
    both = told.keys() & other_told.keys()
    return len(both) > 1 and any(told[name] != other_told[name] for name in both)


def _same_number(a: Number, b: Number) -> bool:
    many = conversion(a.unit, b.unit)
    return many is not None and (same(_times(a.value, many), b.value) or same(a.value, _times(b.value, 1 / many)))


def _times(value: Decimal, many: Fraction) -> Decimal:
    return value * many.numerator / many.denominator if many != 1 else value


def _pairs(answer: str) -> set[tuple[str, ...]]:
    """Return the pairs of numbers whose order counts: ratios, scores, ranges, points."""
    found = [pair for pattern in _PAIRS for pair in pattern.findall(answer)]
    return {tuple(number.replace(",", "") for number in pair) for pair in found}


def _told(answer: str) -> dict[str, set[str]]:
    """Return which numbers are told of which letter ("x = 2") or noun ("2 red")."""
    told: dict[str, set[str]] = defaultdict(set)
    for name, number in _ASSIGNED.findall(answer) + [found[::-1] for found in _COUNTED.findall(answer)]:
        told[name.lower()].add(number.replace(",", ""))
    return told


def _same_text(a: Text, b: Text) -> bool:
    """Compare free texts: never equal if numbers, terms or negations differ, or if each has a name the other lacks."""
    if a.negated != b.negated or a.terms != b.terms or not _same_numbers(a.numbers, b.numbers):
        return False
    if a.words == b.words:
        return True
    if a.names - b.words and b.names - a.words:
        return False
    few, many = sorted((a.words, b.words), key=len)
    if len(few) <= _MAX_NAME_WORDS:
        return few <= many and len(many) <= _MAX_SENTENCE_WORDS and not many - few <= nouns.ELSEWHERE
    return len(few & many) >= _MIN_OVERLAP * len(few | many)


def _words(phrases: Iterable[str]) -> frozenset[str]:
    return frozenset(word for phrase in phrases for word in phrase.split())


def _same_numbers(a: AbstractSet[Number], b: AbstractSet[Number]) -> bool:
    if max(len(a), len(b)) > _MAX_NUMBERS:  # every number is held against every other
        return a == b
    return all(any(_same_number(x, y) for y in b) for x in a) and all(any(_same_number(x, y) for y in a) for x in b)
