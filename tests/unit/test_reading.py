from __future__ import annotations

from typing import Literal

from models.engine import Completion
from schemas.messages import ModelAnswer
from schemas.terms import Operation
from services.node.reading import read

NORWAY = "What is the capital of Norway?"


def answer(
    text: str,
    method: str,
    operation: Operation = Operation.MATH,
    question: str = NORWAY,
    finish: Literal["stop", "length", "deadline"] = "stop",
) -> ModelAnswer:
    done = Completion(
        text=text,
        logprob=-0.1,
        min_logprob=-0.2,
        prompt_tokens=1,
        completion_tokens=1,
        latency_s=0.1,
        finish=finish,
    )
    return read(done, "m", question, operation, method)


def test_a_program_is_told_by_its_steps() -> None:
    said = answer("```python\neggs = 16 - 3 - 4\nanswer = eggs * 2\n```", "program")
    assert (said.final, said.text, said.method) == ("18", "eggs = 16 - 3 - 4 = 9\nanswer = eggs * 2 = 18", "program")


def test_a_program_that_comes_to_nothing_is_no_answer() -> None:
    said = answer("eggs = hens * 2", "program")
    assert (said.final, said.text) == ("", "eggs = hens * 2")


def test_the_value_of_a_variable_and_a_balance_have_one() -> None:
    program = "```python\nanswer = -12 / 3\n```"
    assert answer(program, "program", question="How much is x if 3x + 12 = 0?").final == "-4"
    owed = "Ann has $10 in her account and pays $15. How much is her balance?"
    assert answer("answer = 10 - 15", "program", question=owed).final == "-5"


def test_an_amount_has_no_sign() -> None:
    program = "answer = 3 - 10"
    assert answer(program, "program", question="Anna has 3 and Ben 10 pens. How many more has Ben?").final == "7"
    assert answer(program, "program", question="It was 3 degrees, then fell by 10. How much is it?").final == "-7"
    assert answer(program, "program", question="What is left of 3 after 10?").final == "-7"


def test_worked_steps_end_in_an_answer() -> None:
    said = answer("She has 16 - 7 = 9 eggs.\n\nSo she earns \\(\\boxed{18}\\).", "steps")
    assert said.final == "18"


def test_an_output_that_was_made_up_does_not_count() -> None:
    text = "We compute:\n```python\na = 60 * 3\nprint(a + 6)\n```\n```output\n246\n```\nIt is \\(\\boxed{246}\\)."
    said = answer(text, "steps")
    assert said.final == "186"
    assert said.text == "We compute:\na = 60 * 3 = 180\nAnswer: 186"


def test_a_program_that_was_cut_off_is_not_counted() -> None:
    cut = "```python\neggs = 16 - 3\nanswer = 1"
    assert answer(cut, "program", finish="length").final == ""
    assert answer(f"She has 9.\n{cut}", "steps", finish="length").final != "13"
    assert answer(f"{cut}\n```\nThis is", "program", finish="length").final == "1"
    assert answer(cut, "program").final == "1"


def test_a_fact_is_read_as_it_is() -> None:
    said = answer(" The capital of Norway is Oslo. ", "fact", Operation.SEARCH)
    assert (said.final, said.text) == ("Oslo", "The capital of Norway is Oslo.")
