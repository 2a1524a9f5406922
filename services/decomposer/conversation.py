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
from services.checks.verdict import demands
from services.decomposer.cutting.cut import grouped, parts
from services.kinds.code import CODE
from services.kinds.compare import COMPARE
from services.kinds.fact import FACT
from services.kinds.list import LIST
from services.kinds.table import kind_of, named
from services.kinds.text import TEXT

if TYPE_CHECKING:
    from collections.abc import Sequence

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
_BARE = frozenset({FACT.name, LIST.name, COMPARE.name})


def chunks_of(query: Query) -> tuple[list[Chunk], list[Turn]]:
    """Return the chunks of a query, and the turns that its models are to see before the last one."""
    text, turns = query.text, query.turns
    if query.generation.has_tools or query.followed:
        return [Chunk(index=0, text=text, kind=TEXT.name)], turns
    if query.policy.alone or query.model or query.generation.shapes:
        return [_whole(text)], turns
    system = [turn for turn in turns if turn.role is Role.SYSTEM]
    if any(not _HELPFUL.fullmatch(turn.content) for turn in system):
        return [_whole(text)], turns
    if len(turns) > len(system):
        if not stands_alone(text):
            return [_one(text)], turns
        turns = system
    return _parts(text), turns


def stands_alone(text: str) -> bool:
    """Tell whether a message certainly needs nothing of what was said before: a question that points to nothing."""
    if len(text.split()) < _MIN_WORDS or _RESUMES.match(text) or _REFERS.search(text):
        return False
    return all(named(chunk.kind).voted for chunk in _parts(text))


def parts_of(text: str) -> list[str]:
    """Return the independent parts of a text; one that makes demands on the form of its answer is not cut."""
    return [text] if demands(text) else parts(text)


def stages_of(texts: Sequence[str]) -> list[list[Chunk]]:
    """Return the chunks of each part, in stages where one builds on another."""
    return grouped(texts) if len(texts) > 1 or not demands(texts[0]) else [[_one(texts[0])]]


def _parts(text: str) -> list[Chunk]:
    return [chunk for stages in stages_of(parts_of(text)) for chunk in stages]


def _one(text: str) -> Chunk:
    """Take a text whole.  One that makes demands on the form of its answer is no question for a mere fact."""
    kind = kind_of(text)
    return _whole(text) if kind.name in _BARE and demands(text) else Chunk(index=0, text=text, kind=kind.name)


def _whole(text: str) -> Chunk:
    return Chunk(index=0, text=text, kind=CODE.name if CODE.recognise(text) else TEXT.name)
