"""Ask a chunk's question with what it was given: the answers that it builds on, and the subject that it is about.

Where a sum certainly goes on with a number, the number replaces the words for it ("add 10 to the result" becomes "add
10 to 96"), so that small models see a plain sum.  Everything else is told in front of the question.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from services.voting.quantity import quantities
from services.voting.words import ASKING, capital, ended

if TYPE_CHECKING:
    from collections.abc import Sequence

    from schemas.plans import Given

_REFERENCE = re.compile(
    r"\b(?:the\s+(?:previous\s+|last\s+)?(?:result|answer|sum|product|quotient|difference|total|outcome)"
    r"|(?:that|this)(?:\s+(?:result|answer|sum|product|quotient|difference|total|number|value|figure|year))?|it)\b"
    r"(?!['’]s|\s+(?:of|is|was)\b)",
    re.IGNORECASE,
)
_FACT = re.compile(r"\b(?:who|whom|whose|where|when|which|why|how\s+many|there)\b", re.IGNORECASE)
_POWER = re.compile(r"\b(?:squared?|cubed?|power)\b|\^", re.IGNORECASE)  # of a negative number: brackets are wanted
_NOW = r"((?:(?:now|please|so|next)\s+)*)"
# A sum that leaves out what it works on, and the words for it that the number follows.
_OBJECTLESS = tuple(
    (re.compile(rf"{_NOW}{words}", re.IGNORECASE), whole)
    for words, whole in (
        (r"(add\s+\S+?)(?=[.?!]?$)", r"\1\2 to "),
        (r"(subtract\s+\S+?)(?=[.?!]?$)", r"\1\2 from "),
        (r"take\s+(?:away\s+(\S+?)|(\S+)\s+away)(?=[.?!]?$)", r"\1subtract \2\3 from "),
        (r"(multiply|divide)(?=\s+by\s)", r"\1\2 "),
        (r"take\s+(the\s+(?:square|cube)\s+root)(?=[.?!]?$)", r"\1\2 of "),
    )
)


def question(text: str, context: str, given: Sequence[Given]) -> str:
    """Return the question to put to a model for a chunk's `text`; the text itself when there is nothing to add."""
    number = _number(given[-1].answer) if given else ""
    if number and not context:
        plain = _substituted(text, number)
        if plain:
            return plain
    if not given and not context:
        return text
    asked = f"{context}: {ended(text)}" if context else capital(ended(text))
    return " ".join(["Given:", *map(_told, given), asked] if given else [asked])


def _number(answer: str) -> str:
    """Return an answer that is one number in figures, perhaps with its unit, else nothing."""
    answer = answer.strip().rstrip(".")
    found = quantities(answer)
    is_whole = len(found) == 1 and not found[0].spelled and (found[0].start, found[0].end) == (0, len(answer))
    return answer if is_whole else ""


def _substituted(text: str, number: str) -> str:
    """Return `text` with `number` where it speaks of a result, or nothing where that is not certain."""
    if _FACT.search(text) or (number[0] in "-−" and _POWER.search(text)):
        return ""
    references = list(_REFERENCE.finditer(text))
    if len(references) == 1:
        start, end = references[0].span()
        return f"{text[:start]}{number}{text[end:]}"
    found = [(match, whole) for pattern, whole in _OBJECTLESS if (match := pattern.match(text))]
    if references or not found:
        return ""
    match, whole = found[0]
    return f"{match.expand(whole)}{number}{text[match.end() :]}"


def _told(given: Given) -> str:
    """Return a question and its answer in one line."""
    asked = capital(given.question.strip().rstrip(" .,;:?!"))
    answer = " ".join(given.answer.split()).rstrip(".")
    if ASKING.match(asked):
        return f"{asked}? {answer}."
    return f"{asked} = {answer}." if _number(answer) else f"{asked}: {answer}."
