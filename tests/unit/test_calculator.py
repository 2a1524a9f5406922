from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.voting.calculator import MAX_CHARS, calculate

STATED = {
    "15% of 240": "36",
    "What is 17 times 6?": "102",
    "compute 8 multiplied by 14": "112",
    "Subtract 214 from 783.": "569",
    "30 subtracted from 100": "70",
    "Please divide 1,000 by 8": "125",
    "divide 8 by 1/2": "16",
    "add 10 to 96": "106",
    "add 1,250 and 3,000": "4250",
    "Add 3, 4 and 5 together": "12",
    "multiply twelve by eight": "96",
    "increase 80 by 15%": "92",
    "reduce 80 by 15 percent": "68",
    "What is 20% off 50?": "40",
    "5% of 20% of 1000": "10",
    "what is 12 squared?": "144",
    "10 squared plus 5": "105",
    "the square root of 144": "12",
    "square root of 2": "1.4142135624",
    "2 to the power of 10": "1024",
    "2^10 - 24": "1000",
    "3^64": "3433683820292512484657849089281",
    "2+3*4": "14",
    "10 - 5 - 3": "2",
    "12-5": "7",
    "100 / 10 / 2": "5",
    "(2 + 3) × 4 =": "20",
    "-3 + 5": "2",
    "half of 90": "45",
    "twice 21": "42",
    "a quarter of 60": "15",
    "What's 3/4 of 80?": "60",
    "3/4 + 1/4": "1",
    "twenty-five percent of eighty": "20",
    "What is the sum of 12 and 30?": "42",
    "the difference between 9 and 14": "5",
    "the product of 4 and 25": "100",
    "the quotient of 84 and 7": "12",
    "the average of 3, 4 and 8": "5",
    "the remainder when 17 is divided by 5": "2",
    "30 less than 100": "70",
    "12 more than 30": "42",
    "100 divided by 8 minus 2": "10.5",
    "What is 0.1 + 0.2?": "0.3",
    "10 / 4": "2.5",
    "1 / 3": "0.3333333333",
    "multiply 3.3333333333 by 3": "10",
    "1 divided by 10000000": "0.0000001",
    "$1,250 plus $3.50": "1253.5",
    "2 million plus 3 thousand": "2003000",
    "two thirds of 90": "60",
    "three quarters of 80": "60",
    "What is one half of 50?": "25",
    "two and a half times 4": "10",
    "2 1/2 times 4": "10",
    "add 2 1/2 and 1 1/2": "4",
    "3/4 divided by 1/2": "1.5",
    "What is 3 divided by 1/4?": "12",
    "What is 3/4 ÷ 1/2?": "1.5",
    "50 increased by 20%": "60",
    "What is 50 decreased by 20 percent?": "40",
    "What is 12 less 5?": "7",
    "add 10 to -5": "5",
    "subtract 4 from negative five": "-9",
    "multiply -4 by -3": "12",
    "What is 100/4?": "25",
    "What is 50/20?": "2.5",
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
    "3/0 of 5",
    "9^9^9",
    "0 to the power of -1",
    "sqrt(-4)",
    "1 + " * 100 + "1",
    "What is " + "1 more than " * 12 + "1?",
)
IN_TWO_WAYS = (
    "the sum of 3 and 4 times 5",
    "What is 5 less than 3 times 4?",
    "What is 3 times 4 less than 20?",
    "6 times 4 subtracted from 30",
    "What is 6 less than 10 squared?",
    "What is 3 divided by 100/4?",
    "100 less 10%",
    "50 increased by 20% of 10 squared",
    "2/3 cubed",
    "27^1/3",
    "Multiply 2 by 3 plus 4",
    "divide 100 by 5 plus 5",
    "add 5 and 3 times 2",
    "subtract 4 from 10 times 2",
    "add 5 to 10 and multiply by 2",
    "-5 squared",
    "-2^2",
    "square root of 9 plus 16",
    "half of 10 squared",
    "20% of 10 squared",
    "100/10/2",
    "add 100,200 and 300",
    "average of 100,200,300 and 400",
    "$5 + €3",
)
NAMES_AND_NUMBERS = (
    "What is 2024-05-03?",
    "What is 555-123-4567?",
    "What is 1914-1918?",
    "What is 9/11?",
    "What is 24/7",
    "What is 7-Eleven?",
    "what is seven-eleven",
    "What is 50/50?",
    "what's 20/20",
    "What are the 80/20 rule?",
    "What is 10-4?",
    "What is 1/2/2024?",
    "What is 4-4-2?",
    "5-10% of 200",
    "978-0-13-468599-1",
    "What is 2 * 5!",
    "0x10 + 1",
)


@pytest.mark.parametrize(("text", "value"), STATED.items())
def test_what_is_stated_is_computed(text: str, value: str) -> None:
    assert calculate(text) == value


@pytest.mark.parametrize("text", [*NO_SUMS, *IN_TWO_WAYS, *NAMES_AND_NUMBERS])
def test_what_is_no_sum_or_not_one_sum_is_left_alone(text: str) -> None:
    assert calculate(text) is None


@pytest.mark.timeout(20)  # some hundredths of a second each; where readings multiply it would be days
@pytest.mark.parametrize(
    "unit", ["1 more than ", "1 + ", "half of ", "the sum of 1 and ", "(", "-", "what is ", "1/2 "]
)
def test_repetition_does_not_explode(unit: str) -> None:
    calculate((unit * 200)[: MAX_CHARS - 2] + "1")


NUMBERS = st.integers(0, 10**6)


@given(NUMBERS, NUMBERS, st.sampled_from(["+", "-", "*"]))
def test_two_numbers(a: int, b: int, sign: str) -> None:
    expected = {"+": a + b, "-": a - b, "*": a * b}[sign]
    assert calculate(f"What is {a} {sign} {b}?") == str(expected)


@given(NUMBERS, st.integers(1, 10**6))
def test_a_quotient_is_exact_to_ten_decimals(a: int, b: int) -> None:
    value = calculate(f"divide {a} by {b}")
    assert value is not None
    assert abs(Fraction(value) - Fraction(a, b)) <= Fraction(1, 2 * 10**10)


@given(st.text(max_size=80))
def test_wild_text_never_fails(text: str) -> None:
    calculate(text)


@given(st.text(alphabet="0123456789+-*/^().% ofadntwice", max_size=40))
def test_sums_gone_wrong_never_fail(text: str) -> None:
    calculate(text)
