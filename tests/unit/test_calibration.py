from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.messages import ModelAnswer
from services.voting.calibration import confidence, trust
from tests.records import said

BIG, SMALL = "qwen2.5-coder-1.5b-instruct-q4_k_m", "qwen2.5-coder-0.5b-instruct-q4_k_m"


def answer(model: str, method: str, logprob: float | None = -0.1, finish: str = "stop") -> ModelAnswer:
    return said("42", model=model, method=method, logprob=logprob, finish=finish)


@pytest.mark.parametrize("method", ["fact", "steps", "program"])
def test_the_larger_model_is_trusted_more(method: str) -> None:
    assert confidence(answer(BIG, method)) > confidence(answer(SMALL, method))


def test_a_file_of_another_type_is_the_same_model() -> None:
    assert confidence(answer(SMALL, "fact")) == confidence(answer("qwen2.5-coder-0.5b-instruct-q4_0", "fact"))


def test_what_is_not_listed_has_a_curve_too() -> None:
    assert 0 < confidence(answer("my-model", "fact")) < 1
    assert 0 < confidence(answer(BIG, "a new method")) < 1


def test_without_a_log_probability_an_answer_is_as_likely_as_one_of_ordinary_fluency() -> None:
    assert confidence(answer(BIG, "fact", None)) == trust(BIG, "fact")


def test_an_answer_that_was_cut_off_is_worth_half() -> None:
    whole, cut = answer(BIG, "steps"), answer(BIG, "steps", finish="length")
    assert confidence(cut) == confidence(whole) / 2


@given(
    st.sampled_from([BIG, SMALL, "", "x"]),
    st.sampled_from(["fact", "sum", "steps", "program", "text", "compare"]),
    st.floats(-1e6, 1),
    st.floats(-1e6, 1),
)
def test_a_more_fluent_answer_is_never_trusted_less(model: str, method: str, a: float, b: float) -> None:
    low, high = sorted((a, b))
    assert 0 <= confidence(answer(model, method, low)) <= confidence(answer(model, method, high)) < 1


def test_of_the_default_pool_only_the_larger_is_worth_asking_for_programs() -> None:
    assert trust(SMALL, "program") < 0.6 * trust(BIG, "program")
    assert trust(SMALL, "fact") > 0.6 * trust(BIG, "fact")
    assert trust("one", "program") == trust("other", "program")
