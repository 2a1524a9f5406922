import math
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.engine import Request, turns
from models.sampling import LogitsError, sample

PROBABILITIES = np.array([0.05, 0.4, 0.3, 0.15, 0.1])
LOGITS = np.log(PROBABILITIES).astype(np.float32) + 3


def request(temperature: float, **options: float) -> Request:
    free = {"top_p": 1.0, "top_k": 0, "min_p": 0.0}
    values = {"temperature": temperature, **free, **options}
    return Request(model=Path(), messages=turns("", ""), max_tokens=1, **values)  # type: ignore[arg-type]


def drawn(of: Request, count: int = 4000) -> dict[int, float]:
    random = np.random.default_rng(1)
    tokens = Counter(sample(LOGITS, of, random)[0] for _ in range(count))
    return {token: tokens[token] / count for token in sorted(tokens)}


def test_temperature_zero_takes_the_likeliest() -> None:
    token, logprob = sample(LOGITS, request(0.0), np.random.default_rng(0))
    assert token == 1
    assert logprob == pytest.approx(math.log(0.4))


@pytest.mark.parametrize("temperature", [0.0, 1.0])
@pytest.mark.parametrize("wrong", [[0.5, np.nan], [np.nan, np.nan], [0.5, np.inf], [-np.inf, -np.inf]])
def test_logits_that_are_no_numbers_are_an_error(wrong: list[float], temperature: float) -> None:
    with pytest.raises(LogitsError):
        sample(np.array(wrong, np.float32), request(temperature), np.random.default_rng(0))


def test_a_token_may_be_impossible() -> None:
    logits = np.array([-np.inf, 0.0, 0.0], np.float32)
    token, logprob = sample(logits, request(0.0), np.random.default_rng(0))
    assert token == 1
    assert logprob == pytest.approx(math.log(0.5))


def test_temperature_one_draws_the_models_distribution() -> None:
    assert drawn(request(1.0)) == pytest.approx(dict(enumerate(PROBABILITIES)), abs=0.03)


def test_a_low_temperature_sharpens() -> None:
    sharp = PROBABILITIES**2 / np.sum(PROBABILITIES**2)
    assert drawn(request(0.5)) == pytest.approx(dict(enumerate(sharp)), abs=0.03)


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ({"top_k": 2}, [1, 2]),
        ({"top_k": 99}, [0, 1, 2, 3, 4]),
        ({"top_p": 0.39}, [1]),
        ({"top_p": 0.5}, [1, 2]),
        ({"top_p": 0.71}, [1, 2, 3]),
        ({"min_p": 0.2}, [1, 2, 3, 4]),
        ({"min_p": 0.3}, [1, 2, 3]),
        ({"top_k": 3, "top_p": 0.8}, [1, 2]),  # of the three's mass of 0.85, two hold 0.82
        ({"min_p": 1.0}, [1]),
    ],
)
def test_cuts_keep_the_likeliest(options: dict[str, float], kept: list[int]) -> None:
    assert list(drawn(request(1.0, **options), count=1000)) == kept


@given(
    values=st.lists(st.floats(-100, 100, width=32), min_size=1, max_size=50),
    temperature=st.floats(0, 5),
    cuts=st.fixed_dictionaries({"top_k": st.integers(0, 60), "top_p": st.floats(0.01, 1), "min_p": st.floats(0, 1)}),
    seed=st.integers(0, 2**32),
)
def test_any_draw_is_a_token_with_its_untempered_probability(
    values: list[float], temperature: float, cuts: dict[str, float], seed: int
) -> None:
    logits = np.array(values, np.float32)
    of = request(temperature, **cuts)
    token, logprob = sample(logits, of, np.random.default_rng(seed))
    exact = logits.astype(np.float64)
    assert logprob == pytest.approx(min(0.0, exact[token] - np.logaddexp.reduce(exact)), abs=1e-4)
    assert (token, logprob) == sample(logits, of, np.random.default_rng(seed))


@given(st.integers(0, 2**32), st.integers(1, 80), st.floats(0.1, 1))
def test_the_likeliest_of_a_large_vocabulary_are_found(seed: int, top_k: int, spread: float) -> None:
    random = np.random.default_rng(seed)
    logits = np.round(random.normal(0, 10 * spread, 20_000), 2).astype(np.float32)  # rounded, so that there are ties
    likeliest = np.lexsort((np.arange(logits.size), -logits))[:top_k]
    found = {sample(logits, request(5.0, top_k=top_k), random)[0] for _ in range(20)}
    assert found <= set(likeliest.tolist())


def test_a_penalty_makes_recent_tokens_less_likely_and_leaves_the_log_probability() -> None:
    logits = np.array([2.0, 1.9, -1.0], np.float32)
    of = request(0.0, repeat_penalty=1.5)
    recent = np.array([0, 0, 2], np.int32)
    token, logprob = sample(logits, of, np.random.default_rng(0), recent)
    assert token == 1
    assert logprob == pytest.approx(1.9 - np.logaddexp.reduce(logits.astype(np.float64)))
    assert logits.tolist() == pytest.approx([2.0, 1.9, -1.0])
    assert sample(logits, of, np.random.default_rng(0), np.array([1] + [2] * 64, np.int32))[0] == 0  # 65 tokens ago


def test_tokens_that_cannot_be_are_never_drawn() -> None:
    logits = np.array([-np.inf, 0.0, -np.inf, 0.0], np.float32)
    random = np.random.default_rng(0)
    assert {sample(logits, request(2.0), random)[0] for _ in range(50)} == {1, 3}


def test_requests_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match="a request must have temperature >= 0, 0 < top_p <= 1"):
        request(-1.0, top_p=0.0)
    with pytest.raises(ValueError, match="no empty stop string"):
        Request(model=Path(), messages=turns("", ""), max_tokens=1, stop=("",))
    with pytest.raises(ValueError, match="a grammar that is neither blank nor holds NUL"):
        Request(model=Path(), messages=turns("", ""), max_tokens=1, grammar=" ")
