"""Find how a request begins, without its polite words, and what form the whole has."""

from __future__ import annotations

import re

from services.language import verbs
from services.language.grammar import either

MAX_SHORT_WORDS = 40
MAX_SHORT_CHARS = 320

_POLITE = re.compile(
    r"(?:(?:please|kindly|now|so|well|ok|okay|hey|hi|hello|just|also|then|and|next|finally|first|second|third|lastly)\b"
    r"[,!:]?|(?:can|could|would|will)\s+you\b|i(?:\s+want|\s+need|\s+would\s+like|['’]d\s+like)(?:\s+you)?\s+to\b"
    r"|help\s+me(?:\s+to)?\b|let(?:['’]s|\s+us)\b|(?:tell|remind)\s+me(?=\s+(?:who|what|which|whose|when|where|how|the)\b)"
    r"|let\s+me\s+know\b|do\s+you\s+know\b|i\s+(?:was\s+|am\s+)?wonder(?:ing)?\b|quick\s+question:|question:|q:)\s*",
    re.IGNORECASE,
)
_OUT = re.compile(r"(?:find|work|figure)\s+out\s+(?=(?:who|what|which|whose|when|where|how)\b)|know\s+", re.IGNORECASE)
_MAX_LEAD_INS = 6
_WRITING = re.compile(
    rf"(?:{either(verbs.FOR_A_TEXT)}|role-?play|come\s+up|give\s+me\s+(?:some\s+|an?\s+)?(?:idea|tip|advice|recipe|example"
    r"|suggestion|summary|explanation|overview)|tell\s+me\s+(?:about|a|an|how\s+to|why)|why|how\s+(?:to|do\s+i|can\s+i"
    r"|should\s+i|would\s+you|do\s+you|can\s+you)|should\s+i|what\s+(?:should|do\s+you\s+think|would\s+you|if)|you\s+(?:are"
    r"|will|play)|you['’]re|suppose\s+you|picture\s+yourself)\b",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"(?:[.!?:]\s+|\n\s*)")


def opening(request: str) -> str:
    """Return a request from its first word that asks something: "Could you please tell me who ..." gives "who ..."."""
    rest = request.strip()
    for _ in range(_MAX_LEAD_INS):
        found = _POLITE.match(rest) or _OUT.match(rest)
        if not found or found.end() == len(rest):
            break
        rest = rest[found.end() :]
    return rest


def is_short(request: str) -> bool:
    """Tell whether a request is one short paragraph, as a question for a fact is."""
    text = request.strip()
    return len(text) <= MAX_SHORT_CHARS and "\n" not in text and len(text.split()) <= MAX_SHORT_WORDS


def begins_with_writing(request: str) -> bool:
    """Tell whether the first words of a request ask for a text."""
    return _WRITING.match(opening(request)) is not None


def asks_for_writing(request: str) -> bool:
    """Tell whether a sentence of a request begins by asking for a text rather than for an answer."""
    return any(begins_with_writing(sentence) for sentence in _SENTENCE.split(request[:4000]))
