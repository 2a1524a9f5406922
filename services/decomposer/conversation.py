"""What of a conversation is asked: which chunks, and with how much of what was said before.

A system prompt that says more than "be helpful" governs the whole, and so does a demand on the form of the whole: then
the request is one chunk.  A last message that needs what was said before is asked with it; one that stands alone is
asked as if it were the first, so that it may be cut and its answers compared.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from schemas.plans import Chunk
from schemas.terms import Role, Turn
from services.decomposer.decompose import decompose
from services.decomposer.stages import in_stages
from services.kinds.code import CODE
from services.kinds.table import kind_of, named
from services.kinds.text import TEXT

if TYPE_CHECKING:
    from schemas.commands import Query

_HELPFUL = re.compile(
    r"\s*(?:you\s+are\s+(?:an?\s+)?(?:\w+,?\s+){0,4}?(?:(?:ai|chat)\s+)?(?:assistant|chatbot|language\s+model|model|ai)"
    r"(?:\s+(?:named|called)\s+\w+)?|be\s+(?:helpful|concise|brief))[.!\s]*",
    re.IGNORECASE,
)
_REFERS = re.compile(
    r"\b(?:it|its|he|him|his|she|hers?|they|them|theirs?|this|that|these|those|there|then|one|ones|same|such|above"
    r"|previous|before|earlier|again|also|too|another|other|else|more|instead|former|latter|both|each|first|second|last"
    r"|next|your|you|my|our|we|answer|result|list|part|step|example|continue|go\s+on)\b",
    re.IGNORECASE,
)
_RESUMES = re.compile(
    r"\s*(?:and|or|but|so|because|what\s+about|how\s+about|why|which|no|yes|ok|okay|thanks?)\b", re.IGNORECASE
)
_MIN_WORDS = 4


def chunks_of(query: Query) -> tuple[list[Chunk], list[Turn]]:
    """Return the chunks of a query, and the turns that its models are to see before the last one."""
    text, turns = query.text, query.turns
    if query.policy.alone or query.model or query.generation.shapes:
        return [_whole(text)], turns
    system = [turn for turn in turns if turn.role is Role.SYSTEM]
    if any(not _HELPFUL.fullmatch(turn.content) for turn in system):
        return [_whole(text)], turns
    if len(turns) > len(system):
        if not stands_alone(text):
            return [Chunk(index=0, text=text, kind=kind_of(text).name)], turns
        turns = system
    return [chunk for stages in in_stages(decompose(text)) for chunk in stages], turns


def stands_alone(text: str) -> bool:
    """Tell whether a message certainly needs nothing of what was said before: a question that points to nothing."""
    if len(text.split()) < _MIN_WORDS or _RESUMES.match(text) or _REFERS.search(text):
        return False
    return all(named(chunk.kind).voted for chunk in decompose(text))


def _whole(text: str) -> Chunk:
    return Chunk(index=0, text=text, kind=CODE.name if CODE.recognise(text) else TEXT.name)
