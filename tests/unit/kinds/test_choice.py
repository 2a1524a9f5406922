from __future__ import annotations

import pytest

from services.kinds.choice import CHOICE, PROGRAM
from services.kinds.kind import Said
from services.kinds.reading.options import find_options, option_of
from services.kinds.reading.program import carry_out
from services.kinds.worked import EXAMPLES

SHELF = (
    "Ivo puts a vase on the top shelf and a lamp on the low one. Then he swaps them. What is on the low shelf?\n"
    "Options:\n(A) vase\n(B) lamp\n(C) nothing"
)
CUP = 'low = "lamp"\ntop = "vase"\nlow, top = top, low\nanswer = low'


def read(program: str, question: str = SHELF, *, cut_off: bool = False) -> str:
    return CHOICE.read(Said(f"```python\n{program}", question, PROGRAM, cut_off=cut_off)).final


def method(question: str) -> str:
    return CHOICE.ways(question)[0].method


def test_what_follows_from_facts_is_put_as_a_program_and_knowledge_is_not() -> None:
    assert method(SHELF) == PROGRAM
    assert method("Which one is the colour of blood?\nOptions:\n(A) red\n(B) blue\n(C) green") == "choice-steps"
    assert method("Is the Sun a star?") == "choice-brief"
    assert method("It is long. " * 300 + SHELF) == "choice-steps"


def test_a_program_answers_by_the_option_that_it_comes_to() -> None:
    assert read(CUP) == "(A)"
    reading = CHOICE.read(Said(f"```python\n{CUP}", SHELF, PROGRAM))
    assert reading.text.endswith("Answer: (A) vase")
    assert read("x = 3\nanswer = x == 3", "He goes out. He comes back. Is he home?\nOptions:\n- Yes\n- No") == "Yes"


def test_an_answer_that_is_only_stated_is_none() -> None:
    assert read('answer = "vase"') == ""
    assert read('low = "chair"\nanswer = low') == ""
    assert read(CUP, cut_off=True) == ""
    assert read('for thing in ["vase", "lamp"]:\n    answer = thing') == ""


def test_the_examples_are_right() -> None:
    answers = []
    for question, program in EXAMPLES:
        outcome = carry_out(program)
        assert outcome is not None
        assert outcome.worked
        assert not outcome.ambiguous
        options = find_options(question)
        answers.append(option_of(outcome.text or outcome.value, options) if options else outcome.value)
    assert answers == ["(A)", "No", "5"]


@pytest.mark.parametrize(
    ("value", "final"),
    [
        ("B", "(B)"),
        ("(C)", "(C)"),
        ("red ball", "(A)"),
        ("Blue", "(B)"),
        ("ball", ""),
        ("the green cup now", "(C)"),
        ("D", ""),
        ("", ""),
    ],
)
def test_a_value_is_the_option_that_it_names_alone(value: str, final: str) -> None:
    options = find_options("Who has what?\nOptions:\n(A) red ball\n(B) blue ball\n(C) green cup")
    assert options is not None
    assert option_of(value, options) == final


@pytest.mark.parametrize(("value", "final"), [("yes", "valid"), ("True", "valid"), ("no", "invalid"), ("maybe", "")])
def test_a_truth_is_the_option_that_means_it(value: str, final: str) -> None:
    options = find_options("Is the argument valid or invalid?")
    assert options is not None
    assert option_of(value, options) == final
