"""Words of one part of speech as alternatives of a pattern, in lower case."""

from __future__ import annotations

from services.language import grammar
from services.language.grammar import either
from services.language.number_words import FEW

AUXILIARY = rf"(?:{either((*grammar.AUXILIARY, *grammar.HAVE))})(?:n['’]t)?"
NUMBER = rf"(?<![\d.,])\d[\d.,]*+|{either(FEW)}"
"""A number in figures, or a small one in words."""
PREPOSITION = either(grammar.PREPOSITION)
INTERROGATIVE = either(grammar.INTERROGATIVE)
PRONOUN = either(grammar.PRONOUN)
DETERMINER = either(grammar.DETERMINER)
