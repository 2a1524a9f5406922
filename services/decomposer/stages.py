"""Split a chunk into stages where a part certainly builds on the answer to the part before it, or shares its subject.

Two kinds of chains are known: sums that go on with a number ("..., then add 10 to the result", "is it prime?"), told by
a closed vocabulary, and questions about whom or what a fact names ("who wrote Emma and when was she born?").  A subject
that is named once ("Marie Curie: when was she born, and where did she die?") goes with each part as its context.  In
doubt a chunk stays whole; so does every story, since a part of it needs the facts and not only an answer.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from msgspec import structs

from schemas.plans import Chunk
from services.decomposer.announcements import is_lead_in, payload_announced_at
from services.decomposer.decompose import MAX_CHUNKS, is_governed
from services.decomposer.grammar import AUX, MAKING, NUMBER, Kind, asks, asks_quantity, is_english
from services.decomposer.pieces import Piece, find_pieces
from services.decomposer.references import refers_back
from services.decomposer.spans import MASKED, mask, sentences
from services.kinds.problem import PROBLEM
from services.kinds.sum import SUM
from services.kinds.table import kind_of

if TYPE_CHECKING:
    from collections.abc import Sequence

_MAX_WORDS = 14
_ABOUT_ANSWERS = frozenset({"fact", "choice", "sum", "problem"})
_WITH_NUMBERS = frozenset({SUM.name, PROBLEM.name})


def in_stages(chunks: Sequence[Chunk]) -> list[list[Chunk]]:
    """Give the stages of each chunk, numbered throughout; most chunks are the only one of theirs.

    There are at most `MAX_CHUNKS` in all, or as many as there were.
    """
    staged: list[list[Chunk]] = []
    first, spare = 0, MAX_CHUNKS - len(chunks)
    for chunk in chunks:
        parts = _chain(chunk.text) or _with_subject(chunk.text)
        if not 0 < len(parts) - 1 <= spare:
            parts = [chunk]
        spare -= len(parts) - 1
        staged.append([_moved(part, first, i) for i, part in enumerate(parts)])
        first += len(parts)
    return staged


def _moved(part: Chunk, first: int, index: int) -> Chunk:
    return structs.replace(part, index=first + index, depends_on=[first + each for each in part.depends_on])


# --- chains ----------------------------------------------------------------------------------------------------------

_WORD = re.compile(r"\d[\d.,]*\b%?|[^\W\d_]+(?:['’]s\b)?|\S")
_REFERENCE = re.compile(
    r"\b(?:the\s+(?:result|answer|sum|product|quotient|difference|total|outcome)|(?:that|this)(?:\s+(?:result|answer|sum"
    r"|product|quotient|difference|total|number|value|figure|year))?|its?)\b",
    re.IGNORECASE,
)
_CALCULATING = frozenset("add subtract multiply divide double halve square round take".split())
_OBJECTLESS = re.compile(
    rf"(?:add|subtract)\s+(?:{NUMBER})%?|take\s+(?:away\s+(?:{NUMBER})|(?:{NUMBER})\s+away)%?"
    rf"|(?:multiply|divide)\s+by\s+(?:{NUMBER})|take\s+the\s+(?:square|cube)\s+root",
    re.IGNORECASE,
)
_SUM_WORDS = frozenset(
    """
    what what's what’s is are how much half third quarter twice double triple percent of plus minus times divided
    multiplied raised by to from the square cube root squared cubed remainder when a an prime even odd divisible
    greater less larger smaller bigger more than multiple perfect positive negative number integer whole nearest
    ten hundred thousand tenth hundredth decimal decimals place places up down digits please now again and power
    factorial away
    """.split()
)
_TWO = re.compile(r"\b(?:and|or)\b", re.IGNORECASE)
_ONE_OF_TWO = re.compile(
    r"\b(?:add|subtract|multiply|sum|product|difference|average|mean|median|total|between)\b\D{0,20}\d[\d.,%]*(?:\s+|,\s+and\s+)and\s+\d+",
    re.IGNORECASE,
)
_YEAR = re.compile(r"(?:in\s+)?(?:what|which)\s+year\b", re.IGNORECASE)
_PERSON_ASKED = re.compile(
    rf"who\s+(?:(?:{MAKING}|won|directs|wins)\b|(?:is|was)\s+the\b)|(?:name|find|identify)\s+the\b", re.IGNORECASE
)
_PERSON = re.compile(r"\b(?:he|she|him|his|her)\b", re.IGNORECASE)
_PERSON_NOUN = re.compile(
    r"\b(?:that|this)\s+(?:person|man|woman|author|writer|painter|artist|composer|scientist|inventor|director)\b",
    re.IGNORECASE,
)
_THING_ASKED = re.compile(
    r"(?:(?:what|which)\s+(?:is|was)|name|find|identify)\s+the\s+(?:capital\b|(?:\w+\s+)?(?:\w{2,}est|most|least|first|last)\b)"
    r"|(?:what|which)\s+\w+\s+(?:is|was|has)\s+(?:the\s+)?(?:\w{2,}est|most|least|first|last)\b",
    re.IGNORECASE,
)
_THING = re.compile(r"\b(?:it|its)\b|\b(?:live|lives|speak|spoken|used|born|located|found)\s+there\b", re.IGNORECASE)
_NOUN_ASKED = re.compile(r"(?:in\s+|on\s+|from\s+)?(?:what|which)(?:\s+(?:is|was)\s+the)?\s+(\w{3,})\b", re.IGNORECASE)
_ANY_REFERENCE = re.compile(
    r"\b(?:he|she|him|his|hers?|its?|they|them|their|theirs|there|this|that|these|those|both|each|same|other|former"
    r"|latter)\b",
    re.IGNORECASE,
)
_IS_THERE = re.compile(rf"\b(?:{AUX})\s+there\b", re.IGNORECASE)


def _chain(text: str) -> list[Chunk]:
    """Give the stages of a text of which each builds on the one before, or nothing."""
    pieces = _questions(text)
    if len(pieces) < 2 or _points_back(pieces[0]):  # noqa: PLR2004
        return []
    if not all(_builds_on(later, earlier) for earlier, later in pairwise(pieces)):
        return []
    found = [Chunk(index=0, text=_of(text, pieces[0]), kind=kind_of(_of(text, pieces[0])).name)]
    for i, piece in enumerate(pieces[1:], 1):
        found.append(Chunk(index=i, text=_of(text, piece), kind=_kind(piece), depends_on=[i - 1]))
    return found


def _questions(text: str) -> list[Piece]:
    """Give the pieces of a text in which each asks, stands in one short sentence and can't be cut again; else none."""
    masked = mask(text)
    if not is_english(masked) or is_governed(text, masked):
        return []
    pieces = list(find_pieces(masked))
    return pieces if all(map(_is_question, pieces)) else []


