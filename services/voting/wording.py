"""How a chunk's answer is told to people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.terms import Operation
from services.voting.extract import plain_text

if TYPE_CHECKING:
    from schemas.messages import ChunkOutcome


def told(outcome: ChunkOutcome) -> str:
    """Return a sum's result without its steps, any other answer as it was worded, on one line; empty without one."""
    worded = outcome.final if outcome.operation is Operation.MATH and outcome.final else outcome.winner
    return " ".join(plain_text(worded or "").split())
