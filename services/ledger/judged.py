"""What is known to be right of a query on record, from what was said of its answer.  Pure."""

from __future__ import annotations

from schemas.commands import Feedback
from schemas.messages import ChunkOutcome
from services.ledger.kept import Kept
from services.voting.equivalence import equivalent


def told(feedback: Feedback) -> str:
    """Say what was said, in few words."""
    of = "" if feedback.chunk is None else f"{feedback.chunk + 1}: "
    if feedback.answer is not None:
        return f"{of}right is {feedback.answer}"
    return f"{of}{'good' if feedback.good else 'bad'}"


def said_of(kept: Kept, chunk: ChunkOutcome) -> Feedback | None:
    """Find what was said of a chunk: of it alone, else of the whole.

    That a whole of several chunks is bad does not tell which of them is.
    """
    own = [feedback for feedback in kept.feedback if feedback.chunk == chunk.index]
    whole = [feedback for feedback in kept.feedback if feedback.chunk is None]
    usable = own or [feedback for feedback in whole if len(kept.chunks) == 1 or feedback.good]
    return usable[-1] if usable else None


def is_right(final: str, chunk: ChunkOutcome, feedback: Feedback) -> bool | None:
    """Tell whether a final answer is right, None where what was said of the recorded one does not tell.

    A good answer makes all others wrong; a bad one leaves it open which other is right.
    """
    if feedback.answer is not None:
        return equivalent(final, feedback.answer)
    won = chunk.final is not None and equivalent(final, chunk.final)
    if feedback.good:
        return won if chunk.final is not None else None
    return False if won else None
