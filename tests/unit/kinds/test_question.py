from __future__ import annotations

import pytest

from schemas.plans import Given
from services.kinds.question import question
from services.voting.calculator import calculate


def given(answer: str, asked: str = "Compute 12 times 8") -> list[Given]:
    return [Given(question=asked, answer=answer)]


@pytest.mark.parametrize(
    ("text", "answer", "asked"),
    [
        ("add 10 to the result", "96", "add 10 to 96"),
        ("multiply that by 2.", "96", "multiply 96 by 2."),
        ("double it", "$96", "double $96"),
        ("Is it even?", "96", "Is 96 even?"),
        ("is the result prime", "1,201", "is 1,201 prime"),
        ("what is half of that?", "7.5", "what is half of 7.5?"),
        ("add 100 to that year", "1969", "add 100 to 1969"),
        ("multiply by 4.", "15", "multiply 15 by 4."),
        ("divide by 4", "15.", "divide 15 by 4"),
        ("add 5", "-3", "add 5 to -3"),
        ("subtract 12.", "70", "subtract 12 from 70."),
        ("take away 3", "15", "subtract 3 from 15"),
        ("Now take away 6.", "56", "Now subtract 6 from 56."),
        ("take 10 away.", "96", "subtract 10 from 96."),
        ("take 10 away from that", "96", "take 10 away from 96"),
        ("take the square root", "16", "the square root of 16"),
        ("Now take the square root.", "16", "Now the square root of 16."),
        ("Please add 5.", "15", "Please add 5 to 15."),
        ("subtract the sum from 100", "42", "subtract 42 from 100"),
    ],
)
def test_a_number_takes_the_place_of_the_words_for_it(text: str, answer: str, asked: str) -> None:
    assert question(text, "", given(answer)) == asked


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("take away 3", "13"),
        ("Now take away 6.", "10"),
        ("take 10 away", "6"),
        ("Now take the square root.", "4"),
        ("multiply by 2", "32"),
    ],
)
def test_a_sum_that_left_out_its_object_can_be_computed(text: str, value: str) -> None:
    assert calculate(question(text, "", given("16"))) == value


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("how many letters has it?", "96"),
        ("add it to that", "96"),
        ("add 10 to the result", "ninety-six"),
        ("add 10 to the result", "96 or 97"),
        ("what is that squared", "-4"),
        ("what is its square root?", "96"),
        ("add 3 and 5", "96"),
    ],
)
def test_in_doubt_the_answer_stands_before_the_question(text: str, answer: str) -> None:
    asked = question(text, "", given(answer))
    assert asked.startswith("Given: Compute 12 times 8")
    assert asked.split(". ", 1)[1].lower().rstrip(".?") == text.rstrip("?")


def test_what_stands_before_reads_as_sentences() -> None:
    capital = Given(question="what is the capital of France", answer="Paris.")
    letters = Given(question="how many letters has it?", answer="5")
    assert question("how many letters has it", "", [capital]) == (
        "Given: What is the capital of France? Paris. How many letters has it?"
    )
    assert question("is that number odd and how big is it", "", [capital, letters]) == (
        "Given: What is the capital of France? Paris. How many letters has it? 5. Is that number odd and how big is it?"
    )
    assert question("what is its square root?", "", given("96")) == (
        "Given: Compute 12 times 8 = 96. What is its square root?"
    )


def test_a_subject_stands_before_the_question() -> None:
    assert question("when was she born", "Marie Curie", []) == "Marie Curie: when was she born?"
    assert question("what is its diameter?", "About Mars", []) == "About Mars: what is its diameter?"


def test_without_anything_given_the_text_stays_as_it_is() -> None:
    assert question("  what is DNA", "", []) == "  what is DNA"
