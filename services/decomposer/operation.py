"""Which operation a chunk calls for: told by its verb, else by figures, set phrases and the calculator."""

from __future__ import annotations

import re

from schemas.terms import Operation
from services.decomposer.cutting.asks import Mood, ask_of, asks_quantity
from services.language import verbs
from services.voting.calculator import calculate

_NUMERAL = re.compile(
    r"\d[\d,]*(?:\.\d+)?|\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve"
    r"|(?:thir|four|fif|six|seven|eigh|nine)teen|(?:twen|thir|for|fif|six|seven|eigh|nine)ty|hundred|thousand"
    r"|dozen|half|twice|thrice|double|triple)\b",
    re.IGNORECASE,
)
_YEAR = re.compile(r"1\d{3}|20\d{2}")
_MEASURE = re.compile(
    r"\b(?:area|perimeter|circumference|volume|surface|hypotenuse|speed|interest|discount|change|tip|split|shared?"
    r"|divisor|factor|multiple|gcd|hcf|lcm|remainder|divisible)\b",
    re.IGNORECASE,
)
_DIMENSION = re.compile(r"\b(?:side|edge|radius|diameter)\b", re.IGNORECASE)
_FORMULA = re.compile(
    r"\d\s*(?:[-+*/×÷^%=]|\*\*|plus\b|minus\b|times\b|divided\s+by\b|multiplied\s+by\b|to\s+the\s+power|squared|cubed"
    r"|factorial|mod\b|choose\s+\d|percent\s+of\b)(?!\d*[-/]\d)"
    r"|\b(?:is|of|compute)\s+\d+!|\b(?:half|double|twice|triple|square|cube)\s+(?:of\s+)?\d"
    r"|(?:square|cube)\s+root|\blog(?:arithm)?\s+of\b"
    r"|\bis\s+\d[\d,]*\s+(?:an?\s+)?(?:prime|even|odd|composite|divisible|perfect)\b"
    r"|\b(?:sum|product|average|mean|median|derivative|integral|factorial|probability)\s+of\s+(?=.{0,40}\d)",
    re.IGNORECASE,
)
_COMPARISON = re.compile(
    r"\b(?:differences?|similarit(?:y|ies))\s+between\b|\bdiffers?\s+from\b|\bversus\b|\bvs\b|\bcompared\s+(?:to|with)\b"
    r"|\bin\s+common\b|^how\s+(?:is|are|do|does)\b.{1,80}\b(?:different|differ)\b"
    r"|\b(?:which|who|what)\b.{0,80}\b(?:\w{2,}er|more|less|better|worse)\b.{0,120}\bor\b"
    r"|\b(?:is|are|was|were|does|do)\b.{1,80}\b(?:\w{2,}er|more\s+\w+|less\s+\w+|better|worse)\s+than\b",
    re.IGNORECASE,
)
_CREATION = re.compile(
    r"(?:give|list|name|tell|show|provide|say)\b.{0,60}\b(?:ideas?|tips|suggestions|ways|poem|haiku|story|joke|recipe"
    r"|advice|slogans?)\b|how\s+(?:to|do\s+i|can\s+i|should\s+i)\b|why\b",
    re.IGNORECASE,
)


def classify(chunk: str) -> Operation:
    """Return the operation that `chunk` calls for: by its verb, else by figures and set phrases.

    What the calculator reads is MATH; a question for a quantity is so only when the chunk brings the numbers: without
    them it is a fact to recall.
    """
    ask = ask_of(chunk)
    verb = ask.word if ask and ask.mood is Mood.COMMAND else ""
    if verb in verbs.COMPARING:
        return Operation.COMPARE
    if verb in verbs.WRITING | verbs.EXPLAINING:
        return Operation.GENERATE
    if verb in verbs.CALCULATING or _FORMULA.search(chunk) or _gives_numbers(chunk) or calculate(chunk) is not None:
        return Operation.MATH
    if _COMPARISON.search(chunk):
        return Operation.COMPARE
    return Operation.GENERATE if _CREATION.match(chunk, ask.offset if ask else 0) else Operation.SEARCH


def _gives_numbers(chunk: str) -> bool:
    numbers = [number for number in _NUMERAL.findall(chunk) if not _YEAR.fullmatch(number)]
    if not numbers or asks_quantity(chunk):
        return bool(numbers)
    if len(numbers) == 1:
        return bool(_MEASURE.search(chunk) and _DIMENSION.search(chunk))
    return bool(_MEASURE.search(chunk) or re.search(r"[.,]\s", chunk))
