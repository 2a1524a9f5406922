"""From winners to one answer: the prompt for the superllm, and the lines that are added below its text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.kinds.prompt import Prompt
from services.kinds.told import NOT_SURE, asked, is_guess, no_answer, told

if TYPE_CHECKING:
    from collections.abc import Sequence

    from schemas.messages import ChunkOutcome

_SYSTEM = (
    "Combine the given answers into one short reply, in the given order. "
    "Use every answer exactly as it is given, with its numbers and names. Add, explain and correct nothing."
)
_CHARS_PER_TOKEN = 3  # below what English takes in these vocabularies, about 4, so that the limit is not met
_SPARE_TOKENS = 48


def unsure(outcomes: Sequence[ChunkOutcome]) -> str:
    """Return the lines that name the chunks with a guess or no answer, to stand below what the superllm wrote."""
    lines = [
        no_answer(outcome) if outcome.winner is None else f"{NOT_SURE} {asked(outcome)}"
        for outcome in outcomes
        if outcome.winner is None or is_guess(outcome)
    ]
    return "\n".join(lines)


def prompt(query: str, outcomes: Sequence[ChunkOutcome]) -> Prompt:
    """Return the superllm's prompt; it holds the winners only, and its token limit follows from their length."""
    answers = "\n".join(f"- {asked(outcome)} {told(outcome)}" for outcome in outcomes if outcome.winner is not None)
    return Prompt(
        system=_SYSTEM,
        user=f"Question: {query}\n\nAnswers:\n{answers}\n\nReply:",
        max_tokens=len(answers) // _CHARS_PER_TOKEN + _SPARE_TOKENS,
    )
