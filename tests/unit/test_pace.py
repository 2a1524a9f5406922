"""How much of a prompt goes beside someone who reads."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.pace import FIRST_TOKENS, SLOWER, Pace


@given(base=st.floats(0.001, 1.0), per_token=st.floats(0.0001, 0.1), rows=st.integers(1, 8))
def test_a_step_with_a_prompt_becomes_as_long_as_it_may_be(base: float, per_token: float, rows: int) -> None:
    pace = Pace()
    for _ in range(20):
        pace.took(0, base)
    seconds = 0.0
    for _ in range(30):
        tokens = pace.tokens(rows)
        assert tokens >= 1
        seconds = base + tokens * per_token
        pace.took(tokens, seconds)
    assert seconds <= SLOWER * base + 1e-9 or tokens <= 4
    assert seconds >= min(1.4, SLOWER) * base or (tokens + 5) * per_token > (SLOWER - 1) * base or tokens > 100


def read_in(steps: int, *, held_up: int) -> int:
    """Count what is read where one step in so many (0: none) takes four times as long, since others use the cores."""
    pace, read = Pace(), 0
    for step in range(1, steps + 1):
        slower = 4 if held_up and step % held_up == 0 else 1
        pace.took(0, 0.02 * slower)
        tokens = pace.tokens(1)
        read += tokens
        pace.took(tokens, (0.02 + 0.0035 * tokens) * slower)
    return read


@pytest.mark.parametrize("held_up", [3, 5, 8])
def test_a_step_that_others_held_up_does_not_slow_the_reading_down(held_up: int) -> None:
    assert read_in(240, held_up=held_up) > 0.8 * read_in(240, held_up=0)


def test_with_nothing_known_it_begins_small() -> None:
    pace = Pace()
    assert pace.tokens(1) <= FIRST_TOKENS
    pace.took(7, 0.1)
    assert pace.tokens(1) <= FIRST_TOKENS


def test_whole_rows_of_four_are_filled() -> None:
    assert [(decoding + Pace().tokens(decoding)) % 4 for decoding in range(1, 6)] == [0] * 5
