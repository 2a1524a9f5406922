"""The answer cache: what is kept of an answer, and under which key.

The key is the same for whoever writes, reads or removes an answer.  It depends on all that a chunk is asked by.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from hashlib import sha256
from typing import TYPE_CHECKING

from msgspec import Struct

from schemas.terms import Probability, Token

if TYPE_CHECKING:
    from schemas.messages import Chunk, ChunkOutcome, Given  # a plan holds cached answers

VERSION = 2  # of the keys: answers under those of another version are not found
_LITERAL = ('"', "`", "“", "„", "«", "\n")  # a text with one of these may ask for its very characters


class Source(Struct, frozen=True, kw_only=True):
    """The query that a cached answer is from, and when it was sealed (Unix s)."""

    query: Token
    answered_at: float


class CachedAnswer(Struct, frozen=True, kw_only=True):
    """The winner of a chunk's vote, as it was decided then."""

    key: Token
    source: Source
    winner: str
    final: str
    agreement: Probability
    confidence: Probability


def cache_key(part: Chunk | ChunkOutcome, given: Sequence[Given] = ()) -> str:
    """Give the key of the answer to a part of a query that builds on `given`: 64 hexadecimal digits."""
    asked = [
        VERSION,
        part.operation.value,
        _folded(part.text),
        _folded(part.context),
        *([_folded(each.question), _folded(each.answer)] for each in given),
    ]
    return sha256(json.dumps(asked).encode()).hexdigest()


def _folded(text: str) -> str:
    """Drop what makes no difference: white space, the mark at the end, and the capital that begins the first word.

    Other capitals stay, since Polish is not polish, Mb not MB, and a first word that is a lone capital may be a name.
    """
    text = text.strip()
    if any(each in text for each in _LITERAL):
        return text
    text = " ".join(text.rstrip(" ?.").split())
    first, *_ = text.split(" ", 1)
    return text[:1].lower() + text[1:] if first[1:].islower() else text
