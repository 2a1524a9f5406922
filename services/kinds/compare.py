"""`compare`: how two things differ, or which of them is more of something."""

from __future__ import annotations

import re

from services.kinds.kind import Kind, Reading, Said, Sampling, Way
from services.kinds.opening import asks_for_writing, is_short, opening
from services.kinds.prompt import PLAIN, Prompt
from services.kinds.reading.extract import plain_text

METHOD = "compare"
MAX_TOKENS = 160

_INSTRUCTION = "Reply in 2 to 4 sentences."  # in the user's turn: as system text it was not followed
_WAYS = (Way(METHOD), Way(METHOD, Sampling.VARIED))
_VERB = re.compile(r"(?:compare|contrast|rank)\b", re.IGNORECASE)
_COMPARISON = re.compile(
    r"\b(?:differences?|similarit(?:y|ies))\s+between\b|\bdiffers?\s+from\b|\bversus\b|\bvs\b|\bcompared\s+(?:to|with)\b"
    r"|\bin\s+common\b|^how\s+(?:is|are|do|does)\b.{1,80}\b(?:different|differ)\b"
    r"|\b(?:which|who|what)\b.{0,80}\b(?:\w{2,30}er|more|less|better|worse)\b.{0,120}\bor\b"
    r"|\b(?:is|are|was|were|does|do)\b.{1,80}\b(?:\w{2,30}er|more\s+\w+|less\s+\w+|better|worse)\s+than\b",
    re.IGNORECASE,
)


def is_comparison(request: str) -> bool:
    """Tell whether a short request compares."""
    if not is_short(request) or asks_for_writing(request):
        return False
    return bool(_VERB.match(opening(request)) or _COMPARISON.search(request))


def _prompt(question: str, _: str) -> Prompt:
    return Prompt(PLAIN, f"{question} {_INSTRUCTION}", max_tokens=MAX_TOKENS)


def _read(said: Said) -> Reading:
    return Reading(said.text.strip(), " ".join(plain_text(said.text).split()))


COMPARE = Kind(
    name="compare",
    recognise=is_comparison,
    ways=lambda _: _WAYS,
    prompt=_prompt,
    read=_read,
)
