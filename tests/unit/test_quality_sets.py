"""The project's own question sets are well-formed: every part is asked for, and no answer stands in its question."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from services.evaluation.questions import Question, read_questions
from services.evaluation.score import is_right

FOLDER = Path(__file__).parents[1] / "quality"
COMPOUND = read_questions(FOLDER / "compound.jsonl")
WORD_PROBLEMS = read_questions(FOLDER / "word-problems.jsonl")


def test_there_are_enough_of_every_kind() -> None:
    kinds = Counter(question.kind for question in COMPOUND)
    assert len(COMPOUND) >= 64
    assert len(kinds) >= 12
    assert min(kinds.values()) >= 1
    assert {len(question.parts) for question in COMPOUND} == {1, 2, 3}
    assert len(WORD_PROBLEMS) == 40


def test_no_question_stands_twice() -> None:
    queries = Counter(question.query for question in COMPOUND + WORD_PROBLEMS)
    assert max(queries.values()) == 1
    parts = Counter(part.text.casefold() for question in COMPOUND for part in question.parts)
    assert max(parts.values()) == 1


@pytest.mark.parametrize("question", COMPOUND + WORD_PROBLEMS, ids=lambda question: question.id)
def test_a_question_is_well_formed(question: Question) -> None:
    place = 0
    for part in question.parts:
        asked = part.text.casefold().rstrip("?. ")
        assert asked in question.query.casefold()[place:], "the parts stand in the question, in their order"
        place = question.query.casefold().index(asked, place) + len(asked)
        assert not is_right(question.query, part.gold), "who only repeats the question is not right"
        names = [gold for gold in part.gold if isinstance(gold, str)]
        assert all(name == name.strip() for name in names)
        assert len(set(part.gold)) == len(part.gold)


def test_word_problems_have_one_number() -> None:
    for question in WORD_PROBLEMS:
        (part,) = question.parts
        (gold,) = part.gold
        assert isinstance(gold, float)
        assert question.query.endswith(("?", "."))
