"""How a chunk's answer is told to people: on one line, with its question, as a guess where it is one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.kinds.reading.extract import plain_text
from services.kinds.table import named
from services.voting.words import sentences

if TYPE_CHECKING:
    from collections.abc import Sequence

    from schemas.messages import ChunkOutcome

GUESS = 0.4  # an answer that is less likely right than this is told as a guess
NOT_SURE = "Not sure:"


def told(outcome: ChunkOutcome) -> str:
    """Return an answer as its kind tells it, without markup and line ends; empty without one."""
    worded = named(outcome.kind).tell(outcome.winner or "", outcome.final or "")
    return " ".join(plain_text(worded).split())


def is_guess(outcome: ChunkOutcome) -> bool:
    """Tell whether an answer that could be compared with others is likely wrong."""
    return outcome.winner is not None and named(outcome.kind).voted and outcome.confidence < GUESS


def join(outcomes: Sequence[ChunkOutcome]) -> str:
    """Return a line per chunk: its question and its answer, or that there is none."""
    return "\n".join(map(line, outcomes))


def line(outcome: ChunkOutcome) -> str:
    """Return a chunk's question and its answer, or that there is none."""
    if outcome.winner is None:
        return no_answer(outcome)
    return f"{asked(outcome)} {f'{NOT_SURE.lower()} ' if is_guess(outcome) else ''}{told(outcome)}"


def asked(outcome: ChunkOutcome) -> str:
    """Return a chunk's question as it introduces the answer: the last sentence, with its subject, marked at the end."""
    question = sentences(outcome.text)[-1] if outcome.text.strip() else ""
    question = f"{outcome.context}: {question}" if outcome.context else question[:1].upper() + question[1:]
    return question if question.endswith("?") else f"{question}:"


def no_answer(outcome: ChunkOutcome) -> str:
    """Say that a chunk has no answer, and why."""
    question = f"{outcome.context}: {outcome.text}" if outcome.context else outcome.text
    return f"No answer to: {question}{f' ({outcome.reason})' if outcome.reason else ''}"
