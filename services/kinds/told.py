"""How a chunk's answer is told to people: with its question, on one line unless it is a list, a guess as a guess."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from services.kinds.reading.extract import plain_text
from services.kinds.table import named
from services.voting.words import sentences

if TYPE_CHECKING:
    from collections.abc import Sequence

    from schemas.messages import ChunkOutcome

GUESS = 0.4  # an answer that is less likely right than this is told as a guess
NOT_SURE = "Not sure:"
NOT_SURE_ENOUGH = "Not sure enough"
_ITEM = re.compile(r"([ \t]*)([-*•+]|[0-9]{1,3}[.)])[ \t]+(\S.*)")


def told(outcome: ChunkOutcome) -> str:
    """Return an answer as its kind tells it, without markup and line ends; empty without one."""
    return _flat(_worded(outcome))


def is_guess(outcome: ChunkOutcome) -> bool:
    """Tell whether an answer that could be compared with others is likely wrong."""
    return outcome.winner is not None and named(outcome.kind).voted and outcome.confidence < GUESS


def join(outcomes: Sequence[ChunkOutcome]) -> str:
    """Return a line for each chunk, its question and its answer; a list has its items on lines of their own."""
    return "".join(joined_part(outcomes, index) for index in range(len(outcomes)))


def joined_part(outcomes: Sequence[ChunkOutcome], index: int) -> str:
    """Return what one chunk adds to the join of all, which depends on nothing after it."""
    if index == 0:
        return line(outcomes[0])
    after_a_list = "\n" in line(outcomes[index - 1])  # whose last item would go on without a blank line
    return ("\n\n" if after_a_list else "\n") + line(outcomes[index])


def line(outcome: ChunkOutcome) -> str:
    """Return a chunk's question and its answer, or that there is none."""
    if outcome.winner is None:
        return no_answer(outcome)
    guess = f" {NOT_SURE.lower()}" if is_guess(outcome) else ""
    lead, below = _laid_out(_worded(outcome))
    return "\n".join([f"{asked(outcome)}{guess} {lead}".rstrip(), *below])


def asked(outcome: ChunkOutcome) -> str:
    """Return a chunk's question as it introduces the answer: the last sentence, with its subject, marked at the end."""
    question = sentences(outcome.text)[-1] if outcome.text.strip() else ""
    question = f"{outcome.context}: {question}" if outcome.context else question[:1].upper() + question[1:]
    return question if question.endswith("?") else f"{question.removesuffix('.')}:"


def no_answer(outcome: ChunkOutcome) -> str:
    """Say that a chunk has no answer, and why."""
    question = f"{outcome.context}: {outcome.text}" if outcome.context else outcome.text
    if outcome.decided == "unsure":
        return f"{NOT_SURE_ENOUGH} to answer: {question} ({outcome.reason})"
    return f"No answer to: {question}{f' ({outcome.reason})' if outcome.reason else ''}"


def _worded(outcome: ChunkOutcome) -> str:
    return named(outcome.kind).tell(outcome.winner or "", outcome.final or "")


def _laid_out(answer: str) -> tuple[str, list[str]]:
    """Split an answer into what is told beside the question and the lines below: a Markdown list and what follows."""
    lines = answer.strip().splitlines()
    items = {place: item for place, line in enumerate(lines) if (item := _ITEM.fullmatch(line))}
    if len(items) < 2:  # noqa: PLR2004  # one item is no list
        return _flat(answer), []
    first, last = min(items), max(items)
    below = []
    for place, line in enumerate(lines[first : last + 1], first):
        if item := items.get(place):
            below.append(f"{item[1]}{'-' if item[2] == '•' else item[2]} {_flat(item[3])}")
        elif line.strip():
            below.append(f"  {_flat(line)}")  # it goes on with the item before
    after = _flat("\n".join(lines[last + 1 :]))
    return _flat("\n".join(lines[:first])), [*below, *(["", after] if after else [])]


def _flat(text: str) -> str:
    return " ".join(plain_text(text).split())
