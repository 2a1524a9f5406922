"""Find the result in the worked steps of a sum: the right side, expression, list or number of the last line."""

from __future__ import annotations

import re
from itertools import pairwise, takewhile

from services.language.measures import CURRENCIES
from services.voting.expression import expressions, plain
from services.voting.quantity import Quantity, compounds, quantities
from services.voting.words import content_words, sentences, trim

_CLOCK_OR_RATIO = re.compile(
    r"(?<![\w:.])[0-9]{1,4}:[0-9]{1,4}(?![\w:])(?:\s?[ap]\.?m\b)?|\b[0-9]{1,2}\s?[ap]\.?m\b", re.IGNORECASE
)
_IN_BRACKETS = re.compile(  # words or a sum: "(since 3.5 rounds up)", "(5 × $2.50)"
    r"(?<![-+×*/÷=])\s\((?:[a-z]{2,}\s|[^()]{0,40}[0-9]\s?[-+×*/÷=])[^()]{0,80}\)", re.IGNORECASE
)
_SAID = re.compile(r".*(?:=|\b(?:is|are|was|were|equals?)\b)\s*")
_AND = re.compile(r"\s*(?:,|,?\s(?:and|or)\b)\s*")
_FOLLOWING = re.compile(r"(?:[ -][^\W\d_]+){1,3}")
_HOW_MANY = re.compile(
    r"\bhow\s+(?:many|much)\s+(?P<what>[a-z]+(?:\s+[a-z]+){0,4}?)(?=[?.,]|\s*\Z|\s+(?:do|does|did|is|are|was|were|will|"
    r"would|can|could|has|have|had|should|must|there|in|of|for|to|per|from|on|at|than|if|when)\b)",
    re.IGNORECASE,
)
_PRICE = re.compile(
    r"\bhow\s+much\b.*\b(?:money|costs?|pay|paid|spen[dt]|earn|charge|price|worth|owe|save)\b", re.IGNORECASE
)
_LEFT = frozenset("left remain remaining".split())

_MAX_SHORT_WORDS = 5
_MAX_EXPRESSION_WORDS = 10


def result(text: str, question: str) -> str:
    """Return a sum's result: a bare first line, else what the last line tells; empty if there is no line."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        return ""
    if _is_bare(lines[0]):
        return trim(lines[0])
    last = next((line for line in reversed(lines) if quantities(line) or expressions(plain(line))), None)
    return number_in(last, question, place=-1) if last else trim(sentences(lines[0])[0])


def number_in(line: str, question: str = "", *, place: int) -> str:
    """Return what a line tells: the right side of an equation, an expression, a list, what is asked, else a number.

    That is the first number of an announcement or a right side, the last of a sentence; of a short line it is all.
    """
    right = line.rpartition("=")[2] if "=" in line else ""
    if quantities(right):
        line, place = right, 0
    line = stripped if quantities(stripped := _IN_BRACKETS.sub("", line)) else line
    pairs = _CLOCK_OR_RATIO.findall(line)
    if pairs:
        return str(pairs[place])
    found = compounds(line, quantities(line))
    told = line[said.end() if (said := _SAID.match(line)) else 0 :]
    if _is_expression(told) or (said and _is_list(told)):
        return trim(told)
    if not found:
        return ""
    if said and _is_bare(told):
        return told[: quantities(told)[0].end]
    if len(line.split()) <= _MAX_SHORT_WORDS and (len(found) > 1 or found[0].start == 0):
        return trim(line)
    chosen = (_asked(line, found, question) if place else None) or found[place]
    return line[chosen.start : chosen.end].strip()


def _is_expression(told: str) -> bool:
    """Whether a phrase begins with an expression and holds no number beside expressions: "25π square cm"."""
    told = plain(told)
    terms = expressions(told)
    alone = [number for number in quantities(told) if not any(term.start <= number.start < term.end for term in terms)]
    return bool(terms) and not terms[0].start and not alone and len(told.split()) <= _MAX_EXPRESSION_WORDS


def _is_list(told: str) -> bool:
    """Whether a phrase is nothing but numbers: "2 and 3"."""
    found = quantities(told)
    gaps = [told[one.end : other.start] for one, other in pairwise(found)]
    if not gaps or told[: found[0].start] or told[found[-1].end :].strip(" ."):
        return False
    return all(map(_AND.fullmatch, gaps))


def _asked(line: str, found: list[Quantity], question: str) -> Quantity | None:
    """Return the last number of what the question asks to count, where the line's last number is of something else.

    A number that the question holds itself is none, and one of nothing ("so 15 remain") may be of anything.
    """
    known = {number.value for number in quantities(question)}
    new = [(number, _counted(line, number)) for number in found if number.value not in known]
    if _LEFT & content_words(question):
        for number, what in reversed(new):
            if what & _LEFT:
                return number
    last = found[-1]
    if last.unit is None and _counted(line, last) <= _LEFT:
        return None
    asked = _HOW_MANY.search(question)
    nouns = content_words(asked["what"]) if asked else frozenset()
    money = CURRENCIES if _PRICE.search(question) else frozenset()
    return next((number for number, what in reversed(new) if what & nouns or number.unit in money), None)


def _counted(line: str, number: Quantity) -> frozenset[str]:
    """Return the words right behind a number, its unit included, up to a mark or a word without meaning."""
    following = _FOLLOWING.match(line, number.end)
    words = takewhile(content_words, following[0].split()) if following else ()
    unit = line[number.start : number.end] if number.unit else ""
    return content_words(" ".join([unit, *words]))


def _is_bare(line: str) -> bool:
    found = quantities(line)
    return len(found) == 1 and found[0].start == 0 and "=" not in line and len(line.split()) <= _MAX_SHORT_WORDS
