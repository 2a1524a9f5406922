"""Find the answer in a plain sentence of fact: "The capital of Norway is Oslo", "It was written by Jane Austen".

Of the two sides of "is" or of "was written by", the answer is the side that repeats less of the question.  A question
that asks when or how many is answered by the date or the number.
"""

from __future__ import annotations

import re

from services.language import verbs
from services.language.dates import MONTH
from services.language.grammar import either
from services.voting.quantity import quantities
from services.voting.words import content_words, sentences, trim

_NUMBERS_IN_BRACKETS = re.compile(r"\s*\([^()]{0,60}(?<![^\W_])[0-9][^()]{0,60}\)")
_ASKS_WHEN = re.compile(
    r"\bwhen\s+(?:is|are|was|were|did|does|do|will|ha[sd])\b|\b(?:what|which)\s+(?:year|date|day)\b", re.IGNORECASE
)
_ASKS_HOW_MANY = re.compile(r"\bhow\s+(?:many|much)\b", re.IGNORECASE)
_ASKS_DEED = re.compile(r"\b(?:what|which|whom?)(?:\s+[\w'’-]+){0,3}?\s+(?:did|does|do)\b", re.IGNORECASE)
_ASKS_WHERE = re.compile(r"\bwhere\b|\b(?:what|which)\s+(?:city|town|country|state|place)\b", re.IGNORECASE)
_MOMENT = re.compile(
    rf"(?<![\w.,$€£])(?:{MONTH}\s(?:[0-9]{{1,2}}(?:st|nd|rd|th)?,?\s)?|[0-9]{{1,2}}(?:st|nd|rd|th)?\s{MONTH}\s)?"
    r"(?:[0-9]{1,4}\s?(?:BCE?|AD|CE)\b|AD\s[0-9]{1,4}\b|[0-9]{3,4}(?![\w%]|[.,][0-9]))",
    re.IGNORECASE,
)
_ASIDE = re.compile(
    r",\s+(?:which|who|whose|where|when|while|with|and it|located|known|also|because|since|as|so|a|an)\b.*", re.DOTALL
)
_AGENT = re.compile(r"\b(?:was|is|were|are|been)\s+(?:\w+\s+)?\w+\s+by\s+((?:the\s+)?[A-Z].*)", re.DOTALL)
_MAKER = re.compile(
    r"((?:[A-Z][\w.'’-]*|da|de|van|von|and)(?:\s+(?:[A-Z][\w.'’-]*|da|de|van|von|der|and)){0,5})\s+(?:first\s+)?"
    rf"(?:{either(verbs.MADE)}|gave|won|signed|sang)\b\s*"
)
_IS = re.compile(r"\s+(?:is|are|was|were)\s+(?!not\b)")
_ARTICLE = re.compile(r"(?:the|an?|its?|this|that|there|one)\b", re.IGNORECASE)
_LOCATED = re.compile(r"(?:located|found|situated|called|known as|named|about|approximately)\s+(?:in\s+)?")
_DESCRIPTION = re.compile(
    r"(?:(?:also\s+|often\s+)?(?:known as|called|named|considered)\s+)?(?:the|an?|its?|one)\b"
    r"|(?!located|found|situated|called|known|named)\w{2,}(?:ed|en|wn)\b(?!\s+by\b)"
)
_WHEN = re.compile(r"\s+(?:in|on|around|during)\s+[^,]{0,20}[0-9]{3,4}\b.*", re.DOTALL)

_MAX_SUBJECT_WORDS = 4
_MAX_ANSWER_WORDS = 10


def statement(text: str, question: str) -> str:
    """Return the answer of a factual sentence: a name, a number, a short phrase, else the first sentence."""
    first = next(iter(sentences(text)), "")
    sentence = trim(_ASIDE.sub("", _NUMBERS_IN_BRACKETS.sub("", first)))
    return _moment(sentence, question) or _asserted(sentence, question) or sentence or trim(first)


def _asserted(sentence: str, question: str) -> str:
    """Return who did it or what was done, or the side of "is" that tells something new; else nothing.

    Where the question does not decide between two sides, grammar does.
    """
    agent, maker = _AGENT.search(sentence), _MAKER.match(sentence)
    if agent:
        return _deed(_WHEN.sub("", agent[1]), sentence[: agent.start()].strip(), question)
    if maker:
        return _deed(maker[1], _WHEN.sub("", sentence[maker.end() :]), question)
    parts = _IS.split(sentence)
    if len(parts) == 1:
        return ""
    subject, told = parts[0], _LOCATED.sub("", parts[-1], count=1)
    if len(parts) == 2 and (side := _less_known(subject, told, content_words(question))):  # noqa: PLR2004  one "is"
        return side
    is_name = len(subject.split()) <= _MAX_SUBJECT_WORDS and not _ARTICLE.match(subject)
    if is_name and _DESCRIPTION.match(parts[1]) and not quantities(parts[1]):
        return subject
    return told if len(told.split()) <= _MAX_ANSWER_WORDS else ""


def _moment(sentence: str, question: str) -> str:
    """Return the one date or year that a sentence holds beyond the question's, where that is asked."""
    if not _ASKS_WHEN.search(question):
        return ""
    known = set(_MOMENT.findall(question))
    told = [moment for moment in _MOMENT.findall(sentence) if moment not in known]
    return told[0] if len(told) == 1 else ""


def _deed(doer: str, deed: str, question: str) -> str:
    """Return who did something, or what was done, whichever is asked; empty if neither is, or it is not certain."""
    if _ASKS_HOW_MANY.search(question):
        return deed if quantities(deed) and not quantities(doer) else ""
    if _ASKS_WHEN.search(question) or _ASKS_WHERE.search(question):
        return ""
    asked, is_short = content_words(question), len(deed.split()) <= _MAX_ANSWER_WORDS
    if _ASKS_DEED.search(question):
        return deed if content_words(deed) - asked and is_short else ""
    return _less_known(doer, deed, asked) or (doer if content_words(doer).isdisjoint(asked) else "")


def _less_known(one: str, other: str, asked: frozenset[str]) -> str:
    """Return the phrase of which the question held the smaller share; empty if it is long, or the shares are equal."""
    words = [content_words(one), content_words(other)]
    if not all(words):
        return ""
    known = [len(side & asked) / len(side) for side in words]
    new = one if known[0] < known[1] else other
    return new if known[0] != known[1] and len(new.split()) <= _MAX_ANSWER_WORDS else ""
