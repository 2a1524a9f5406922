"""How many paragraphs an answer has, and what divides them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from services.checks.amount import exactly
from services.checks.countable import Countable, find_counts
from services.checks.demand import Demand
from services.checks.divider import divided, divider, next_part
from services.checks.family import Family
from services.checks.pieces import either_way, new_paragraph, paragraphs
from services.checks.request import sentences
from services.checks.scope import WHOLE

_PARAGRAPHS = Countable(
    "paragraphs",
    r"paragraphs?",
    "paragraph",
    "paragraphs",
    lambda text: either_way(paragraphs(text)),
    never=False,
    unit="paragraph",
    one_more=new_paragraph,
)
_SINGLE = re.compile(
    r"\b(?:in|into|as|to) an? (?:(?:short|brief|concise|coherent) )?paragraph\b(?! (?:or|that|with|about|like))",
    re.IGNORECASE,
)
_ABOUT_PARAGRAPHS = re.compile(r"\bparagraphs?\b", re.IGNORECASE)


def _find(request: str) -> Iterator[Demand]:
    between = None
    for sentence in sentences(request):
        sign = divider(sentence)
        if sign and _ABOUT_PARAGRAPHS.search(sentence.text):
            between = sign
    found = list(find_counts(_PARAGRAPHS, request))
    if not found and any(_SINGLE.search(sentence.text) for sentence in sentences(request) if not sentence.code):
        yield _PARAGRAPHS.demand(exactly(1), WHOLE)
    if between is None:
        yield from found
        return
    split = divided(between)

    def counts(answer: str) -> tuple[int, ...]:
        parts = split(answer)
        return (sum(map(bool, parts)), len(parts))

    countable = replace(
        _PARAGRAPHS,
        counts=counts,
        many=f"paragraphs divided by {between}",
        one=f"paragraph divided by {between}",
        one_more=next_part(between),
    )
    for demand in found:
        if demand.amount is not None:
            yield countable.demand(demand.amount, WHOLE)
    if not found:
        yield has_divider("paragraphs", between)


def has_divider(family: str, sign: str) -> Demand:
    """Return the demand that a divider stands between parts."""
    split = divided(sign)

    def verify(answer: str) -> str | None:
        num = sum(map(bool, split(answer)))
        return None if num > 1 else f"{num} part, none divided by {sign or 'blank lines'}"

    def goes_on(answer: str) -> str | None:
        return next_part(sign)(answer) if verify(answer) else None

    return Demand(family, f"parts divided by {sign or 'blank lines'}", verify, subject="divider", goes_on=goes_on)


PARAGRAPHS = Family(
    "paragraphs",
    _find,
    ("Write exactly 3 paragraphs about jam.", "Write two paragraphs. Separate the paragraphs with ***."),
)
