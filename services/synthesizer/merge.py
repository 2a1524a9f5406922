"""Winners to one answer: the plain join, and the prompt for the superllm."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.kinds.prompt import Prompt
from services.kinds.told import told
from services.synthesizer.notes import NOT_SURE, is_guess
from services.voting.words import sentences

if TYPE_CHECKING:
    from collections.abc import Sequence

    from schemas.messages import ChunkOutcome

_SYSTEM = (
    "Combine the given answers into one short reply, in the given order. "
    "Use every answer exactly as it is given, with its numbers and names. Add, explain and correct nothing."
)
_CHARS_PER_TOKEN = 3  # below what English takes in these vocabularies, about 4, so that the limit is not met
_SPARE_TOKENS = 48


def join(outcomes: Sequence[ChunkOutcome]) -> str:
    """Return a line per chunk: its question and its answer, or that there is none."""
    return "\n".join(_line(o) if o.winner is not None else _no_answer(o) for o in outcomes)


def unsure(outcomes: Sequence[ChunkOutcome]) -> str:
    """Return the lines that name the chunks with a guess or no answer, to stand below what the superllm wrote."""
    lines = [_no_answer(o) if o.winner is None else f"{NOT_SURE} {_asked(o)}" for o in outcomes if _is_unsure(o)]
    return "\n".join(lines)


def prompt(query: str, outcomes: Sequence[ChunkOutcome]) -> Prompt:
    """Return the superllm's prompt; it holds the winners only, and its token limit follows from their length."""
    answers = "\n".join(f"- {_asked(o)} {told(o)}" for o in outcomes if o.winner is not None)
    return Prompt(
        system=_SYSTEM,
        user=f"Question: {query}\n\nAnswers:\n{answers}\n\nReply:",
        max_tokens=len(answers) // _CHARS_PER_TOKEN + _SPARE_TOKENS,
    )


def _line(outcome: ChunkOutcome) -> str:
    return f"{_asked(outcome)} {f'{NOT_SURE.lower()} ' if is_guess(outcome) else ''}{told(outcome)}"


def _asked(outcome: ChunkOutcome) -> str:
    question = sentences(outcome.text)[-1] if outcome.text.strip() else ""
    question = f"{outcome.context}: {question}" if outcome.context else question[:1].upper() + question[1:]
    return question if question.endswith("?") else f"{question}:"


def _is_unsure(outcome: ChunkOutcome) -> bool:
    return outcome.winner is None or is_guess(outcome)


def _no_answer(outcome: ChunkOutcome) -> str:
    question = f"{outcome.context}: {outcome.text}" if outcome.context else outcome.text
    return f"No answer to: {question}{f' ({outcome.reason})' if outcome.reason else ''}"
