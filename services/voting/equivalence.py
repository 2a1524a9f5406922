"""Whether two final answers to the same question say the same.

Symmetric and reflexive, but not transitive: "Curie" is "Marie Curie" and "Pierre Curie", who are two.  Knows no
synonyms and no spelling variants.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from services.voting.normalise import Date, Items, Number, Text, as_text, normalise
from services.voting.quantity import same

if TYPE_CHECKING:
    from collections.abc import Iterable
    from collections.abc import Set as AbstractSet

    from services.voting.normalise import Value

_MAX_NAME_WORDS = 3
_MAX_SENTENCE_WORDS = 12
_MIN_OVERLAP = 0.6

_read = lru_cache(maxsize=4096)(normalise)


def equivalent(a: str, b: str) -> bool:
    """Compare two final answers: numbers, dates and lists by value, all else by content words.

    A unit, day or year that one of them leaves out matches any.  A year matches a date in it.
    """
    if a == b:
        return True
    one, other = _read(a), _read(b)
    if isinstance(other, Number) or (isinstance(other, Text) and not isinstance(one, Number)):
        one, other, a, b = other, one, b, a
    return _alike(one, other, a, b)


def _alike(one: Value, other: Value, a: str, b: str) -> bool:
    match one, other:
        case Number(), Number():
            return _same_number(one, other)
        case Number(), Date():
            return one.unit is None and one.value == other.year
        case Date(), Date():
            parts = ((one.year, other.year), (one.month, other.month), (one.day, other.day))
            return all(x is None or y is None or x == y for x, y in parts)
        case (Number(), Text()) | (Text(), Date() | Text()):
            return _same_text(as_text(a), as_text(b))
        case Text(), Items():
            listed = _words(other.members)
            return listed <= one.words | _words(map(str, one.numbers)) and not one.negated
        case _:
            return one == other


def _same_number(a: Number, b: Number) -> bool:
    return same(a.value, b.value) and _same_unit(a.unit, b.unit)


def _same_unit(a: str | None, b: str | None) -> bool:
    """Whether no part of one unit contradicts the other: "dollar" may be "dollar/day", not "euro/day"."""
    if a is None or b is None:
        return True
    return all(x == y for x, y in zip(a.split("/"), b.split("/"), strict=False))


def _same_text(a: Text, b: Text) -> bool:
    """Compare free texts: never equal if their numbers or negations differ, or if each has a name the other lacks."""
    if a.negated != b.negated or not _same_numbers(a.numbers, b.numbers):
        return False
    if a.ratios and b.ratios and a.ratios != b.ratios:
        return False
    if a.words == b.words:
        return True
    if a.names - b.words and b.names - a.words:
        return False
    few, many = sorted((a.words, b.words), key=len)
    if len(few) <= _MAX_NAME_WORDS:
        return few <= many and len(many) <= _MAX_SENTENCE_WORDS
    return len(few & many) >= _MIN_OVERLAP * len(few | many)


def _words(phrases: Iterable[str]) -> frozenset[str]:
    return frozenset(word for phrase in phrases for word in phrase.split())


def _same_numbers(a: AbstractSet[Number], b: AbstractSet[Number]) -> bool:
    return all(any(_same_number(x, y) for y in b) for x in a) and all(any(_same_number(x, y) for y in a) for x in b)
