"""Winners to one answer: the plain join, the prompt for the superllm, and the check of what it wrote.

The check knows numbers and words, not meaning: it cannot tell whether a name was put to the wrong question.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from schemas.terms import Operation
from services.voting.extract import plain_text
from services.voting.prompt import Prompt
from services.voting.quantity import quantities, same
from services.voting.words import content_words, names, sentences

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from decimal import Decimal

    from schemas.messages import ChunkOutcome

_SYSTEM = (
    "Combine the given answers into one short reply, in the given order. "
    "Use every answer exactly as it is given, with its numbers and names. Add, explain and correct nothing."
)
_CHARS_PER_TOKEN = 3  # below what English takes in these vocabularies, about 4, so that the limit is not met
_SPARE_TOKENS = 48
_MAX_NAME_WORDS = 3
_LIST_MARKER = re.compile(r"^\s*[0-9]{1,2}[.)]\s", re.MULTILINE)


def join(outcomes: Sequence[ChunkOutcome]) -> str:
    """Return a line per chunk: its question and its answer, or that there is none."""
    return "\n".join(_line(o) if o.winner is not None else _no_answer(o) for o in outcomes)


def missing(outcomes: Sequence[ChunkOutcome]) -> str:
    """Return the lines that name the chunks without an answer, to stand below what the superllm wrote."""
    return "\n".join(_no_answer(o) for o in outcomes if o.winner is None)


def prompt(query: str, outcomes: Sequence[ChunkOutcome]) -> Prompt:
    """Return the superllm's prompt; it holds the winners only, and its token limit follows from their length."""
    answers = "\n".join(f"- {_line(o)}" for o in outcomes if o.winner is not None)
    return Prompt(
        system=_SYSTEM,
        user=f"Question: {query}\n\nAnswers:\n{answers}\n\nReply:",
        max_tokens=len(answers) // _CHARS_PER_TOKEN + _SPARE_TOKENS,
    )


def check(query: str, outcomes: Sequence[ChunkOutcome], text: str) -> str | None:
    """Return None if `text` says what the winners say, else in one line what it drops or makes up.

    Every number and name of the winners' final answers must stand in it, numbers by value, names as whole words in
    any case; so must each word of a final answer of at most three.  A figure must come from a winner or the query.
    """
    winners = [o for o in outcomes if o.winner is not None]
    finals = [o.final or "" for o in winners]
    written = _values(text)
    for final in finals:
        for value in _values(final):
            if not _holds(written, value):
                return f"the number {value:f} is missing"
        lost = _telling_words(final) - content_words(text)
        if lost:
            return f"the word {min(lost)!r} is missing"
    known = _known(" \n".join([query, *finals, *(o.text for o in winners), *(o.winner or "" for o in winners)]))
    for quantity in quantities(_LIST_MARKER.sub("", text)):
        if not quantity.spelled and not _holds(known, quantity.value):
            return f"the number {quantity.value:f} is in no answer"
    return None


def _line(outcome: ChunkOutcome) -> str:
    question = sentences(outcome.text)[-1] if outcome.text.strip() else ""
    question = f"{outcome.context}: {question}" if outcome.context else question[:1].upper() + question[1:]
    return f"{question}{'' if question.endswith('?') else ':'} {_answer(outcome)}"


def _answer(outcome: ChunkOutcome) -> str:
    """Return a sum's result without its steps, any other answer as it was worded, on one line."""
    worded = outcome.final if outcome.operation is Operation.MATH and outcome.final else outcome.winner
    return " ".join(plain_text(worded or "").split())


def _no_answer(outcome: ChunkOutcome) -> str:
    question = f"{outcome.context}: {outcome.text}" if outcome.context else outcome.text
    return f"No answer to: {question}{f' ({outcome.reason})' if outcome.reason else ''}"


def _telling_words(final: str) -> frozenset[str]:
    words = content_words(final)
    return words if len(words) <= _MAX_NAME_WORDS else names(final)


def _values(text: str) -> list[Decimal]:
    return [quantity.value for quantity in quantities(text)]


def _known(text: str) -> list[Decimal]:
    """Return the numbers of a text, a percentage also as the share that it is."""
    found = quantities(text)
    return [each.value for each in found] + [each.value / 100 for each in found if each.unit == "percent"]


def _holds(values: Iterable[Decimal], wanted: Decimal) -> bool:
    return any(same(value, wanted) for value in values)
