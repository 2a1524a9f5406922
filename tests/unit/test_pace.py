"""How much of a prompt goes beside someone who reads."""

from hypothesis import given
from hypothesis import strategies as st

from models.pace import FIRST_TOKENS, SLOWER, Pace


@given(base=st.floats(0.001, 1.0), each=st.floats(0.0001, 0.1), rows=st.integers(1, 8))
def test_a_step_with_a_prompt_becomes_as_long_as_it_may_be(base: float, each: float, rows: int) -> None:
    pace = Pace()
    for _ in range(20):
        pace.took(0, base)
    seconds = 0.0
    for _ in range(30):
        tokens = pace.tokens(rows)
        assert tokens >= 1
        seconds = base + tokens * each
        pace.took(tokens, seconds)
    assert seconds <= SLOWER * base + 1e-9 or tokens <= 4
    assert seconds >= min(1.4, SLOWER) * base or (tokens + 5) * each > (SLOWER - 1) * base or tokens > 100


def test_with_nothing_known_it_begins_small() -> None:
    pace = Pace()
    assert pace.tokens(1) <= FIRST_TOKENS
    pace.took(7, 0.1)
    assert pace.tokens(1) <= FIRST_TOKENS


def test_whole_rows_of_four_are_filled() -> None:
    assert [(decoding + Pace().tokens(decoding)) % 4 for decoding in range(1, 6)] == [0] * 5
