"""An answer that is one of given ones: yes or no, true or false, a single letter, one of some quoted phrases."""

from __future__ import annotations

import re
from collections.abc import Iterator

from services.checks.demand import Demand
from services.checks.family import Family
from services.checks.quotations import occurrences, straight
from services.checks.request import QUOTE, Sentence, sentences
from services.checks.scope import demand

_ANSWER = (
    r"\b(?:answer|reply|respond|say|output|write|return|choose|classify|label)(?: (?:me|it|this|the "
    r"(?:question|review|text)))?"
)
_ONLY = re.compile(
    r"\b(?:only|just|simply|nothing (?:else|more)|no (?:other|explanation|further)|single|solely|strictly)\b",
    re.IGNORECASE,
)
_WORD = (
    r"(?:yes|no|true|false|maybe|valid|invalid|correct|incorrect|agree|disagree|positive|negative|neutral|"
    r"spam|ham|not spam|real|fake|fact|opinion|unknown|possible|impossible|even|odd|pass|fail|unsure)"
)
_CHOICE = re.compile(
    rf"{_ANSWER}[^.;?]{{0,60}}?\b(?P<words>{_WORD}(?:(?:,? or |,? and |, |/| / ){_WORD}){{1,5}})\b", re.IGNORECASE
)
_QUOTED = re.compile(
    r"(?:\b(?:answer|reply|respond|say|output|choose|classify|label)|\b(?:answer|response|"
    rf"reply)\b)[^.;?]{{0,80}}?(?P<quotes>{QUOTE}(?:(?:,? or |, |/){QUOTE}){{1,9}})",
    re.IGNORECASE,
)
_LINES = re.compile(
    r"\b(?:answer|reply|respond|choose)\w* (?:with |from |using )?(?:exactly |only |just )?(?:one of "
    r")?(?:the )?(?:following|these) (?:\w+ )?(?:options|phrases|answers|choices|words)\W*"
    rf"(?P<quotes>{QUOTE}(?:(?:,? or |, |,? and |/){QUOTE}){{1,9}})",
    re.IGNORECASE,
)
_LETTER = re.compile(
    r"\b(?:(?:single|one) letter|(?:only|just) (?:the|a|one) (?:option )?letter|letter only|letter of "
    r"the (?:correct|right) (?:answer|option) only)\b",
    re.IGNORECASE,
)
_FRAGMENT = re.compile(
    r"^(?:just |only |simply )?(?P<words>(?:yes|true) or (?:no|false))(?: only| please|,? nothing else)?[.!]?$",
    re.IGNORECASE,
)
_GIVES = re.compile(r"\b(?:answer|reply|respond|give|output|write|choose|return)", re.IGNORECASE)
_WHY = re.compile(r"\b(?:explain|why|because|reason|justify|then|followed|and (?:give|say|tell))\b", re.IGNORECASE)
_OUTER = " \t\n\"'*_.!`()[]"


def _find(request: str) -> Iterator[Demand]:
    found = sentences(request)
    for place, sentence in enumerate(found):
        if sentence.code:
            continue
        near = sentence.text + " " + (found[place + 1].text if place + 1 < len(found) else "")
        only = _ONLY.search(near) is not None and not _WHY.search(sentence.text)
        if (match := _LINES.search(sentence.text) or _QUOTED.search(sentence.text)) and not _negated(sentence, match):
            yield _one_of(
                [sentence.quoted(mark) for mark in re.findall(QUOTE, match["quotes"])], only=only, within=True
            )
        elif (match := _CHOICE.search(sentence.text) or _FRAGMENT.match(sentence.text)) and not _negated(
            sentence, match
        ):
            words = re.split(r",? or |,? and |, |/| / ", match["words"], flags=re.IGNORECASE)
            yield _one_of([word.strip() for word in words], only=only or sentence.text == match[0], within=False)
        elif (
            (letter := _LETTER.search(sentence.text))
            and _GIVES.search(sentence.text)
            and not _negated(sentence, letter)
        ):
            yield _letter()


def _negated(sentence: Sentence, match: re.Match[str]) -> bool:
    return (
        re.search(r"\b(?:not|don't|never|more than|without|chang\w+)\b", sentence.text[: match.end()], re.IGNORECASE)
        is not None
    )


def _one_of(options: list[str], *, only: bool, within: bool) -> Demand:
    """Return the demand; without "only" a reason may follow, and a quoted option may stand anywhere."""
    patterns = [occurrences(straight(option)) for option in options if option.strip()]
    folded = {straight(option).strip(_OUTER).casefold() for option in options}

    def verify(answer: str) -> str | None:
        bare = straight(answer).strip(_OUTER)
        if bare.casefold() in folded:
            return None
        if not only and (
            any(pattern.match(bare) for pattern in patterns)
            or (within and any(pattern.search(bare) for pattern in patterns))
        ):
            return None
        if (
            not only
            and not within
            and len({place for place, pattern in enumerate(patterns) if pattern.search(bare)}) == 1
        ):
            return None
        return f'"{" ".join(answer.split())[:40]}" is none of: {", ".join(options)}'

    told = f"{'only ' if only else ''}one of: {', '.join(options)}"
    return demand("options", told, verify, subject="options")


def _letter() -> Demand:
    def verify(answer: str) -> str | None:
        return (
            None
            if re.fullmatch(r"[A-Za-z]", answer.strip(_OUTER))
            else f'"{" ".join(answer.split())[:40]}" is no single letter'
        )

    return demand("options", "a single letter", verify, subject="options")


OPTIONS = Family(
    "options",
    _find,
    ("Can dogs eat grapes? Answer with yes or no only.", "Answer with a single letter: A) Mars B) Venus"),
)
