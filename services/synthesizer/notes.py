"""What a reader should know of an answer: that it was cut off, is a guess, or misses a demand.  Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.kinds.table import named

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from schemas.messages import ChunkOutcome

GUESS = 0.4  # an answer that is less likely right than this is told as a guess
NOT_SURE = "Not sure:"

_ENDINGS = {
    "length": "was cut off: its tokens ran out",
    "deadline": "was cut off: its time ran out",
    "loop": "repeats itself, and was ended there",
}


def is_guess(outcome: ChunkOutcome) -> bool:
    """Tell whether an answer that could be compared with others is likely wrong."""
    return outcome.winner is not None and named(outcome.kind).voted and outcome.confidence < GUESS


def notes(outcomes: Sequence[ChunkOutcome]) -> list[str]:
    """List what should be known, a sentence each; with several chunks each sentence names its own."""
    return [
        f"{_of(outcome, outcomes)} {told}."
        for outcome in outcomes
        if outcome.winner is not None
        for told in _told(outcome)
    ]


def _of(outcome: ChunkOutcome, outcomes: Sequence[ChunkOutcome]) -> str:
    return "The answer" if len(outcomes) == 1 else f"Answer {outcome.index + 1}"


def _told(outcome: ChunkOutcome) -> Iterator[str]:
    if outcome.finish in _ENDINGS:
        yield _ENDINGS[outcome.finish]
    if is_guess(outcome):
        yield f"is a guess: its confidence is {outcome.confidence:.2f}"
    for check in outcome.checks:
        if check.reason is not None:
            yield f"does not meet a demand: {check.demand} ({check.reason})"
    if outcome.dropped_turns:
        yield f"was given without the oldest {outcome.dropped_turns} turns of the conversation, which did not fit"
