"""What kind of work a chunk is: MATH, COMPARE, GENERATE or SEARCH.

Goes by the commanding verb first, then by figures and set phrases.  It does not know facts, so a quantity question
counts as MATH only when the chunk itself brings the numbers.
"""

from __future__ import annotations

import re

from schemas.messages import Operation
from services.decomposer.grammar import COMPARE_VERBS, GENERATE_VERBS, MATH_VERBS, Kind, asks

_NUMBER_WORDS = (
    "two three four five six seven eight nine ten eleven twelve twenty fifty hundred thousand dozen half twice"
)
_NUMBER = re.compile(
    rf"\d[\d,]*(?:\.\d+)?|\b(?:{_NUMBER_WORDS.replace(' ', '|')}|thrice|double|triple)\b", re.IGNORECASE
)
_YEAR = re.compile(r"1[0-9]{3}|20[0-9]{2}")
_QUANTITY = re.compile(
    r"\bhow\s+(?:many|much|far|long|old|tall|deep|fast|heavy|high|often|soon)\b|\b(?:total|altogether|percent|percentage"
    r"|fraction|average|remain|left|profit|cost)\b",
    re.IGNORECASE,
)
_FORMULA = re.compile(
    r"\d\s*(?:[-+*/×÷^%=]|\*\*|plus\b|minus\b|times\b|divided\s+by\b|multiplied\s+by\b|to\s+the\s+power|squared|cubed"
    r"|factorial|mod\b|percent\s+of\b)(?!\d*[-/]\d)|(?:square|cube)\s+root|\blog(?:arithm)?\s+of\b"
    r"|\b(?:sum|product|average|mean|median|derivative|integral|factorial|probability)\s+of\s+(?=.{0,40}\d)",
    re.IGNORECASE,
)
_COMPARISON = re.compile(
    r"\b(?:differences?|similarit(?:y|ies))\s+between\b|\bdiffers?\s+from\b|\bversus\b|\bvs\b|\bcompared\s+(?:to|with)\b"
    r"|\b(?:which|who|what)\b.{0,80}\b(?:\w{2,}er|more|less|better|worse)\b.{0,120}\bor\b"
    r"|\b(?:is|are|was|were|does|do)\b.{1,80}\b(?:\w{2,}er|more\s+\w+|less\s+\w+|better|worse)\s+than\b",
    re.IGNORECASE,
)
_CREATION = re.compile(
    r"^(?:give|list|name|tell|show|provide|say)\b.{0,60}\b(?:ideas?|tips|suggestions|ways|poem|haiku|story|joke|recipe|advice"
    r"|slogans?)\b|^how\s+(?:to|do\s+i|can\s+i|should\s+i)\b|^why\b",
    re.IGNORECASE,
)


def classify(chunk: str) -> Operation:
    """Return the operation that `chunk` asks for."""
    ask = asks(chunk)
    body = chunk[ask.offset :] if ask else chunk
    verb = ask.word if ask and ask.kind is Kind.COMMAND else ""
    if verb in COMPARE_VERBS:
        return Operation.COMPARE
    if verb in GENERATE_VERBS:
        return Operation.GENERATE
    if verb in MATH_VERBS or _is_calculation(chunk):
        return Operation.MATH
    if _COMPARISON.search(chunk):
        return Operation.COMPARE
    return Operation.GENERATE if _CREATION.match(body) else Operation.SEARCH


def _is_calculation(chunk: str) -> bool:
    """Tell whether the chunk holds a formula, or a quantity question with the numbers to answer it."""
    if _FORMULA.search(chunk):
        return True
    numbers = [number for number in _NUMBER.findall(chunk) if not _YEAR.fullmatch(number)]
    told = len(numbers) > 1 and bool(re.search(r"[.,]\s", chunk))
    return bool(numbers) and (told or bool(_QUANTITY.search(chunk)))
