"""How large a step's batch is."""

from __future__ import annotations

import pytest

from models.batch import MAX_LONE_TOKENS, batch_tokens, lone_tokens, padding_rows


@pytest.mark.parametrize(
    ("parameters", "sequences", "gpu_layers", "tokens"),
    [
        (135_000_000, 8, 0, 128),
        (494_000_000, 8, 0, 128),
        (700_000_000, 8, 0, 88),
        (1_540_000_000, 8, 0, 64),
        (8_000_000_000, 8, 0, 64),
        (8_000_000_000, 8, 99, 512),
        (8_000_000_000, 49, 0, 100),
        (0, 8, 0, 128),
    ],
)
def test_a_step_is_smaller_for_larger_models(parameters: int, sequences: int, gpu_layers: int, tokens: int) -> None:
    assert batch_tokens(parameters, sequences, gpu_layers) == tokens


@pytest.mark.parametrize("sequences", range(1, 200))
def test_a_step_holds_a_token_of_each_sequence_more_and_the_padding(sequences: int) -> None:
    tokens = batch_tokens(7_000_000_000, sequences, 0)
    assert tokens >= 2 * sequences
    assert tokens + padding_rows(tokens) == tokens


@pytest.mark.parametrize(
    ("rows", "added"), [(1, 0), (2, 0), (3, 0), (4, 0), (5, 0), (6, 2), (7, 1), (8, 0), (9, 0), (14, 2), (63, 1)]
)
def test_rows_are_added_where_that_is_faster(rows: int, added: int) -> None:
    assert padding_rows(rows) == added


def test_a_step_that_delays_nobody_is_larger_where_the_model_is_small() -> None:
    assert lone_tokens(500_000_000, 128) == MAX_LONE_TOKENS
    assert lone_tokens(1_600_000_000, 64) == 200
    assert lone_tokens(8_000_000_000, 64) == 64
