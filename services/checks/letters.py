"""Letters that must occur often, or not at all, and words or sentences that must begin with a letter."""

from __future__ import annotations

import re
from collections.abc import Iterator

from services.checks.amount import NONE, Amount, at_least, times
from services.checks.demand import Demand
from services.checks.family import Family
from services.checks.pieces import plain
from services.checks.request import QUOTE, Sentence, sentences
from services.checks.scope import Scope, demand, scope_of

_LETTER = rf"(?P<letter>{QUOTE}|[A-Za-z])(?![\w'])"
_WITHOUT = re.compile(
    r"\b(?:no|without|avoid|not|don't|never|excluding|omit(?:ting)?|leave out)(?: (?:any|ever))?(?: "
    r"(?:us(?:e|ing|age of)|contain(?:ing)?|includ(?:e|ing)|hav(?:e|ing)))?(?: any| the use of| "
    rf"words? (?:with|containing|that contains?|that have))?(?: the)? letters? {_LETTER}"
    rf"(?!\s*(?:more|at least|\d))",
    re.IGNORECASE,
)
_OFTEN = re.compile(rf"\bletters? {_LETTER}(?P<rest>[^;]{{0,80}})", re.IGNORECASE)
_BEGINS = re.compile(rf"\b(?:start|begin)s?(?:ing)? with (?:the )?(?:same )?letters? {_LETTER}", re.IGNORECASE)
_BEGIN_EACH = re.compile(
    rf"\b(?:start|begin) (?:each|every|all) (?P<unit>word|sentence|line|paragraph)s? with (?:the )?letter {_LETTER}",
    re.IGNORECASE,
)


def _letter(sentence: Sentence, mark: str) -> str | None:
    letter = sentence.quoted(mark) if re.fullmatch(QUOTE, mark) else mark
    return letter.lower() if len(letter) == 1 and letter.isalpha() else None


def _often(letter: str, amount: Amount, scope: Scope) -> Demand:
    def verify(answer: str) -> str | None:
        num = answer.lower().count(letter)
        if amount.holds((num,)):
            return None
        return f'the letter "{letter}" occurs {num} times, not {"at all" if amount is NONE else amount.told}'

    told = f'no letter "{letter}"' if amount is NONE else f'the letter "{letter}" {amount.told} times'
    return demand("letters", told, verify, scope, subject=f"letter {letter}", amount=amount)


def _begins(letter: str, scope: Scope) -> Demand:
    def verify(answer: str) -> str | None:
        first = next((sign for sign in plain(answer) if sign.isalnum()), "")
        return None if first.lower() == letter else f'begins with "{first}", not "{letter}"'

    return demand("letters", f'begins with the letter "{letter}"', verify, scope, subject="first letter")


def _find(request: str) -> Iterator[Demand]:
    for sentence in sentences(request):
        if not sentence.code:
            yield from _in_sentence(sentence)


def _in_sentence(sentence: Sentence) -> Iterator[Demand]:
    without = _WITHOUT.search(sentence.text)
    if without and (letter := _letter(sentence, without["letter"])) and (scope := scope_of(sentence, *without.span())):
        yield _often(letter, NONE, scope)
    for found in _BEGIN_EACH.finditer(sentence.text):
        if letter := _letter(sentence, found["letter"]):
            yield _begins(letter, Scope(found["unit"].lower()))
    for begins in _BEGINS.finditer(sentence.text):
        scope = scope_of(sentence, *begins.span())
        if scope is not None and scope.unit and (letter := _letter(sentence, begins["letter"])):
            yield _begins(letter, scope)
    for often in _OFTEN.finditer(sentence.text):
        if without and without.start() <= often.start() < without.end():
            continue
        yield from _counted(sentence, often)


def _counted(sentence: Sentence, often: re.Match[str]) -> Iterator[Demand]:
    letter = _letter(sentence, often["letter"])
    amount = times(often["rest"])
    absent = re.match(
        r"\s*(?:(?:must|should|may|can|does|do|is)? ?(?:not|n't)|cannot|never)\b", often["rest"], re.IGNORECASE
    )
    said = re.search(r"\b(?:appear|occur|use|used|include|contain|have|show up)", sentence.text, re.IGNORECASE)
    if letter is None or not said:
        return
    scope = scope_of(sentence, often.start(), often.start("rest"))
    if absent and amount is None and scope is not None:
        yield _often(letter, NONE, scope)
    elif amount is not None and scope is not None and not absent:
        yield _often(letter, amount, scope)
    elif (
        re.search(r"\bat least (?:one|once)\b|\bmust (?:contain|include)\b", sentence.text, re.IGNORECASE)
        and scope is not None
        and not absent
    ):
        yield _often(letter, at_least(1), scope)


LETTERS = Family(
    "letters", _find, ("Write a poem without the letter e.", "The letter q should appear at least 4 times.")
)
