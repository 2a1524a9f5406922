"""The figures of an evaluation."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.evaluation.answers import Answer
from services.evaluation.questions import Gold, Part, Question
from services.evaluation.score import hits, is_right, score

NAME = st.text("abcdefgh", min_size=3, max_size=8)
TEXT = st.text("abcdefgh ,.-$%0123456789\n", max_size=60)
GOLD = st.lists(st.one_of(st.integers(-999, 9999).map(float), NAME), min_size=1, max_size=3)


def question(id_: str, *golds: list[Gold]) -> Question:
    return Question(id=id_, query="?", parts=[Part(text=f"part {i}", gold=gold) for i, gold in enumerate(golds)])


@pytest.mark.parametrize(
    ("text", "gold", "right"),
    [
        ("The total is $1,234.50.", 1234.5, True),
        ("The total is 12345.", 1234, False),
        ("1,000,000 people", 1e6, True),
        ("It is -3 degrees", -3, True),
        ("It is -3 degrees", 3, False),
        ("It is 5-3", 3, True),
        ("It is 7.", 7, True),
        ("It is 7.0", 7, True),
        ("It is 7.25", 7, False),
        ("It is 7.25", 25, False),
        ("version v7", 7, False),
        ("15%", 15, True),
        ("H2O", 2, False),
        ("It is 0.3333333", 1 / 3, True),
        ("It is 0.3333", 1 / 3, False),
        ("", 0, False),
        ("the capital is PARIS!", "Paris", True),
        ("a comparison", "Paris", False),
        ("Parisian", "Paris", False),
        ("carbon  dioxide", "carbon dioxide", False),
        ("Carbon Dioxide", "carbon dioxide", True),
        ("C++ it is", "C++", True),
        ("Gold is Au.", "Au", True),
        ("au revoir", "Au", False),
        ("Vitamin D", " D", True),
        ("and", " D", False),
        ("(a+b)", "a+b", True),
    ],
)
def test_a_part_is_right_when_an_accepted_value_stands_in_the_answer(text: str, gold: Gold, right: bool) -> None:  # noqa: FBT001
    assert is_right(text, [gold]) is right


@given(TEXT, TEXT, st.integers(-99999, 9999999))
def test_a_number_is_found_between_any_words_however_it_is_written(before: str, after: str, number: int) -> None:
    for written in (f"{number}", f"{number:,}", f"{number:.2f}"):
        assert is_right(f"{before} {written} {after}", [float(number)])


@given(TEXT, TEXT, NAME)
def test_a_name_is_found_between_any_words_in_any_case(before: str, after: str, name: str) -> None:
    assert is_right(f"{before} {name.upper()} {after}", [name])
    assert not is_right(f"{name}x", [name])


@given(TEXT, GOLD, GOLD)
def test_more_accepted_values_never_make_it_wrong(text: str, gold: list[Gold], more: list[Gold]) -> None:
    assert is_right(text, gold) == any(is_right(text, [right]) for right in gold)
    assert is_right(text, gold + more) == (is_right(text, gold) or is_right(text, more))


@given(st.text(max_size=60), GOLD)
def test_no_text_is_too_odd_to_be_scored(text: str, gold: list[Gold]) -> None:
    assert is_right(text, gold) in (True, False)


ROWS = st.dictionaries(
    st.sampled_from("abcdef"), st.tuples(st.lists(GOLD, min_size=1, max_size=3), st.none() | TEXT), min_size=1
)


@given(ROWS)
def test_figures_count_every_part_once(rows: dict[str, tuple[list[list[Gold]], str | None]]) -> None:
    questions = [question(id_, *golds) for id_, (golds, _) in rows.items()]
    answers = {id_: Answer(id=id_, answer=text) for id_, (_, text) in rows.items() if text is not None}
    figures = score(questions, answers)
    assert figures.parts == sum(len(golds) for golds, _ in rows.values())
    assert figures.whole == len(rows)
    assert 0 <= figures.whole_right <= figures.parts_right <= figures.parts
    assert figures.parts_right == sum(sum(hits(question, answers.get(question.id))) for question in questions)
    assert (figures.median_s, figures.total_s) == (None, None)
    without = score(questions, {})
    assert (without.parts_right, without.whole_right) == (0, 0)
    perfect = {
        question.id: Answer(id=question.id, answer=" ; ".join(str(part.gold[0]) for part in question.parts))
        for question in questions
    }
    assert score(questions, perfect).parts_right == figures.parts
    assert score(questions, perfect).whole_share == 1


def test_figures_read_as_a_line() -> None:
    questions = [question("a", [4.0], ["Rome"]), question("b", [5.0])]
    answers = {
        "a": Answer(id="a", answer="4 and Rome", seconds=1.0),
        "b": Answer(id="b", answer="6", seconds=2.0),
    }
    figures = score(questions, answers)
    assert str(figures) == "parts 2/3 = 0.667   whole 1/2 = 0.500   median 1.50 s, total 3.0 s"
    assert str(score(questions, {})) == "parts 0/3 = 0.000   whole 0/2 = 0.000"
