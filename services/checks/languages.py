"""The language of the answer, told by `py3langid` where an answer is long enough to tell."""

from __future__ import annotations

import re
from collections.abc import Iterator

import py3langid

from services.checks.demand import Demand
from services.checks.family import Family
from services.checks.request import sentences
from services.checks.scope import demand
from services.language.orders import ANSWER, LANGUAGES

_SPEAK = (
    rf"(?:answer|reply|respond|write|written|speak|explain|output|{ANSWER}|describe|summari[sz]e|tell|"
    r"translate|translated|give|list|language|say|draft|compose|create|make|everything)"
)
_LANGUAGE = rf"(?P<language>{'|'.join(sorted(LANGUAGES, key=len, reverse=True))})"
_END = (
    r"(?=\s*(?:[.,;:!?)]|$|\b(?:and|only|using|with|please|without|language|in|from|for|instead|to|as|about|at|,)\b))"
)
_IN = re.compile(
    rf"\b{_SPEAK}\b[^;]{{0,160}}?\b(?:in|into|to|only|use|be)(?: the| only| fluent| simple| plain| "
    rf"proper| correct)? {_LANGUAGE}\b{_END}",
    re.IGNORECASE,
)
_START = re.compile(rf"^(?:in|only|use only|use) {_LANGUAGE}\b(?: only| please| language)?[.,!]?", re.IGNORECASE)
_FENCE = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
_LETTERS, _SURE, _MOST = 40, 12.0, 4000


def _find(request: str) -> Iterator[Demand]:
    for sentence in sentences(request):
        if sentence.code:
            continue
        match = _IN.search(sentence.text) or _START.match(sentence.text)
        if not match or re.search(
            r"\b(?:not|don't|never|word|term|phrase|names?|called|from)\b", match[0], re.IGNORECASE
        ):
            continue
        found = {name.lower() for name in re.findall(rf"\b{_LANGUAGE}\b", sentence.text, re.IGNORECASE)}
        rest = sentence.text[match.end() :]
        if len(found) == 1 and not re.match(r" (?:and|or|to) \w+$", rest):
            yield _in_language(match["language"].lower())


def _in_language(name: str) -> Demand:
    code = LANGUAGES[name]

    def verify(answer: str) -> str | None:
        text = _FENCE.sub(" ", answer[:_MOST])
        if sum(map(str.isalpha, text)) < _LETTERS:
            return None
        ranks = dict(py3langid.rank(text.lower() if text.isupper() else text))
        best = max(ranks, key=lambda known: ranks[known])
        if best == code or code not in ranks or ranks[best] - ranks[code] < _SURE:
            return None
        spoken = next((known for known, its in LANGUAGES.items() if its == best), best)
        return f"written in {spoken.title()}, not in {name.title()}"

    return demand("language", f"written in {name.title()}", verify, subject="language")


LANGUAGE = Family("language", _find, ("How does a vaccine work? Reply in French.", "Translate this into German."))
