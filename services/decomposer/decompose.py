"""Cut a query into its independent parts.

A cut falls where one request ends and another begins; what points back, or asks about the facts of a word problem,
stays with what it needs.  In doubt the text stays whole.  The rules are of English only: other languages are not cut.
They know words, not the world: a title without quotes that reads like a command may be cut, and two parts about one
matter in different words may come apart.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from schemas.plans import Chunk
from services.decomposer.announcements import governs_all
from services.decomposer.facts import Facts
from services.decomposer.grammar import asks_quantity, is_english
from services.decomposer.pieces import find_pieces
from services.decomposer.references import has_pronoun, is_about_person, means_several, refers_back
from services.decomposer.spans import Span, mask, sentences, trimmed
from services.kinds.table import kind_of
from services.voting.calculator import calculate

if TYPE_CHECKING:
    from collections.abc import Iterable

    from services.decomposer.pieces import Piece

MAX_CHUNKS = 32
_MAX_ROUNDS = 8  # each looks into the parts of the one before: lists in lists are rarely deeper than two
_ASIDE = re.compile(r"\s*\(([^()]*)\)")


def decompose(query: str) -> list[Chunk]:
    """Cut `query` into at most `MAX_CHUNKS` chunks, in order; blank text has none."""
    spans = [trimmed(query, Span(0, len(query)))]
    for _ in range(_MAX_ROUNDS):
        tail = spans[MAX_CHUNKS - 1 :]
        finer = [inner for span in spans[: MAX_CHUNKS - 1] for inner in _cut(query, span)] + tail
        if finer == spans:
            break
        spans = finer
    if len(spans) > MAX_CHUNKS:
        spans[MAX_CHUNKS - 1 :] = [Span(spans[MAX_CHUNKS - 1].start, spans[-1].end)]
    texts = [query[span.start : span.end] for span in spans]
    return [Chunk(index=i, text=text, kind=kind_of(text).name) for i, text in enumerate(texts) if text]


def _cut(query: str, span: Span) -> list[Span]:
    text = query[span.start : span.end]
    masked = mask(text)
    if not is_english(masked) or is_governed(text, masked):
        return [span]
    drafts = _fold(find_pieces(masked))
    if len(drafts) > MAX_CHUNKS:
        drafts[-1].end = len(masked)
    found = [trimmed(query, Span(span.start + draft.start, span.start + draft.end)) for draft in drafts]
    return found if len(found) > 1 else [span]


def is_governed(text: str, masked: str) -> bool:
    """Tell whether a sentence of `text`, or the brackets that open one, say how all of it is to be answered."""
    return any(
        governs_all(masked[start:end]) or ((aside := _ASIDE.match(text, start, end)) and governs_all(aside[1]))
        for start, end in sentences(masked)
    )


# --- joining what belongs together -----------------------------------------------------------------------------------


@dataclass(slots=True)
class _Draft:
    """A chunk in the making: facts wait in it until something is asked."""

    start: int
    end: int
    last: str = ""
    asked: bool = False
    facts: Facts = field(default_factory=Facts)

    def take(self, piece: Piece) -> None:
        self.end, self.last = piece.span.end, piece.text
        self.asked |= piece.ask is not None
        self.facts.bind(piece.text)
        if piece.ask is None or piece.ask.late:
            self.facts.add(piece.text)

    def absorb(self, other: _Draft) -> None:
        self.end, self.last = other.end, other.last
        self.asked |= other.asked
        self.facts.merge(other.facts)


def _fold(pieces: Iterable[Piece]) -> list[_Draft]:
    """Join pieces to chunks; stop when there are too many."""
    drafts: list[_Draft] = []
    for piece in pieces:
        needed = min(_needed(drafts, piece), _binding(drafts, piece))
        if needed == len(drafts):
            drafts.append(_Draft(*piece.span))
        while len(drafts) > needed + 1:
            drafts[-2].absorb(drafts.pop())
        draft = drafts[-1]
        answers_facts = bool(not draft.asked and piece.ask and draft.facts)
        draft.take(piece)
        if answers_facts and len(drafts) > 1 and not _is_own_problem(drafts[-2], draft):
            drafts[-2].absorb(drafts.pop())
        if len(drafts) > MAX_CHUNKS and draft.asked:
            return drafts
    if len(drafts) > 1 and not drafts[-1].asked:
        drafts[-2].absorb(drafts.pop())
    return drafts


def _needed(drafts: list[_Draft], piece: Piece) -> int:
    """Give the index of the draft that `piece` goes on with; their number if it starts anew."""
    if not drafts:
        return 0
    if not drafts[-1].asked:
        return len(drafts) - 1
    if refers_back(piece.text, piece.ask, drafts[-1].last):
        return _meant(drafts, piece)
    last = len(drafts) - 1
    first = 0 if asks_quantity(piece.text) else last  # only figures are worked on again after other parts
    for i in range(last, first - 1, -1):
        if piece.ask and drafts[i].facts.are_needed_by(piece.text, piece.ask, linked=piece.linked):
            return i
    return len(drafts)


def _meant(drafts: list[_Draft], piece: Piece) -> int:
    """Give the index of the draft that `piece`, which points back, may mean, with all drafts after it.

    A comparison may be of all that was asked.  Else, within a sentence that is the last one, and a pronoun means what
    is nearest, though a person is no sum.  What asks for a figure, or lacks a noun, may be about an earlier statement.
    """
    last = len(drafts) - 1
    if means_several(piece.text) and not drafts[last].facts:
        return 0
    if not drafts[last].last.endswith((".", "?", "!")):
        return last
    while last and is_about_person(piece.text) and calculate(drafts[last].last):
        last -= 1
    if has_pronoun(piece.text) and not asks_quantity(piece.text):
        return last
    stated = [i for i, draft in enumerate(drafts[: last + 1]) if draft.facts]
    return stated[-1] if stated else last


def _binding(drafts: list[_Draft], piece: Piece) -> int:
    """Give the index of the first draft whose variables `piece` uses, unless a later one binds them; else how many."""
    first = len(drafts)
    bound: set[str] = set()
    for i, draft in reversed(list(enumerate(drafts))):
        if draft.facts.variables_needed_by(piece.text) - bound:
            first = i
        bound |= draft.facts.variables
    return first


def _is_own_problem(before: _Draft, draft: _Draft) -> bool:
    """Tell whether facts and the question after them belong together rather than to the part before them."""
    return not before.facts.names & draft.facts.names and draft.facts.lead_to(draft.last)
