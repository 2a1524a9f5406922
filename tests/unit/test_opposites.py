from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.voting.opposites import opposed


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("It is odd.", "It is EVEN."),
        ("x >= 3", "x ≤ 3"),
        ("3am", "3 p.m."),
        ("2 weeks ago", "in a week"),
        ("clockwise", "counter-clockwise"),
        ("rational", "irrational"),
        ("44 BC", "AD 44"),
    ],
)
def test_opposites(a: str, b: str) -> None:
    assert opposed(a, b)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("It is odd.", "It is."),
        ("less of this, more of that", "more of this"),
        ("evening", "oddly"),
        ("3 pm", "at 3 p.m."),
        ("in 3 steps", "3 days ago"),
    ],
)
def test_what_is_on_no_side_or_both_is_no_opposite(a: str, b: str) -> None:
    assert not opposed(a, b)


@given(st.text(), st.text())
def test_symmetric_and_irreflexive(a: str, b: str) -> None:
    assert opposed(a, b) == opposed(b, a)
    assert not opposed(a, a)
