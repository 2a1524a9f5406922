from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.voting.calculator import calculate

STATED = {
    "15% of 240": "36",
    "What is 17 times 6?": "102",
    "compute 8 multiplied by 14": "112",
    "Subtract 214 from 783.": "569",
    "Please divide 1,000 by 8": "125",
    "add 10 to 96": "106",
    "Add 3, 4 and 5 together": "12",
    "multiply twelve by eight": "96",
    "increase 80 by 15%": "92",
    "reduce 80 by 15 percent": "68",
    "What is 20% off 50?": "40",
    "what is 12 squared?": "144",
    "the square root of 144": "12",
    "square root of 2": "1.414214",
    "2 to the power of 10": "1024",
    "2^10 - 24": "1000",
    "2+3*4": "14",
    "(2 + 3) × 4 =": "20",
    "-3 + 5": "2",
    "half of 90": "45",
    "a quarter of 60": "15",
    "What's 3/4 of 80?": "60",
    "twenty-five percent of eighty": "20",
    "What is the sum of 12 and 30?": "42",
    "the difference between 9 and 14": "5",
    "the product of 4 and 25": "100",
    "the average of 3, 4 and 8": "5",
    "the remainder when 17 is divided by 5": "2",
    "30 less than 100": "70",
    "100 divided by 8 minus 2": "10.5",
    "What is 0.1 + 0.2?": "0.3",
    "10 / 4": "2.5",
    "1 / 3": "0.333333",
    "$1,250 plus $3.50": "1253.5",
    "2 million plus 3 thousand": "2003000",
}
NO_SUMS = (
    "",
    "Who wrote Emma?",
    "what is 5",
    "1984",
    "add 12 apples and 5 apples",
    "Baker made 19 cakes and sold 7. How many are left?",
    "twelve miles plus three",
    "convert 5 km to miles",
    "10 / 0",
    "9^9^9",
    "0 to the power of -1",
    "sqrt(-4)",
    "the sum of 3 and 4 times 5",  # 35 or 23
    "1 + " * 100 + "1",
)


@pytest.mark.parametrize(("text", "value"), STATED.items())
def test_what_is_stated_is_computed(text: str, value: str) -> None:
    assert calculate(text) == value


@pytest.mark.parametrize("text", NO_SUMS)
def test_what_is_no_sum_or_not_one_sum_is_left_alone(text: str) -> None:
    assert calculate(text) is None


NUMBERS = st.integers(0, 10**6)


@given(NUMBERS, NUMBERS, st.sampled_from(["+", "-", "*"]))
def test_two_numbers(a: int, b: int, sign: str) -> None:
    expected = {"+": a + b, "-": a - b, "*": a * b}[sign]
    assert calculate(f"What is {a} {sign} {b}?") == str(expected)


@given(NUMBERS, st.integers(1, 10**6))
def test_a_quotient_is_exact_to_six_decimals(a: int, b: int) -> None:
    value = calculate(f"divide {a} by {b}")
    assert value is not None
    assert abs(Fraction(value) - Fraction(a, b)) <= Fraction(1, 2 * 10**6)


@given(st.text(max_size=80))
def test_wild_text_never_fails(text: str) -> None:
    calculate(text)


@given(st.text(alphabet="0123456789+-*/^().% ofadntwice", max_size=40))
def test_sums_gone_wrong_never_fail(text: str) -> None:
    calculate(text)
