"""What a chunk states (names, nouns, figures, variables), and whether a later question is about it.

It sees only words: a name or a thing of a word problem that comes again.  Two parts about one matter in different words
look independent to it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from services.decomposer.grammar import MATH_VERBS, NUMBER, VERBS, Request, asks_quantity

PERSONAL = re.compile(
    r"\b(?:(?P<plain>he|him|she|it|they|them)|his|hers?|its|theirs?|itself|himself|herself|themselves)\b", re.IGNORECASE
)
STILL = re.compile(r"\b(?:left|remain\w*|altogether|in\s+total|in\s+all|now)\b", re.IGNORECASE)
_CLOCK = re.compile(r"what\s+(?:time|day|date)\s+(?:is|was|will)\b(?!.*\b(?:when|if)\b)", re.IGNORECASE)
_SPEAKER = re.compile(r"(?<!War )\b(?:i|my|we|our|us|mine|you|your)\b", re.IGNORECASE)
_NAME = re.compile(r"\b[A-Z][a-z]+\b")
_CONTENT = re.compile(r"\b[^\W\d_]{4,}\b")
_NO_CONTENT = frozenset(
    """
    have many much does what which with from they their there then that this were will would when
    """.split()
)
_NO_NAME = frozenset(
    """
    The A An If In On At How What Which Who When Where Why Is Are Do Does Did Can After Before Then Also Each
    Every He She It They His Her Their There This That These Those For And But So With Two Three Four Five One
    Some Let Suppose Given
    """.split()
)
_INDEFINITE = re.compile(rf"\b(?:a|an|one|some|{NUMBER})\s+(\w+)(?:[\s-]+(\w+))?", re.IGNORECASE)
_DEFINITE = re.compile(
    r"\b(?:the|that|this|each)\s+(?!(?:first|second|third|last|next|most|least|other|\w+est)\b)(\w+)\b(?!\s+of\b)",
    re.IGNORECASE,
)
# One letter by itself or behind a figure; "a" and "I" are variables only beside a sign.
_VARIABLE = re.compile(r"(?<![^\W\d])(?<!['’])(?:[^\W\d_aAI]|(?<=\d)[aAI]|[aAI](?=\s*[-+*/^=]))(?![^\W\d_]|['’])")
_EQUATION = re.compile(r"(?:([^\W\d_]+)\s*)?=|\b([^\W\d_])\s+(?:be|is|are|equals?|(?:to|as)(?=\s+\d))\b")
_LETTERS = re.compile(r"[^\W\d_]+")


def topic_words(text: str) -> set[str]:
    """Give the words of four letters or more that say what a text is about, without their plural s."""
    return {word.lower().rstrip("s") for word in _CONTENT.findall(text)} - _NO_CONTENT


def new_nouns(text: str) -> set[str]:
    """Give the nouns that a text introduces: "a poem", "two cats"."""
    return {noun.lower() for pair in _INDEFINITE.finditer(text) for noun in pair.groups() if noun}


def known_nouns(text: str) -> set[str]:
    """Give the nouns that a text speaks of as known: "the poem", "each cat"."""
    return {noun.lower() for noun in _DEFINITE.findall(text)}


def names(text: str) -> set[str]:
    """Give the capitalised words that are no common beginning of a sentence."""
    return {name for name in _NAME.findall(text) if name not in _NO_NAME and name.lower() not in VERBS}


def _bound_variables(text: str) -> set[str]:
    """Give what a text gives a value, or an equation to find it by: "Let x be 4", "2x = 10", "width = 3"."""
    bound = {word or letter for word, letter in _EQUATION.findall(text)} - {""}
    return {each.lower() for each in bound.union(_VARIABLE.findall(text) if "=" in text else ())}


@dataclass(slots=True)
class Facts:
    """What a chunk states, rather than asks."""

    names: set[str] = field(default_factory=set)
    content: set[str] = field(default_factory=set)
    introduced: set[str] = field(default_factory=set)
    variables: set[str] = field(default_factory=set)
    has_figures: bool = False
    has_speaker: bool = False

    def __bool__(self) -> bool:
        return bool(self.names or self.content)

    def add(self, text: str) -> None:
        """Take in a statement."""
        self.names |= names(text)
        self.content |= topic_words(text)
        self.introduced |= new_nouns(text) | known_nouns(text)
        self.has_figures |= any(map(str.isdigit, text))
        self.has_speaker |= _SPEAKER.search(text) is not None

    def bind(self, text: str) -> None:
        """Take in the variables of a statement or a request."""
        self.variables |= _bound_variables(text)

    def merge(self, other: Facts) -> None:
        """Take in other facts."""
        self.names |= other.names
        self.content |= other.content
        self.introduced |= other.introduced
        self.variables |= other.variables
        self.has_figures |= other.has_figures
        self.has_speaker |= other.has_speaker

    def variables_needed_by(self, text: str) -> set[str]:
        """Give the words of `text` that use these variables; none if it brings as many equations as variables."""
        used = {
            word
            for word in map(str.lower, _LETTERS.findall(text))
            if word in self.variables or self.variables.issuperset(word)
        }
        own = _bound_variables(text)
        return set() if used <= own and len(own) <= len(_EQUATION.findall(text)) else used

    def lead_to(self, asked: str) -> bool:
        """Tell whether the question right after these facts is about them."""
        if asks_quantity(asked) or PERSONAL.search(asked) or self.variables_needed_by(asked):
            return True
        return bool(self.content & topic_words(asked) or self.names & names(asked))

    def are_needed_by(self, text: str, ask: Request, *, linked: bool) -> bool:
        """Tell whether a further request is still about them; `linked` says that it comes with "also", "then", ...."""
        if not self or self.names & names(text):
            return bool(self)
        body = text[ask.offset :]
        if _CLOCK.match(body) or (not linked and self.introduced & known_nouns(body)):
            return True
        if self.has_speaker and (_SPEAKER.search(body) or not (linked or self.has_figures)):
            return True
        if names(body) - self.names or not (asks_quantity(body) or ask.word in MATH_VERBS):
            return False
        return STILL.search(body) is not None or len(self.content & topic_words(body)) > int(linked)
