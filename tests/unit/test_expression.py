from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.voting.expression import expressions, plain


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("The derivative is 2x.", ["2x"]),
        ("3 * x + 2", ["3x+2"]),
        ("y = 3x + 2", ["3x+2"]),
        ("f(x) = x²", ["x^2"]),
        ("2 x^2 and x**2", ["x^2", "x^2"]),
        (r"\sqrt{5}", ["√5"]),
        ("sqrt(2)/2", ["√2/2"]),
        ("25 pi cm", ["25π"]),
        ("5!", ["5!"]),
        ("2^5", ["2^5"]),
    ],
)
def test_expressions(text: str, said: list[str]) -> None:
    assert [expression.said for expression in expressions(plain(text))] == said


@pytest.mark.parametrize(
    "text",
    [
        *(
            "5 m/s",
            "60 km/h",
            "3 × 10^8 m/s",
            "84 cm²",
            "5k",
            "5m",
            "the 1990s",
            "3/4",
            "12-5",
            "12:30",
            "(2, 3)",
            "x = 5",
        ),
        *("H2O", "CO2", "A/B", "n/a", "e.g. 5", "vitamin b 5", "well-known", "Yes!", "x > 3", "10^6"),
    ],
)
def test_numbers_units_and_words_are_none(text: str) -> None:
    assert expressions(plain(text)) == []


@given(st.text("0123456789xyab.π√()^!+-*/ =²", max_size=60))
def test_they_stand_where_they_are_found(text: str) -> None:
    text = plain(text)
    ends = [0] + [end for expression in expressions(text) for end in (expression.start, expression.end)] + [len(text)]
    assert ends == sorted(ends)
