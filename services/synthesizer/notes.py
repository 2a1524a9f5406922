"""What a reader should know of an answer: that it was cut off, is a guess, or misses a demand.  Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.kinds.table import named
from services.kinds.told import is_guess

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from schemas.messages import ChunkOutcome, Reply

_ENDINGS = {
    "length": "was cut off: its tokens ran out",
    "deadline": "was cut off: its time ran out",
    "loop": "repeats itself, and was ended there",
}


def streamed_otherwise(reply: Reply) -> bool:
    """Tell whether what the node streamed may not be the answer: a text that was mended, or one of several drafts."""
    if len(reply.chunks) != 1 or named(reply.chunks[0].kind).voted or reply.error is not None:
        return False
    outcome = reply.chunks[0]
    return len(outcome.votes) > 1 or any(check.repaired for check in outcome.checks)


def notes(outcomes: Sequence[ChunkOutcome]) -> list[str]:
    """List what should be known, a sentence each; with several chunks each sentence names its own."""
    return [f"{_of(outcome, outcomes)} {told}." for outcome in outcomes for told in _told(outcome)]


def _of(outcome: ChunkOutcome, outcomes: Sequence[ChunkOutcome]) -> str:
    return "The answer" if len(outcomes) == 1 else f"Answer {outcome.index + 1}"


def _told(outcome: ChunkOutcome) -> Iterator[str]:
    if outcome.decided == "unsure":
        yield f"is not given: its confidence, {outcome.confidence:.2f}, does not suffice"
    if outcome.winner is None:
        return
    if outcome.finish in _ENDINGS:
        yield _ENDINGS[outcome.finish]
    if is_guess(outcome):
        yield f"is a guess: its confidence is {outcome.confidence:.2f}"
    for check in outcome.checks:
        if check.reason is not None:
            yield f"does not meet a demand: {check.demand} ({check.reason})"
    if outcome.dropped_turns:
        yield f"was given without the oldest {outcome.dropped_turns} turns of the conversation, which did not fit"
