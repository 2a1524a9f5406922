"""Demands for a number of something, or for none of it: the shape that most families share."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from services.checks.amount import NONE, Amount, Found, amounts
from services.checks.demand import Demand, Repair
from services.checks.request import Sentence, sentences
from services.checks.scope import Scope, demand, scope_of
from services.language.orders import DOCUMENT, UNITS, VERBS

_NOT = (
    r"(?:\b(?:no|zero)|\bwithout(?: any)?(?: use of| using| having| adding)?|\b(?:do not|don't|never|"
    r"must not|mustn't|should not|"
    r"shouldn't|can(?:not|'t| not)|may not|not|avoid|refrain from|stop|skip|omit|leave out|exclude|"
    r"free of|devoid of|instead of|"
    r"rather than)(?: ever)?"
    r"(?: (?:use|using|the use of|usage of|include|including|contain|containing|add|adding|put|have|"
    r"write|writing|employ|insert|"
    r"number|make|type|give|be any|be))?(?: of)?)(?: any| a single| the| a| an| in)?(?: kind of| form of| type of)? "
)
_NEGATION = re.compile(rf"{_NOT}(?=(?P<list>[^.;:!?()]{{1,90}}))", re.IGNORECASE)
_ALLOWED = re.compile(
    r"(?:\b(?:are|is) (?:strictly )?(?:not allowed|forbidden|banned|prohibited)|\b(?:must|should|can|"
    r"may|do(?:es)?) ?(?:not|n't) (?:appear|occur|be (?:used|any|included|present)))",
    re.IGNORECASE,
)
_PLAIN_LIST = re.compile(
    r"^\W*(?:(?:[\w'*-]+[ -]?){1,3}(?:,? (?:or|and|nor) |, |/)(?:any |the |a )?){0,4}\W*$", re.IGNORECASE
)
_GIVEN = re.compile(
    r"\b(?:the|these|those|this|first|last|top|my|his|her|their|following|other|of|its|your) (?:[\w-]+ )?$",
    re.IGNORECASE,
)
_GIVEN_FINE = re.compile(
    r"\b(?:in|to|of|within|than|least|most|about|into|has|be|range of|limit) (?:the|your)? ?$|\bin a total of $",
    re.IGNORECASE,
)
_RATE = re.compile(
    r"\s*(?:per|a|an|each|every) (?:day|minute|hour|week|month|year|second|night)\b|\s*(?:daily|weekly|old)\b",
    re.IGNORECASE,
)
_COMPOUND = re.compile(
    r"[- ](?:[\w-]+ ){0,2}(?:" + DOCUMENT + r"|limit|count|max|maximum|minimum|answer|lists?)\b", re.IGNORECASE
)
_NEAR = 40
_DIVIDES = re.compile(r"\b(?:separat|divid|delimit)\w* [^.;]*$", re.IGNORECASE)
_NEGATED = re.compile(r"(?:\bnot|n't|\bnever) $", re.IGNORECASE)
_PART_AFTER = re.compile(rf"\s+(?:[\w-]+ )?(?:{'|'.join(UNITS.values())})\b", re.IGNORECASE)
_ORDERED = re.compile(rf"(?:^|\b(?:{'|'.join(VERBS)})(?: me| us| him| her)? )(?:an?|one|the|your) $", re.IGNORECASE)
_ASKED = re.compile(r"\b(?:why|how|whether|what|who|when) [^,;:]*$|\b(?:some|many|most|few) [\w ]*$", re.IGNORECASE)


@dataclass(frozen=True)
class Countable:
    """Something that can be counted in an answer.

    `noun` is a pattern, `counts` counts in as many ways as people do, a bare number is meant loosely where `loose`, and
    "no ..." is a demand unless `never` is off, which is met by leaving out the `signs`. `one_more` says with what an
    answer that has too few goes on. `only_after`, `bare_after` and `bare_not_after` are patterns of what has
    to stand, or must not, before an amount and before a bare number.
    """

    family: str
    noun: str
    one: str
    many: str
    counts: Callable[[str], tuple[int, ...]]
    loose: bool = False
    never: bool = True
    only_after: str = ""
    bare_after: str = ""
    bare_not_after: str = ""
    unit: str = ""
    remove: Repair | None = None
    signs: tuple[str, ...] = ()
    one_more: Repair | None = None
    in_code: bool = False

    def demand(self, amount: Amount, scope: Scope) -> Demand:
        """Return the demand that the answer has that amount."""
        told = f"{amount.told} {self.one if amount.told.split()[-1] == '1' else self.many}"

        def verify(answer: str) -> str | None:
            counts = self.counts(answer)
            if amount.holds(counts):
                return None
            count = counts[0] if counts[0] < amount.least else counts[-1]
            return (
                f"{count} {self.one if count == 1 else self.many}, not {amount.told if amount is not NONE else 'none'}"
            )

        def goes_on(answer: str) -> str | None:
            return self.one_more(answer) if self.one_more and self.counts(answer)[0] < amount.least else None

        none = amount is NONE
        return demand(
            self.family,
            told,
            verify,
            scope,
            repair=self.remove if none else None,
            subject=self.many,
            amount=amount,
            avoid=self.signs if none else (),
            goes_on=goes_on if self.one_more and amount.least else None,
        )


def find_counts(countable: Countable, request: str) -> Iterator[Demand]:
    """Find the demands that a request makes on the number of something."""
    for sentence in sentences(request):
        if sentence.code and not countable.in_code:
            continue
        for found in amounts(sentence.text, countable.noun, loose=countable.loose):
            if not _counts(countable, sentence, found):
                continue
            scope = scope_of(sentence, found.start, found.end)
            if scope is not None and scope.unit != (countable.unit or "none"):
                yield countable.demand(found.amount, scope)
        if countable.never and (at := excluded(sentence, countable.noun)) is not None:
            scope = scope_of(sentence, *at)
            if scope is not None:
                yield countable.demand(NONE, scope)


def _counts(countable: Countable, sentence: Sentence, found: Found) -> bool:
    """Whether an amount counts what the answer is to have."""
    before, after = sentence.text[: found.start], sentence.text[found.end :]
    if (_GIVEN.search(before) and not _GIVEN_FINE.search(before)) or _NEGATED.search(before):
        return False
    if countable.only_after and not re.search(countable.only_after, before, re.IGNORECASE):
        return False
    divides = countable.family == "marks" and _DIVIDES.search(before)
    if divides or (_RATE.match(after) and not found.amount.most):
        return False
    if found.hyphen and not found.noun.lower().endswith("s"):
        return _measures(before, after)
    if found.bare and not found.hyphen and not _stands_bare(countable, before):
        return False
    return re.match(r"-\w|'s?\b", after) is None


def _measures(before: str, after: str) -> bool:
    """Whether a compound ("500-word") measures the answer: "a 500-word essay", but no "one-word sentences"."""
    if _ORDERED.search(before) and not _PART_AFTER.match(after):
        return True
    return not re.match(r"\s*\w", after) or _COMPOUND.match(after) is not None


def _stands_bare(countable: Countable, before: str) -> bool:
    if not countable.bare_after:
        return True
    wanted = re.search(countable.bare_after, before, re.IGNORECASE)
    return wanted is not None and re.search(countable.bare_not_after, before, re.IGNORECASE) is None


def excluded(sentence: Sentence, noun: str) -> tuple[int, int] | None:
    """Return where a sentence says that there is to be none of something."""
    for negation in _NEGATION.finditer(sentence.text):
        if _ASKED.search(sentence.text[: negation.start()]):
            continue
        for match in _noun(noun).finditer(negation["list"]):
            if _PLAIN_LIST.match(negation["list"][: match.start()]) and not re.match(
                r"[ -](?:that|which|in (?:the|between)|between|after|before|longer|shorter|with more|"
                r"with fewer|list)\b",
                negation["list"][match.end() :],
            ):
                start = negation.start("list")
                return negation.start(), start + match.end()
    for match in _noun(noun).finditer(sentence.text):
        if (allowed := _ALLOWED.search(sentence.text, match.end())) and allowed.start() - match.end() < _NEAR:
            return match.start(), allowed.end()
    return None


@lru_cache(maxsize=128)
def _noun(noun: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w-])(?:{noun})(?![\w'])", re.IGNORECASE)
