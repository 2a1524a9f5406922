"""Capitals: all upper case, all lower case, and how many words are in capitals."""

from __future__ import annotations

import re
from collections.abc import Iterator

from services.checks.amount import Amount, amounts, times
from services.checks.countable import Countable
from services.checks.demand import Demand, Repair
from services.checks.family import Family
from services.checks.request import Sentence, sentences
from services.checks.scope import WHOLE, demand, scope_of
from services.language.orders import ANSWER, DOCUMENT

_UPPER = (
    r"(?:caps|capitals|capital letters|upper[ -]?case(?: letters)?|capitali[sz]ed letters|block (?:letters|capitals))"
)
_LOWER = r"(?:lower[ -]?case(?: letters)?|small letters)"
_ALL = re.compile(
    r"(?P<strong>\b(?:all|only|just|entirely|completely|fully|strictly|exclusively)[ -](?:in |use |"
    rf"using |english )?(?:all )?)?(?P<in>\b(?:in|using) )?(?P<all>all[ -])?(?:(?P<upper>{_UPPER})|"
    rf"(?P<lower>{_LOWER}))(?P<only> only| throughout)?(?! words?\b)(?!\w)",
    re.IGNORECASE,
)
_NO_LOWER = re.compile(
    r"\b(?:no|not (?:use|contain|include)(?: any)?|without(?: using)?(?: any)?|avoid|never use|don't "
    rf"use(?: any)?|no use of) (?:(?P<lower>{_LOWER})|(?P<upper>{_UPPER}))(?! words?\b)|\bnot a single "
    rf"word\b.{{0,60}}\b(?P<low>{_LOWER})",
    re.IGNORECASE,
)
_CAPITAL_WORDS = (
    rf"(?:(?:[\w-]+ )?(?:words?|terms?) (?:[^.;]{{0,30}} )?(?:in|with|of|using|be in|written in) (?:all |"
    rf"only )?{_UPPER}|(?:all[ -](?:caps?|capital(?:s|i[sz]ed)?|upper[ -]?case)|fully capitali[sz]ed|"
    rf"upper[ -]?case|capitali[sz]ed) (?:words|terms?|word)|words?(?: \w+){{0,6}} in {_UPPER})"
)
_WORDS_OFTEN = re.compile(
    rf"\bwords? (?:in|with|of|using|written in) (?:all )?(?:{_UPPER})(?P<rest>.{{0,60}})", re.IGNORECASE
)
_LETTERED = re.compile(r"[^\W\d_]+(?:['-][^\W\d_]+)*")
_WHOLE = re.compile(
    r"(?:^|[,;:]\s*|\b(?:and|but|be|is|are|written|write|respond|answer|reply|it|everything|type|use|"
    rf"using|letters?|{ANSWER}|{DOCUMENT}|english|only|that|contains?|entirely|words?|everything) )$",
    re.IGNORECASE,
)
_ABOUT = re.compile(r"\babout [^,;]{1,90} $", re.IGNORECASE)


def _num_capital_words(text: str) -> tuple[int, ...]:
    found = [word for word in _LETTERED.findall(text) if word.isupper()]
    return (sum(len(word) > 1 for word in found), len(found))


_WORDS_IN_CAPITALS = Countable(
    "case", _CAPITAL_WORDS, "word in capitals", "words in capitals", _num_capital_words, never=False
)


def _find(request: str) -> Iterator[Demand]:
    for sentence in sentences(request):
        if sentence.code:
            continue
        if counted := next(amounts(sentence.text, _CAPITAL_WORDS), None):
            yield _WORDS_IN_CAPITALS.demand(counted.amount, WHOLE)
            continue
        if (often := _WORDS_OFTEN.search(sentence.text)) and (amount := times(often["rest"])):
            yield _WORDS_IN_CAPITALS.demand(amount, WHOLE)
            continue
        yield from _whole_case(sentence)


def _whole_case(sentence: Sentence) -> Iterator[Demand]:
    if (no := _NO_LOWER.search(sentence.text)) and (scope := scope_of(sentence, *no.span())) is not None:
        yield _cased(upper=bool(no["lower"] or no["low"]), amount=None) if not scope.unit else _cased_part(sentence, no)
        return
    for match in _ALL.finditer(sentence.text):
        if not (match["strong"] or match["in"] or match["all"] or match["only"]):
            continue
        before = sentence.text[: match.start()]
        scope = scope_of(sentence, *match.span())
        if scope is None or re.search(
            r"\b(?:not|never|don't|no|avoid|without|words?|between|to|from)(?: \w+)? $", before, re.IGNORECASE
        ):
            continue
        if scope.unit or not (_WHOLE.search(before) or _ABOUT.search(before)):
            continue
        yield _cased(upper=match["upper"] is not None, amount=None)


def _cased_part(sentence: Sentence, match: re.Match[str]) -> Demand:
    scope = scope_of(sentence, *match.span()) or WHOLE
    whole = _cased(upper=bool(match["lower"] or match["low"]), amount=None)
    return demand("case", whole.told, whole.verify, scope, subject="case")


def _cased(*, upper: bool, amount: Amount | None) -> Demand:
    told = "all letters upper case" if upper else "all letters lower case"
    mend: Repair = str.upper if upper else str.lower

    def verify(answer: str) -> str | None:
        wrong = [word for word in _LETTERED.findall(answer) if word != mend(word)]
        return f'{len(wrong)} words are not in {"upper" if upper else "lower"} case ("{wrong[0]}")' if wrong else None

    return demand("case", told, verify, WHOLE, repair=mend, subject="case", amount=amount)


CASE = Family(
    "case",
    _find,
    ("Tell me a joke in all lowercase.", "Use only uppercase letters.", "At least 5 words should be in all caps."),
)
