"""Words that a request names one by one: "the words 'carbon', 'ocean' and 'policy'", [dog, day], the word banana."""

from __future__ import annotations

import re

from services.checks.request import QUOTE, Sentence
from services.language import grammar
from services.language.grammar import either
from services.language.number_words import FEW, TIMES

NAMED = (
    rf"(?:(?:following|exact|specific|special|single|given|very|key|{either(FEW)}|these) ){{0,3}}"
    r"(?:key ?)?(?:words?|terms?|phrases?|keywords?|names?|expressions?|sentences?|questions?|lines?|"
    r"statements?)"
)
"""What introduces a word or phrase that is meant as such."""
_JOIN = r"(?:\s*,\s*(?:and |or |nor )?|\s+(?:and|or|nor|&)\s+|\s*/\s*|\s*;\s*)(?:the (?:words? |phrases? )?)?"
LIST = rf"(?P<list>\[[^\[\]\n]{{1,200}}\]|{QUOTE}(?:{_JOIN}{QUOTE}){{0,15}})"
"""A list of quotations, or of anything in square brackets."""
_PLAIN = r"[A-Za-z][\w'-]{1,30}"
PLAIN_LIST = rf"(?P<plain>{_PLAIN}(?:{_JOIN}{_PLAIN}){{0,9}})"
"""A list of words without quotation marks."""
_LONGEST = 120
_NO_WORDS = grammar.UNNAMED | frozenset((*TIMES, *FEW))


def listed(sentence: Sentence, text: str) -> list[str]:
    """Return what a match of `LIST` or `PLAIN_LIST` names; nothing where a name is a word of grammar."""
    if marks := re.findall(QUOTE, text):
        words = [sentence.quoted(mark).strip() for mark in marks]
    else:
        words = [word.strip(" '\"") for word in re.split(_JOIN, text.strip("[]"))]
        if any(word.lower() in _NO_WORDS for word in words):
            return []
    return [stripped for word in words if (stripped := word.strip().strip(",;").strip()) and len(stripped) <= _LONGEST]


def occurrences(phrase: str) -> re.Pattern[str]:
    """Return what finds a word or phrase as a whole, in any case."""
    inner = r"\s+".join(map(re.escape, phrase.split()))
    start = r"(?<!\w)" if phrase[0].isalnum() else ""
    end = r"(?!\w)" if phrase[-1].isalnum() else ""
    return re.compile(f"{start}{inner}{end}", re.IGNORECASE)


def straight(text: str) -> str:
    """Return a text with straight quotation marks and apostrophes."""
    return text.translate(_STRAIGHT)


_STRAIGHT = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"'})
