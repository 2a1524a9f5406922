"""The request repeated before the answer."""

from __future__ import annotations

import re
from collections.abc import Iterator

from services.checks.demand import Demand
from services.checks.family import Family
from services.checks.quotations import straight
from services.checks.request import QUOTE, Sentence, sentences
from services.checks.scope import demand

_REPEAT = re.compile(
    r"\b(?:repeat|copy|restate|quote)(?: back)? (?:(?:the|my|this|your|above|entire|exact|whole|full|"
    rf"original|following) ){{0,3}}(?:(?:request|question|prompt|instructions?|sentence|query)\b|"
    rf"(?P<quote>{QUOTE}))(?P<rest>.*)",
    re.IGNORECASE,
)
_EXACTLY = re.compile(
    r"\b(?:word[ -]for[ -]word|verbatim|exactly|without (?:any )?chang\w*|letter|as it is|first|"
    r"before|then (?:give|answer)|at the (?:very )?beginning|above|change any)\b",
    re.IGNORECASE,
)


def _find(request: str) -> Iterator[Demand]:
    for sentence in sentences(request):
        match = _REPEAT.search(sentence.text)
        if (
            not match
            or sentence.code
            or re.search(r"\b(?:not|don't|never|without) (?:\w+ )?$", sentence.text[: match.start()], re.IGNORECASE)
        ):
            continue
        if not _EXACTLY.search(sentence.text):
            continue
        said = _said(request, sentence, match["quote"])
        if len(said) >= 3:  # noqa: PLR2004 - less is no request
            yield _repeats(said)
            return


def _said(request: str, sentence: Sentence, quote: str | None) -> str:
    """Return what is to be repeated: the quotation, else what stands before the sentence, else what stands after it."""
    if quote:
        return sentence.quoted(quote)
    core = straight(sentence.shown).rstrip(".")
    place = straight(request).find(core)
    if place < 0:
        return ""
    before = request[:place].strip()
    if before:
        return before
    end = place + len(core)
    return request[end:].strip().lstrip(".:!\"' \n")


def _squeeze(text: str) -> str:
    return " ".join(straight(text).split()).casefold()


def _repeats(said: str) -> Demand:
    wanted = _squeeze(said)

    def verify(answer: str) -> str | None:
        given = _squeeze(answer[: 2 * len(said) + 200])
        if given.lstrip("\"'*> ").startswith(wanted.lstrip("\"'*> ")):
            return None
        same = next((place for place, (a, b) in enumerate(zip(given, wanted, strict=False)) if a != b), len(given))
        return f"{same} of {len(wanted)} characters of the request are repeated at its beginning"

    def repair(answer: str) -> str:
        return f"{said}\n\n{answer.strip()}"

    told = "the request repeated first, word for word"
    return demand("repeat", told, verify, repair=repair, subject="repeat", opening=f"{said}\n\n")


REPEAT = Family("repeat", _find, ("Who painted Guernica? First repeat the question word for word, then answer.",))
