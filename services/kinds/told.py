"""How a chunk's answer is told to people on one line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.kinds.reading.extract import plain_text
from services.kinds.table import named

if TYPE_CHECKING:
    from schemas.messages import ChunkOutcome


def told(outcome: ChunkOutcome) -> str:
    """Return an answer as its kind tells it, without markup and line ends; empty without one."""
    worded = named(outcome.kind).tell(outcome.winner or "", outcome.final or "")
    return " ".join(plain_text(worded).split())