def _is_question(piece: Piece) -> bool:
    return (
        piece.ask is not None
        and not piece.ask.late
        and piece.ask.kind is not Kind.FRAGMENT
        and len(piece.text.split()) <= _MAX_WORDS
        and len(list(sentences(piece.text))) == 1
        and payload_announced_at(piece.text) is None
        and [each.text for each in find_pieces(piece.text)] == [piece.text]
    )


def _of(text: str, piece: Piece) -> str:
    return text[piece.span.start : piece.span.end]


def _body(piece: Piece) -> str:
    assert piece.ask is not None
    return piece.text[piece.ask.offset :].rstrip(" .?!,;")


def _points_back(piece: Piece) -> bool:
    return refers_back(piece.text, piece.ask, "")


def _builds_on(later: Piece, earlier: Piece) -> bool:
    if _goes_on_with_number(later):
        return _asks_number(earlier)
    return kind_of(later.text).name in _ABOUT_ANSWERS and _is_about_answer(_body(later), _body(earlier))


def _goes_on_with_number(piece: Piece) -> bool:
    """Tell whether a piece is a sum, in nothing but words of sums, on the one thing it points back to."""
    body = _body(piece)
    assert piece.ask is not None
    if piece.ask.kind is Kind.COMMAND and piece.ask.word not in _CALCULATING:
        return False
    references = len(_REFERENCE.findall(body))
    words = [word.lower() for word in _WORD.findall(_REFERENCE.sub(" ", body))]
    if not all(word in _SUM_WORDS | _CALCULATING or word[0].isdigit() or re.fullmatch(NUMBER, word) for word in words):
        return False
    return references == 1 or (references == 0 and _OBJECTLESS.fullmatch(body) is not None)


