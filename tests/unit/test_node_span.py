import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.terms import Operation
from services.node.span import final_span
from services.voting.extract import final_answer


@pytest.mark.parametrize(
    ("text", "operation", "marked"),
    [
        ("42", Operation.MATH, "[42]"),
        ("42\n\nBecause 6 times 7 is 42.", Operation.MATH, "[42]\n\nBecause 6 times 7 is 42."),
        (
            "There are 3 boxes.\n3 - 1 = 2, and 1 + 2 = 3",
            Operation.MATH,
            "There are 3 boxes.\n3 - 1 = 2, and 1 + 2 = [3]",
        ),
        ("12 + 3 = 15\n#### 15", Operation.MATH, "12 + 3 = 15\n#### [15]"),
        (
            "So 13.5 apples, or 1,135; the answer is 135.",
            Operation.MATH,
            "So 13.5 apples, or 1,135; the answer is [135].",
        ),
        (
            "The capital of Norway is Oslo. Oslo is large.",
            Operation.SEARCH,
            "The capital of Norway is [Oslo]. Oslo is large.",
        ),
        ("It was written by  Jane   Austen.", Operation.SEARCH, "It was written by  [Jane   Austen]."),
        (" Two words \n\n of text ", Operation.GENERATE, " [Two words \n\n of text] "),
    ],
)
def test_the_place_that_the_final_answer_was_taken_from(text: str, operation: Operation, marked: str) -> None:
    span = final_span(text, final_answer(text, operation), operation)
    assert span is not None
    start, end = span
    assert f"{text[:start]}[{text[start:end]}]{text[end:]}" == marked


@pytest.mark.parametrize(
    ("text", "final"),
    [
        (r"\boxed{\frac{1}{2}}", "1/2"),
        ("1500 or 150 or 1,15 or 15.5", "15"),
        ("Oslonian", "Oslo"),
        ("text", ""),
        ("", "x"),
    ],
)
def test_what_does_not_stand_there_has_no_place(text: str, final: str) -> None:
    assert final_span(text, final, Operation.MATH) is None


@given(st.text("ab1.,$ \n*", max_size=30), st.sampled_from(Operation))
def test_a_place_holds_the_final_answer(text: str, operation: Operation) -> None:
    final = final_answer(text, operation)
    span = final_span(text, final, operation)
    if span is not None:
        assert text[slice(*span)].split() == final.split()
