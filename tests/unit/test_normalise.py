from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.voting.normalise import Boolean, Date, Items, Number, Text, Time, Value, normalise
from services.voting.quantity import quantities, same
from services.voting.words import content_words, names


@pytest.mark.parametrize(
    ("answer", "value", "unit"),
    [
        ("42", "42", None),
        ("1,234,567.5", "1234567.5", None),
        ("-3", "-3", None),
        ("−3", "-3", None),
        ("negative 3", "-3", None),
        ("it is minus three", "-3", None),
        ("12 m^2", "12", "square metre"),
        ("$80,000", "80000", "dollar"),
        ("-$5", "-5", "dollar"),
        ("5 dollars", "5", "dollar"),
        ("$18 per day", "18", "dollar/day"),
        ("15%", "15", "percent"),
        ("15 per cent", "15", "percent"),
        ("3/4", "0.75", None),
        ("1 1/2 cups", "1.5", None),
        ("½", "0.5", None),
        ("forty-two", "42", None),
        ("one hundred and five", "105", None),
        ("two thousand three hundred", "2300", None),
        ("a dozen", "12", None),
        ("one", "1", None),
        ("2.5 million", "2500000", None),
        ("6.02e23", "6.02e23", None),
        ("3 × 10^8 m/s", "3e8", "metre/second"),
        ("3 × 10⁸", "3e8", None),
        ("60 mph", "60", "mile/hour"),
        ("100 degrees Celsius", "100", "celsius"),
        ("100°C", "100", "celsius"),
        ("12 square feet", "12", "square foot"),
        ("about 42 apples", "42", None),
        ("5k", "5000", None),
        ("$5K", "5000", "dollar"),
        ("1.5M", "1500000", None),
        ("300K", "300", "kelvin"),
        ("half", "0.5", None),
        ("a quarter", "0.25", None),
        ("three quarters", "0.75", None),
        ("one half of it", "0.5", None),
        ("two and a half hours", "2.5", "hour"),
        ("2 and a half million", "2500000", None),
        ("half an hour", "0.5", "hour"),
        ("1 hour and 30 minutes", "90", "minute"),
        ("5 feet 3 inches", "63", "inch"),
        ("-1 hour 30 minutes", "-90", "minute"),
        ("x = 5", "5", None),
        ("No. 7", "7", None),
    ],
)
def test_numbers(answer: str, value: str, unit: str | None) -> None:
    assert normalise(answer) == Number(Decimal(value), unit)


@pytest.mark.parametrize(
    ("answer", "value"),
    [
        ("July 4, 1776", Date(1776, 7, 4)),
        ("4th of July 1776", Date(1776, 7, 4)),
        ("1776-07-04", Date(1776, 7, 4)),
        ("on July 4", Date(None, 7, 4)),
        ("July 1776", Date(1776, 7, None)),
        ("Yes", Boolean(value=True)),
        ("no, it is not", Boolean(value=False)),
        ("False.", Boolean(value=False)),
        ("red, blue, and yellow", Items(frozenset({"red", "blue", "yellow"}))),
        ("Hydrogen and oxygen", Items(frozenset({"hydrogen", "oxygen"}))),
        ("2, 3, 5 and 7", Items(frozenset({"2", "3", "5", "7"}))),
        ("The São Paulo", Text(frozenset({"sao", "paulo"}), frozenset({"sao", "paulo"}))),
        ("no one", Text(frozenset({"one"}), negated=True)),
        ("it was 5 km and 1,000 miles", Items(frozenset({"5 kilometre", "1000 mile"}))),
        ("25π", Text(frozenset(), terms=frozenset({"25π"}))),
        ("y = 3x + 2", Text(frozenset({"y"}), terms=frozenset({"3x+2"}))),
        ("x² - 1", Text(frozenset(), terms=frozenset({"x^2-1"}))),
        ("3:30 PM", Time(frozenset({(3, 30), (15, 30)}))),
        ("12 a.m.", Time(frozenset({(12, 0), (0, 0)}))),
        ("at 15:30", Time(frozenset({(15, 30)}))),
        (
            "No. 7 Downing",
            Text(frozenset({"number", "downing"}), frozenset({"downing"}), frozenset({Number(Decimal(7))})),
        ),
        (
            "99 July 1776",
            Text(frozenset({"july"}), frozenset({"july"}), frozenset({Number(Decimal(99)), Number(Decimal(1776))})),
        ),
    ],
)
def test_other_types(answer: str, value: Value) -> None:
    assert normalise(answer) == value


@pytest.mark.parametrize("text", ["the 21st", "2x", "25π", "√5", "x^2", "3n + c", "CO2", "H2O", "x1", "v1.2.3 beta"])
def test_figures_inside_words_are_no_numbers(text: str) -> None:
    assert [q.value for q in quantities(text) if q.value != Decimal("1.2")] == []


def test_quantities_stand_where_they_are_found() -> None:
    text = "From $5 to twenty-one miles, then 3/4."
    assert [text[q.start : q.end] for q in quantities(text)] == ["$5", "twenty-one miles", "3/4"]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("He ate 5 and a third of them ate 3", [5, 3]),
        ("half of them ate 3", [3]),
        ("10 minus 3", [10, 3]),
        ("ten minus three", [10, 3]),
        ("10-3", [10, 3]),
        ("5 - 3", [5, 3]),
        ("two and three", [2, 3]),
        ("5/0", [5]),
    ],
)
def test_arithmetic_is_not_one_number(text: str, values: list[int]) -> None:
    assert [q.value for q in quantities(text)] == values


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ("0.33", "0.3333", True),
        ("3.14", "3.14159", True),
        ("5", "5.2", False),
        ("0.01", "0.014", False),
        ("5", "5.00", True),
    ],
)
def test_rounded_values_are_the_same_if_precise_enough(a: str, b: str, *, expected: bool) -> None:
    assert same(Decimal(a), Decimal(b)) is same(Decimal(b), Decimal(a)) is expected


def test_names_leave_out_the_capital_of_a_sentence() -> None:
    assert names("The river that flows through Cairo is called Nile. NASA says so to everyone.") == {
        "cairo",
        "nile",
        "nasa",
    }


def test_content_words_are_folded_and_singular() -> None:
    assert content_words("The Émigré’s cats, buses and the glass") == {"emigre", "cat", "buse", "glass"}


@given(st.text())
def test_no_text_is_too_wild(text: str) -> None:
    assert normalise(text) == normalise(text)


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12, places=3))
def test_every_figure_is_read_back(value: Decimal) -> None:
    assert normalise(f"{value:,f}") == Number(value)


@given(st.text("0123456789eE+-.,/ ×^10⁸$%½", max_size=60))
def test_no_figure_is_too_wild(text: str) -> None:
    for quantity in quantities(text):
        assert quantity.value.is_finite()
        assert 0 <= quantity.start < quantity.end <= len(text)