def _asks_number(piece: Piece) -> bool:
    """Tell whether one number answers a piece."""
    body = _body(piece)
    if MASKED in body or len(_TWO.findall(body)) > len(_ONE_OF_TWO.findall(body)):
        return False
    return (
        _goes_on_with_number(piece)
        or kind_of(body).name in _WITH_NUMBERS
        or asks_quantity(body)
        or bool(_YEAR.match(body))
    )


def _is_about_answer(later: str, earlier: str) -> bool:
    """Tell whether a question is about the person or thing that the one before asks for."""
    references = _ANY_REFERENCE.findall(_IS_THERE.sub(" ", later))
    if len(references) != 1:
        return False
    noun = _NOUN_ASKED.match(earlier)
    if noun and re.search(rf"\b(?:that|this)\s+{re.escape(noun[1])}\b", later, re.IGNORECASE):
        return True
    if _PERSON_ASKED.match(earlier) and (_PERSON.search(later) or _PERSON_NOUN.search(later)):
        return True
    return bool(_THING_ASKED.match(earlier) and _THING.search(later))


def _kind(piece: Piece) -> str:
    """Return the kind of a later stage: one that goes on with a number is a sum unless it asks yes or no."""
    assert piece.ask is not None
    is_sum = _goes_on_with_number(piece) and (piece.ask.kind is Kind.COMMAND or piece.ask.word in ("what", "how"))
    return PROBLEM.name if is_sum else kind_of(piece.text).name


# --- a subject that is named once ------------------------------------------------------------------------------------

_SUBJECT = re.compile(r"[^:.?!,;()\n]{2,60}(?=:\s+)")
_MAX_SUBJECT_WORDS = 7
_PRONOUNS = tuple(
    re.compile(rf"\b(?:{words})\b", re.IGNORECASE)
    for words in ("he|him|his", "she|her|hers", "it|its", "they|them|their")
)


def _with_subject(text: str) -> list[Chunk]:
    """Give the questions about a subject that is named before a colon, each with it as its context, or nothing."""
    found = _SUBJECT.match(text)
    subject = found[0] if found else ""
    if not subject or len(subject.split()) > _MAX_SUBJECT_WORDS or is_lead_in(subject) or asks(subject):
        return []
    rest = text[len(subject) + 1 :].lstrip()
    pieces = _questions(rest)
    if len(pieces) < 2 or not any(all(_is_about(piece, each) for piece in pieces) for each in _PRONOUNS):  # noqa: PLR2004
        return []
    return [
        Chunk(index=i, text=_of(rest, piece), kind=kind_of(_of(rest, piece)).name, context=subject)
        for i, piece in enumerate(pieces)
    ]


def _is_about(piece: Piece, pronoun: re.Pattern[str]) -> bool:
    """Tell whether a question is about what `pronoun` stands for, and about nothing else that came before."""
    assert piece.ask is not None
    references = _ANY_REFERENCE.findall(_IS_THERE.sub(" ", piece.text))
    return piece.ask.kind is Kind.QUESTION and bool(references) and all(map(pronoun.fullmatch, references))
