from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.voting.equivalence import equivalent

SAME = [
    ("1,000", "1000"),
    ("3/4", "0.75"),
    ("1/3", "0.33"),
    ("$5", "5 dollars"),
    ("15%", "15 percent"),
    ("five", "5"),
    ("-5", "minus five"),
    ("12 m^2", "12 square meters"),
    ("84 cm²", "84 cm^2"),
    ("84", "84 cm^2"),
    ("Washington, D.C.", "Washington DC"),
    ("J.R.R. Tolkien", "J. R. R. Tolkien"),
    ("12:30 PM", "12:30 p.m."),
    ("3:4", "The ratio is 3 : 4"),
    ("vitamin A", "It is Vitamin A."),
    ("18", "$18"),
    ("$18", "$18 per day"),
    ("5 apples", "5"),
    ("3 × 10^8 m/s", "300,000,000 meters per second"),
    ("8", "There are 8 planets in the solar system"),
    ("1945", "World War II ended in 1945"),
    ("Shakespeare", "William Shakespeare"),
    ("the Sahara Desert", "Sahara"),
    ("São Paulo", "Sao Paulo"),
    ("H₂O", "h2o"),
    ("CO2", "Carbon dioxide (CO2)"),
    ("Plants absorb carbon dioxide", "carbon dioxide"),
    ("July 4, 1776", "4 July 1776"),
    ("1776", "July 4, 1776"),
    ("July 4", "July 4, 1776"),
    ("The bastille fell on 14 July 1789", "July 14, 1789"),
    ("red, blue and yellow", "Yellow, red, and blue"),
    ("red, blue and yellow", "they are the colours red, blue and then yellow"),
    ("Yes", "yes, it is"),
    ("", " "),
    (
        "Tea holds less caffeine than coffee and tastes milder",
        "Coffee holds more caffeine than tea, which tastes milder; tea holds less",
    ),
]

DIFFERENT = [
    ("5", "6"),
    ("5", "-5"),
    ("5", "negative 5"),
    ("3:4", "4:3"),
    ("vitamin A", "vitamin C"),
    ("Type A", "Type B"),
    ("84 cm²", "84 cm"),
    ("5 km", "5 miles"),
    ("5 dollars per day", "5 dollars per week"),
    ("$5", "5%"),
    ("5", "5.2"),
    ("two and three", "5"),
    ("Yes", "No"),
    ("Yes", "Paris"),
    ("July 4, 1776", "July 5, 1776"),
    ("1775", "July 4, 1776"),
    ("William Shakespeare", "Christopher Marlowe"),
    ("South Korea", "North Korea"),
    ("vitamin D", "vitamin C"),
    ("World War I", "World War II"),
    ("hydrogen and oxygen", "hydrogen"),
    ("The capital of Australia is Sydney", "The capital of Australia is Canberra"),
    ("It is possible", "It is not possible"),
    ("The war ended in 1945 in Europe", "The war ended in 1918 in Europe"),
    ("!", "?"),
]


@pytest.mark.parametrize(("a", "b"), SAME)
def test_says_the_same(a: str, b: str) -> None:
    assert equivalent(a, b)
    assert equivalent(b, a)


@pytest.mark.parametrize(("a", "b"), DIFFERENT)
def test_says_something_else(a: str, b: str) -> None:
    assert not equivalent(a, b)
    assert not equivalent(b, a)


_PIECES = st.sampled_from(
    "Paris London the a no not and , ; 1945 5 5.0 five $ % km July 4 Yes never red blue 1/2 of\n"
    "Marie Curie Pierre".replace("\n", " ").split(" ")
)
answers = st.one_of(st.text(max_size=40), st.lists(_PIECES, max_size=7).map(" ".join))


@given(answers)
def test_reflexive(a: str) -> None:
    assert equivalent(a, a)
    assert equivalent(a, f" {a} ")


@given(answers, answers)
def test_symmetric(a: str, b: str) -> None:
    assert equivalent(a, b) == equivalent(b, a)


@given(st.integers(-(10**9), 10**9), st.integers(-(10**9), 10**9))
def test_whole_numbers_are_the_same_only_if_equal(a: int, b: int) -> None:
    assert equivalent(f"{a:,}", str(b)) == (a == b)


@given(st.lists(_PIECES, max_size=7).map(" ".join), st.integers(100, 199), st.integers(200, 299))
def test_texts_with_different_numbers_never_merge(text: str, a: int, b: int) -> None:
    assert not equivalent(f"{text} with {a} in all", f"{text} with {b} in all")
