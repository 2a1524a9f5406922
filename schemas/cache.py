"""The key under which an answer is kept.

It is the same for whoever writes, reads or removes an answer.  It depends on everything that decides how a chunk is
asked.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from hashlib import sha256

from schemas.messages import ChunkOutcome
from schemas.plans import Chunk, Given

VERSION = 3  # of the keys: answers under those of another version are not found
_LITERAL = ('"', "`", "“", "„", "«", "\n")  # a text with one of these may ask for its very characters


def cache_key(part: Chunk | ChunkOutcome, given: Sequence[Given] = ()) -> str:
    """Give the key of the answer to a part of a query that builds on `given`: 64 hexadecimal digits."""
    asked = [
        VERSION,
        part.kind,
        _folded(part.text),
        _folded(part.context),
        *([_folded(earlier.question), _folded(earlier.answer)] for earlier in given),
    ]
    return sha256(json.dumps(asked).encode()).hexdigest()


def _folded(text: str) -> str:
    """Drop what makes no difference: white space, the mark at the end, and the capital that begins the first word.

    Other capitals stay, since Polish is not polish, Mb not MB, and a first word that is a lone capital may be a name.
    """
    text = text.strip()
    if any(mark in text for mark in _LITERAL):
        return text
    text = " ".join(text.rstrip(" ?.").split())
    first, *_ = text.split(" ", 1)
    return text[:1].lower() + text[1:] if first[1:].islower() else text
