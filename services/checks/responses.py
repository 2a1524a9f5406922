"""Several responses in one answer, and what divides them: "give two versions, separated by ******"."""

from __future__ import annotations

import re
from collections.abc import Iterator

from services.checks.amount import Amount, amounts
from services.checks.demand import Demand
from services.checks.divider import divided, divider, next_part
from services.checks.family import Family
from services.checks.paragraphs import has_divider
from services.checks.request import sentences

_NOUN = (
    r"(?:[\w-]+ )?(?:responses?|versions?|answers?|variants?|alternatives?|options?|replies|drafts?|"
    r"rewrites?|taglines?|poems?|haikus?|letters?|stories|emails?|slogans?|jokes?|tweets?|titles?|parts?|"
    r"ideas?|suggestions?|examples?|captions?|headlines?|limericks?)"
)
_PARAGRAPH = re.compile(
    r"\b(?:paragraphs?|stanzas?|sections?|words?|items?|values?|fields?|columns?|sentences?|numbers?)\b", re.IGNORECASE
)


def _find(request: str) -> Iterator[Demand]:
    found: Amount | None = None
    for sentence in sentences(request):
        if sentence.code:
            continue
        here = [counted.amount for counted in amounts(sentence.text, _NOUN) if counted.amount.least > 1]
        found = here[0] if here else found
        sign = divider(sentence)
        if not sign or _PARAGRAPH.search(sentence.text):
            continue
        yield _responses(found, sign) if found else has_divider("responses", sign)


def _responses(amount: Amount, sign: str) -> Demand:
    split = divided(sign)

    def verify(answer: str) -> str | None:
        parts = [part for part in split(answer) if part]
        if not amount.holds((len(parts),)):
            return f"{len(parts)} parts divided by {sign}, not {amount.told}"
        return None if len(set(parts)) == len(parts) else f"two of the {len(parts)} parts are the same"

    def goes_on(answer: str) -> str | None:
        return next_part(sign)(answer) if sum(map(bool, split(answer))) < amount.least else None

    told = f"{amount.told} parts divided by {sign}"
    return Demand("responses", told, verify, subject="responses", amount=amount, goes_on=goes_on)


RESPONSES = Family(
    "responses",
    _find,
    ("Give two different responses, separated by ******.", "Suggest three taglines. Separate them with ---."),
)
