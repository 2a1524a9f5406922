from __future__ import annotations

import pytest

from services.kinds.kind import Reading, Said
from services.kinds.problem import PROBLEM, is_problem

NORWAY = "What is the capital of Norway?"


def read(text: str, method: str, question: str = NORWAY, *, cut_off: bool = False) -> Reading:
    return PROBLEM.read(Said(text, question, method, cut_off))


def test_a_program_is_told_by_its_steps() -> None:
    said = read("```python\neggs = 16 - 3 - 4\nanswer = eggs * 2\n```", "program")
    assert (said.final, said.text) == ("18", "eggs = 16 - 3 - 4 = 9\nanswer = eggs * 2 = 18")


def test_a_program_that_comes_to_nothing_is_no_read() -> None:
    said = read("eggs = hens * 2", "program")
    assert (said.final, said.text) == ("", "eggs = hens * 2")


def test_the_value_of_a_variable_and_a_balance_have_one() -> None:
    program = "```python\nanswer = -12 / 3\n```"
    assert read(program, "program", question="How much is x if 3x + 12 = 0?").final == "-4"
    owed = "Ann has $10 in her account and pays $15. How much is her balance?"
    assert read("answer = 10 - 15", "program", question=owed).final == "-5"


def test_an_amount_has_no_sign() -> None:
    program = "answer = 3 - 10"
    assert read(program, "program", question="Anna has 3 and Ben 10 pens. How many more has Ben?").final == "7"
    assert read(program, "program", question="It was 3 degrees, then fell by 10. How much is it?").final == "-7"
    assert read(program, "program", question="What is left of 3 after 10?").final == "-7"


def test_worked_steps_end_in_an_answer() -> None:
    said = read("She has 16 - 7 = 9 eggs.\n\nSo she earns \\(\\boxed{18}\\).", "steps")
    assert said.final == "18"


def test_an_output_that_was_made_up_does_not_count() -> None:
    text = "We compute:\n```python\na = 60 * 3\nprint(a + 6)\n```\n```output\n246\n```\nIt is \\(\\boxed{246}\\)."
    said = read(text, "steps")
    assert said.final == "186"
    assert said.text == "We compute:\na = 60 * 3 = 180\nAnswer: 186"


def test_a_program_that_was_cut_off_is_not_counted() -> None:
    cut = "```python\neggs = 16 - 3\nanswer = 1"
    assert read(cut, "program", cut_off=True).final == ""
    assert read(f"She has 9.\n{cut}", "steps", cut_off=True).final != "13"
    assert read(f"{cut}\n```\nThis is", "program", cut_off=True).final == "1"
    assert read(cut, "program").final == "1"


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ("A robe takes 2 bolts of blue fiber and half that much white. How many bolts does it take?", True),
        ("the price of an $85 jacket after a 20% discount", True),
        ("eggs in 7 dozen, how many", True),
        ("Find the area of a circle with radius 5.", True),
        ("A pen costs $2 and a book $5. What is the total? Explain your reasoning.", True),
        ("Write a 300 word essay on two of the three causes", False),
        ("How would I fix 2 leaking taps in my house?", False),
        ("Who won in 1966?", False),
    ],
)
def test_a_problem_brings_its_numbers(request_: str, *, expected: bool) -> None:
    assert is_problem(request_) is expected
