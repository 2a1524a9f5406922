"""Where a wrong part went wrong, from the votes on the record.

The first stage that lost the right answer is named, as far as the record tells; a value that stands in a text by chance
counts as found there.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from enum import StrEnum

from schemas.messages import ChunkOutcome
from services.evaluation.answers import Answer
from services.evaluation.questions import Part, Question
from services.evaluation.score import hits, is_right
from services.language import grammar

_WORD = re.compile(r"\w+(?:[.,'’]\w+)*")
_FUNCTION_WORDS = grammar.FUNCTION_WORDS | frozenset("after first second third next finally please tell me".split())
_MIN_SHARE = 0.8


class Fault(StrEnum):
    """The stage at which a part was lost."""

    CUT = "cut"
    """No chunk asks for it: it was cut in two, or not cut from another."""
    MODEL = "model"
    """No model said it."""
    EXTRACTION = "extraction"
    """A model's text holds it, but no final answer taken from a text does."""
    VOTE = "vote"
    """A final answer was right, and another won."""
    SYNTHESIS = "synthesis"
    """It won its vote, and the answer lost it."""
    MISSING = "missing"
    """There was no answer by the deadline."""


def find_faults(question: Question, answer: Answer | None) -> list[Fault | None]:
    """Tell for each part where it went wrong; None: it is right."""
    found = hits(question, answer)
    return [None if hit else _fault(part, answer) for part, hit in zip(question.parts, found, strict=True)]


def chunk_of(part: Part, chunks: Sequence[ChunkOutcome]) -> ChunkOutcome | None:
    """Give the chunk whose answer is the part's, None if there is none.

    That is the chunk with the part's words, or the last of several that have them together if it builds on those before
    ("then subtract 10 from the result").
    """
    wanted = _words(part.text)
    inside = [chunk for chunk in chunks if _share(_words(chunk.text), wanted) >= _MIN_SHARE]
    alone = [chunk for chunk in inside if _share(wanted, _words(chunk.text)) >= _MIN_SHARE]
    if alone:
        return max(alone, key=lambda chunk: _share(wanted, _words(chunk.text)))
    together = sum((_words(chunk.text) for chunk in inside), Counter[str]())
    chained = bool(inside) and bool(inside[-1].depends_on)
    return inside[-1] if chained and _share(wanted, together) >= _MIN_SHARE else None


def _fault(part: Part, answer: Answer | None) -> Fault:
    if answer is None or not answer.answer.strip():
        return Fault.MISSING
    if not answer.chunks:  # a model that was asked the whole question
        return Fault.MODEL
    chunk = chunk_of(part, answer.chunks)
    return Fault.CUT if chunk is None else _fault_in(chunk, part)


def _fault_in(chunk: ChunkOutcome, part: Part) -> Fault:
    if chunk.winner is None:
        return Fault.MISSING
    if is_right(chunk.winner if chunk.final is None else chunk.final, part.gold):
        return Fault.SYNTHESIS
    if any(is_right(final, part.gold) for final in _finals(chunk)):
        return Fault.VOTE
    if any(is_right(text, part.gold) for text in _texts(chunk)):
        return Fault.EXTRACTION
    return Fault.MODEL


def _finals(chunk: ChunkOutcome) -> Iterator[str]:
    for vote in chunk.votes:
        yield vote.final
        yield from (said.final for said in vote.answers)


def _texts(chunk: ChunkOutcome) -> Iterator[str]:
    yield chunk.winner or ""
    for vote in chunk.votes:
        yield vote.answer
        yield from (said.text for said in vote.answers)


def _words(text: str) -> Counter[str]:
    return Counter(word for word in _WORD.findall(text.casefold()) if word not in _FUNCTION_WORDS)


def _share(words: Counter[str], among: Counter[str]) -> float:
    """Give the share of the words that are among others, in [0, 1]."""
    return (words & among).total() / words.total() if words else 0.0
