"""Question sets: JSON Lines of questions with the accepted answers to each of their parts."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct

from schemas.commands import MAX_QUERY_BYTES
from schemas.line import one_line
from services.evaluation.rows import EvaluationError, read_rows

Gold = float | str
"""An accepted answer: a number, or a name."""


class Part(Struct, frozen=True, kw_only=True):
    """What a question asks for in one of its parts; any of `gold` is right."""

    text: str
    gold: Annotated[list[Gold], Meta(min_length=1)]


class Scorer(StrEnum):
    """What makes an answer right."""

    PARTS = "parts"
    """An accepted value of each part stands in it."""
    OPTION = "option"
    """The option that it names last is the accepted one."""
    CHECKS = "checks"
    """It meets every demand of the question that a program can verify."""
    TESTS = "tests"
    """Its code passes the question's tests, which are run where `--run-code` is given."""


class Question(Struct, frozen=True, kw_only=True):
    """One question; `kind` groups questions that are alike.  `test` is Python that fails unless the code is right."""

    id: str
    query: str
    parts: list[Part]
    kind: str = ""
    scorer: Scorer = Scorer.PARTS
    test: str = ""


class _Row(Struct, frozen=True, kw_only=True):
    """As it stands in a file: with `parts`, with one `gold` for the whole, or a `test`; other fields pass unread."""

    id: Annotated[str, Meta(min_length=1)]
    query: Annotated[str, Meta(min_length=1)]
    parts: Annotated[list[Part], Meta(min_length=1)] | None = None
    gold: Gold | None = None
    kind: str = ""
    scorer: Scorer = Scorer.PARTS
    test: str = ""


def read_questions(path: Path) -> list[Question]:
    """Read a set, at least one question.

    Raises:
        EvaluationError: it cannot be read, has a row of another shape, an id twice, or no row.

    """
    questions: dict[str, Question] = {}
    for number, row in read_rows(path, _Row):
        for problem in _problems(row, questions):
            raise EvaluationError(f"{path}:{number}: {one_line(problem)}")
        gold = row.scorer.value if row.gold is None else row.gold
        parts = row.parts or [Part(text=row.query, gold=[gold])]
        questions[row.id] = Question(
            id=row.id, query=row.query, parts=parts, kind=row.kind, scorer=row.scorer, test=row.test
        )
    if not questions:
        raise EvaluationError(f"{path}: holds no question")
    return list(questions.values())


def _problems(row: _Row, before: dict[str, Question]) -> Iterator[str]:
    """List what the shape alone can't forbid."""
    wants_gold = row.scorer in (Scorer.PARTS, Scorer.OPTION)
    if wants_gold and (row.parts is None) == (row.gold is None):
        yield "a question has either `parts` or `gold`"
    if row.scorer is Scorer.OPTION and row.gold is None:
        yield "the scorer `option` goes with one `gold`"
    if (row.scorer is Scorer.TESTS) != bool(row.test):
        yield "the scorer `tests` goes with a `test`"
    if row.id in before:
        yield f"the id {row.id!r} stands twice"
    if not row.query.strip():
        yield "$.query holds nothing but white space"
    if len(row.query.encode()) > MAX_QUERY_BYTES:
        yield f"$.query has more than {MAX_QUERY_BYTES} bytes"
    for gold in [gold for part in row.parts or () for gold in part.gold] + [row.gold]:
        if isinstance(gold, str) and not gold.strip():
            yield "a `gold` holds nothing but white space"
