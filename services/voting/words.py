"""Give the words of a text without case, diacritics, articles and plural endings.  English only."""

from __future__ import annotations

import re
import unicodedata

from services.language import grammar
from services.language.patterns import AUXILIARY, INTERROGATIVE, PREPOSITION

_WORD = re.compile(  # "C++" and "C#", "AB-" and "Na+" are words too
    r"(?<![^\W_])[^\W\d_]{1,2}[0-9]?(?:[-−+]|\+\+|#)(?!\w)|[^\W_]+(?:['’][^\W_]+)*"
)
_SENTENCE_END = re.compile(r"(?<=[a-z0-9)\]\"”]{2}[.!?])\s+|\n\s*")
ASKING = re.compile(rf"(?:(?:{PREPOSITION})\s+)?(?:{INTERROGATIVE})\b|{AUXILIARY}\b", re.IGNORECASE)
_SHORT_SENTENCE_WORDS = 4
_MIN_PLURAL_LETTERS = 4


def fold(text: str) -> str:
    """Return `text` without case and diacritics."""
    if text.isascii():
        return text.lower()
    folded = unicodedata.normalize("NFKD", text).casefold()
    return "".join(c for c in unicodedata.normalize("NFKD", folded) if not unicodedata.combining(c))


def content_words(text: str) -> frozenset[str]:
    """Return the folded words that carry meaning: no function words, no negations, no bare figures."""
    return frozenset(
        _stem(word)
        for word in _words(text)
        if word not in grammar.FUNCTION_WORDS and not _is_negation(word) and not word.isdecimal()
    )


def negated(text: str) -> bool:
    """Whether `text` says no, not, never, without or the like."""
    return any(map(_is_negation, _words(text)))


def names(text: str, *, fragments: bool = True) -> frozenset[str]:
    """Return the capitalised words of `text`, folded.

    The first word of a sentence is capital by rule, so it counts only as an acronym; with `fragments` what has up to
    four words is no sentence.
    """
    found: set[str] = set()
    for sentence in sentences(text):
        words = _WORD.findall(sentence)
        for place, word in enumerate(words):
            acronym = len(word) > 1 and word.isupper()
            is_fragment = fragments and len(words) <= _SHORT_SENTENCE_WORDS
            if (place or acronym or is_fragment) and word[0].isupper():
                found |= content_words(word)
    return frozenset(found)


def ended(text: str) -> str:
    """Return a part that was cut out of a sentence with an end mark; small models heed it, and a capital too."""
    text = text.strip()
    if text[-1:] in ("", *".?!:;\"'`)]}"):
        return text
    return text + ("?" if ASKING.match(text) else ".")


def capital(text: str) -> str:
    """Return `text` with its first letter as a capital."""
    return text[:1].upper() + text[1:]


def sentences(text: str) -> list[str]:
    """Cut `text` at line ends and sentence ends; initials and titles ("J. K.", "D.C.", "Dr.") end no sentence."""
    return [part for part in map(str.strip, _SENTENCE_END.split(text.strip())) if part]


def trim(phrase: str) -> str:
    """Return a phrase without quotes and without closing punctuation, except after an initial ("D.C.")."""
    phrase = phrase.strip().strip("\"“”'‘’").strip()
    return re.sub(r"(?<![A-Z])[.,;:!\"”]+$", "", phrase).strip()


def _words(text: str) -> list[str]:
    return _WORD.findall(fold(text))


def _is_negation(word: str) -> bool:
    return word in grammar.NEGATIONS or word.endswith(("n't", "n’t"))


def _stem(word: str) -> str:
    word = re.sub(r"['’]s$", "", word)
    plural = len(word) >= _MIN_PLURAL_LETTERS and word.endswith("s") and not word.endswith(("ss", "us", "is"))
    return word[:-1] if plural else word
