from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kinds.reading.options import Options, find_options, read_option
from services.kinds.table import kind_of

COLOURS = "Which one is the colour of blood?\nOptions:\n(A) red\n(B) blue\n(C) green"


@pytest.mark.parametrize(
    ("request_", "names"),
    [
        (COLOURS, ["A", "B", "C"]),
        ("What is 2+2?\nA. 3\nB. 4", ["A", "B"]),
        ("Pick one: (A) tea, (B) coffee or (C) water?", ["A", "B", "C"]),
        ("Is it so?\nOptions:\n- Yes\n- No", ["Yes", "No"]),
        ("Is the argument valid or invalid?", ["valid", "invalid"]),
        ("True or false: the Sun is a star.", ["true", "false"]),
        ("not ( True ) and ( False ) is", ["True", "False"]),
        ("Is the Sun a star?", ["yes", "no"]),
        ("Ann lies. Ben says Ann lies. Does Ben tell the truth?", ["yes", "no"]),
        ('Is this sentence plausible? "He scored a goal."', ["yes", "no"]),
    ],
)
def test_options_are_found(request_: str, names: list[str]) -> None:
    options = find_options(request_)
    assert options is not None
    assert [name for name, _ in options.named] == names


@pytest.mark.parametrize(
    "request_",
    [
        "Who wrote Emma?",
        "Is it tea or coffee?",
        "Can you help me?",
        "Do you like tea?",
        "A. Smith wrote to B. Jones.",
        "",
    ],
)
def test_no_options_are_found(request_: str) -> None:
    assert find_options(request_) is None


@pytest.mark.parametrize(
    ("text", "final"),
    [
        ("(B)", "(B)"),
        ("B", "(B)"),
        ("The answer is (C).", "(C)"),
        ("It is not (A). So it is (B) blue.\nAnswer: (B)", "(B)"),
        (r"\boxed{C}", "(C)"),
        ("Answer: **A**", "(A)"),
        ("Blood is red.", "(A)"),
        ("I cannot tell.", ""),
    ],
)
def test_the_option_that_an_answer_names(text: str, final: str) -> None:
    options = find_options(COLOURS)
    assert options is not None
    assert read_option(text, options) == final


@pytest.mark.parametrize(
    ("text", "final"),
    [
        ("Yes, it is.", "yes"),
        ("No.", "no"),
        ("Let us see. 17 has no divisor but 1. Answer: yes", "yes"),
        ("Step 1: no.\nStep 2: yes.\nSo the answer is no.", "no"),
    ],
)
def test_yes_and_no_are_read(text: str, final: str) -> None:
    assert read_option(text, Options.YES_NO) == final


@given(st.text())
def test_no_text_is_too_wild(text: str) -> None:
    options = find_options(text) or Options.YES_NO
    assert isinstance(read_option(text, options), str)
    kind_of(text)
