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
    ("$0.75", "75 cents"),
    ("2 hours", "120 minutes"),
    ("1 hour 30 minutes", "90 minutes"),
    ("1 hour and 30 minutes", "1.5 hours"),
    ("1 km", "1000 m"),
    ("3:30 PM", "15:30"),
    ("3 PM", "3:00 PM"),
    ("3 pm", "3 p.m."),
    ("3", "3 PM"),
    ("3:30", "3:30 PM"),
    ("1.5M", "1.5 million"),
    ("5k", "5000"),
    ("$5k", "$5,000"),
    ("half", "0.5"),
    ("one half", "1/2"),
    ("two-thirds", "0.67"),
    ("two-thirds", "2/3"),
    ("three quarters", "0.75"),
    ("two and a half", "2.5"),
    ("2 and a half hours", "150 minutes"),
    ("half an hour", "30 minutes"),
    ("3x+2", "3x + 2"),
    ("x = 5", "5"),
    ("y=5", "5"),
    ("x^2", "x²"),
    ("x**2", "x^2"),
    ("2*x", "2x"),
    ("√5", "sqrt(5)"),
    ("25π", "25 pi"),
    ("25π", "25π square cm"),
    ("25π cm²", "25π"),
    ("x=2, y=3", "x = 2, y = 3"),
    ("x = 2 and y = 3", "x=2, y=3"),
    ("x=2, y=3", "y=3, x=2"),
    ("x > 3", "x is greater than 3"),
    ("3-2", "3 - 2"),
    ("won 3-2", "3-2"),
    ("3-2", "3 to 2"),
    ("No. 7", "7"),
    ("No. 7", "number 7"),
    ("C++", "the C++ language"),
    ("AB+", "type AB+"),
    ("South Korea", "the South Korea"),
    ("Seoul", "Seoul, South Korea"),
    ("2x", "The derivative is 2x"),
    ("f(x) = 2x", "2x"),
    ("y = 3x + 2", "3x + 2"),
    ("the 1990s", "1990s"),
    ("3/4 cup", "0.75 cups"),
    ("6 feet 2 inches", "74 inches"),
    ("10 m/s", "36 km/h"),
    ("1 square metre", "10000 square cm"),
    ("7 days", "1 week"),
    ("2 years", "24 months"),
    ("5 kg", "5000 grams"),
    ("2 l", "2000 ml"),
    ("5-10", "5 to 10"),
    ("1,000 - 2,000", "1000 to 2000"),
    ("2 red and 3 blue", "3 blue and 2 red"),
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
    ("17 is prime", "17 is composite"),
    ("17 is even", "17 is odd"),
    ("5% increase", "5% decrease"),
    ("$5 profit", "$5 loss"),
    ("5 years older", "5 years younger"),
    ("less than 5", "more than 5"),
    ("at least 5", "at most 5"),
    ("3 pm", "3 am"),
    ("3 days ago", "in 3 days"),
    ("before 1900", "after 1900"),
    ("2x", "2y"),
    ("3x+2", "3x-2"),
    ("3x + 2", "3x - 2"),
    ("(x+2)(x+3)", "(x-2)(x-3)"),
    ("x>3", "x<3"),
    ("x > 3", "x < 3"),
    ("2x", "2"),
    ("25π", "25"),
    ("√5", "5"),
    ("5!", "5"),
    ("5!", "5!!"),
    ("2^5", "2·5"),
    ("x=2, y=3", "x=3, y=2"),
    ("x = 2, y = 3", "x = 3, y = 2"),
    ("x = 2 and y = 3", "x = 3 and y = 2"),
    ("two-thirds", "2"),
    ("one half", "1"),
    ("C", "C++"),
    ("C++", "C#"),
    ("C", "C#"),
    ("AB+", "AB-"),
    ("A+", "A-"),
    ("won 3-2", "won 2-3"),
    ("3-2", "2-3"),
    ("(2, 3)", "(3, 2)"),
    ("(2,3)", "(3,2)"),
    ("3 to 2", "2 to 3"),
    ("No. 7", "No"),
    ("Virginia", "West Virginia"),
    ("Mexico", "New Mexico"),
    ("Guinea", "Papua New Guinea"),
    ("Korea", "North Korea"),
    ("korea", "North Korea"),
    ("5 hours", "5 minutes"),
    ("1 km", "100 m"),
    ("$0.75", "75%"),
    ("$0.75", "0.75 cents"),
    ("2 hours", "90 minutes"),
    ("3 PM", "3:30 PM"),
    ("3:30 PM", "3:30 AM"),
    ("3:30", "15:30"),
    ("15:30", "3:30 AM"),
    ("5k", "5"),
    ("1.5M", "1.5"),
    ("2x", "x^2"),
    ("5 m", "5 million"),
    ("12:00 AM", "12:00 PM"),
    ("2:3", "3:2"),
    ("x", "y"),
    ("f(x) = 2x", "f(x) = 3x"),
    (">5", "<5"),
    ("2+3", "2-3"),
    ("3x", "-3x"),
    ("x^2", "2x"),
    ("π", "2π"),
    ("√2", "√3"),
    ("Na+", "Na"),
    ("5 km", "5 miles"),
    ("1 lb", "1 kg"),
    ("half", "2"),
    ("one and a half", "1"),
    ("2 and a half", "2"),
    ("300K", "300,000"),
    ("two thirds", "three quarters"),
    ("2 red and 3 blue", "3 red and 2 blue"),
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
    (
        "Paris London the a no not and , ; 1945 5 5.0 five $ % km July 4 Yes never red blue 1/2 of Marie Curie Pierre "
        "more less hours minutes cents 2x x = + 3-2 (2, 3) 3:30 pm am half one-third New C++ √2 5k e999"
    ).split()
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
