"""Whether what the superllm wrote says what the winners say: it drops nothing, makes nothing up, denies nothing.

It knows numbers, names, words and "not", no meaning: it cannot tell whether a name was put to the wrong question.
"""

from __future__ import annotations

import re
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
    winners = [o for o in outcomes if o.winner is not None]
    finals = [o.final or "" for o in winners]
    known = " \n".join([query, *finals, *(each for o in winners for each in (o.text, o.context or "", o.winner or ""))])
    return next((lost for final in finals if (lost := _lost(final, text))), None) or _invented(known, text)


def _lost(final: str, text: str) -> str | None:
    """Say what of a final answer does not stand in `text`."""
    written, values = ({each.value for each in _quantities(one)} for one in (text, final))
    for each in values:
        if not _holds(written, each):
            return f"the number {each:f} is missing"
    value, words = normalise(final), content_words(final)
    is_short = len(words) <= _SHORT_WORDS
    if is_short and negated(final) and not negated(text):
        return "a no is missing"
    if isinstance(value, Boolean):
        return None
    if lost := (words if is_short or isinstance(value, Items) else names(final)) - content_words(text):
        return f"the word {min(lost)!r} is missing"
    if not (words or values) and _folded(final) not in _folded(text):  # of function words alone: "It", "The Who"
        return f"{final!r} is missing"
    return None


def _invented(known: str, text: str) -> str | None:
    """Say what stands in `text` and in nothing that is known."""
    found = _quantities(known)
    values = {each.value for each in found} | {each.value / 100 for each in found if each.unit == "percent"}
    plain = _LIST_MARKER.sub("", text)
    for each in _quantities(plain):
        if not (each.spelled and each.value <= _MAX_COUNTED) and not _holds(values, each.value):
            return f"the number {each.value:f} is in no answer"
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
