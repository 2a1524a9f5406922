"""Whether what the superllm wrote says what the winners say: it drops nothing, makes nothing up, denies nothing.

It knows numbers, names, words and "not", no meaning: it cannot tell whether a name was put to the wrong question.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.voting.normalise import Boolean, Items, normalise
from services.voting.quantity import quantities, same
from services.voting.words import content_words, fold, names, negated

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from decimal import Decimal

    from schemas.messages import ChunkOutcome
    from services.voting.quantity import Quantity

_MAX_NUMBERS = 100
_SHORT_WORDS = 3
_MAX_COUNTED = 10  # "one of", "both of the two": smaller numbers in words need not come from an answer
_LIST_MARKER = re.compile(r"^[ \t]*\(?[0-9]{1,2}[.)]\s", re.MULTILINE)
_ORDINAL = re.compile(r"(?<=[0-9])(?:st|nd|rd|th)\b", re.IGNORECASE)


def check(query: str, outcomes: Sequence[ChunkOutcome], text: str) -> str | None:
    """Return None if `text` says what the winners say, else in one line what it drops or makes up.

    Every number and name of the winners' final answers must stand in it, numbers by value, names as whole words in any
    case; so must each word of a list and of a final answer of at most three words, and a no.  A figure, a name or a
    "not" must come from a winner or the query.
    """
    winners = [outcome for outcome in outcomes if outcome.winner is not None]
    finals = [outcome.final or "" for outcome in winners]
    told = [part for outcome in winners for part in (outcome.text, outcome.context or "", outcome.winner or "")]
    known, written = " \n".join([query, *finals, *told]), _Written.of(text)
    return next((lost for final in finals if (lost := _lost(final, written))), None) or _invented(known, text)


@dataclass(frozen=True, slots=True)
class _Written:
    """A text that is held against several final answers, read once."""

    text: str
    values: frozenset[Decimal]
    words: frozenset[str]
    negated: bool

    @classmethod
    def of(cls, text: str) -> _Written:
        values = frozenset(quantity.value for quantity in _quantities(text))
        return cls(text, values, content_words(text), negated(text))


def _lost(final: str, written: _Written) -> str | None:
    """Say what of a final answer was not written."""
    values = {quantity.value for quantity in _quantities(final)}
    for number in values:
        if not _holds(written.values, number):
            return f"the number {number:f} is missing"
    value, words = normalise(final), content_words(final)
    is_short = len(words) <= _SHORT_WORDS
    if is_short and negated(final) and not written.negated:
        return "a no is missing"
    if isinstance(value, Boolean):
        return None
    if lost := (words if is_short or isinstance(value, Items) else names(final)) - written.words:
        return f"the word {min(lost)!r} is missing"
    if not (words or values) and _folded(final) not in _folded(written.text):  # of function words alone: "The Who"
        return f"{final!r} is missing"
    return None


def _invented(known: str, text: str) -> str | None:
    """Say what stands in `text` and in nothing that is known."""
    found = _quantities(known)
    values = {quantity.value for quantity in found}
    values |= {quantity.value / 100 for quantity in found if quantity.unit == "percent"}
    plain = _LIST_MARKER.sub("", text)
    for quantity in _quantities(plain):
        if not (quantity.spelled and quantity.value <= _MAX_COUNTED) and not _holds(values, quantity.value):
            return f"the number {quantity.value:f} is in no answer"
    if strange := names(plain, fragments=False) - content_words(known):
        return f"the name {min(strange)!r} is in no answer"
    return "it denies something that no answer denies" if negated(text) and not negated(known) else None


def _folded(text: str) -> str:
    return " ".join(fold(text).split())


def _quantities(text: str) -> list[Quantity]:
    return quantities(_ORDINAL.sub("", text))


def _holds(values: Collection[Decimal], wanted: Decimal) -> bool:
    """Tell whether a value is among others; of many it is held against each no more, only looked up."""
    return wanted in values or (len(values) <= _MAX_NUMBERS and any(same(value, wanted) for value in values))
