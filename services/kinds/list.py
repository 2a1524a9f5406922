"""`list`: a question whose answer is a known number of names: "name the eight planets"."""

from __future__ import annotations

import re

from services.kinds.fact import WAYS, read_fact
from services.kinds.kind import Kind
from services.kinds.opening import asks_for_writing, is_short, opening
from services.kinds.prompt import PLAIN, Prompt
from services.language.grammar import either
from services.language.number_words import FEW

MAX_TOKENS = 192

_ASKED = re.compile(
    rf"(?:list|enumerate)\s+(?:the|all|every|each|both|\d|{either(FEW)})\b"
    r"|(?:name|state|tell\s+me|give\s+me|(?:what|which)\s+are)\s+(?:me\s+)?(?:all\b|(?:the\s+)?(?:(?:first|last|main)\s+)?"
    rf"(?:[0-9]{{1,2}}|{either(FEW)})\b(?!\s+of\b))",
    re.IGNORECASE,
)
_OPEN = re.compile(
    r"\b(?:ideas?|tips|ways|reasons?|suggestions?|examples?|pros|cons|benefits?|advantages|steps|names\s+for|titles?|facts)\b",
    re.IGNORECASE,
)


def is_list(request: str) -> bool:
    """Tell whether a request asks for the members of a set that is known."""
    asked = opening(request)
    known = _ASKED.match(asked) and not _OPEN.search(asked)
    return bool(known) and is_short(request) and not asks_for_writing(request)


def list_prompt(question: str, _: str) -> Prompt:
    """Put a question for a list as it stands, with room for its members."""
    return Prompt(PLAIN, question, max_tokens=MAX_TOKENS)


LIST = Kind(
    name="list",
    recognise=is_list,
    ways=lambda _: WAYS,
    prompt=list_prompt,
    read=read_fact,
)
