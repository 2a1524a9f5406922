from __future__ import annotations

from math import exp, log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.messages import ModelAnswer
from services.node.vote import MAX_PROBABILITY, MIN_PROBABILITY, Choice, choose
from tests.records import said


def answer(final: str, p: float, *, worst: float | None = None, text: str = "", finish: str = "stop") -> ModelAnswer:
    return said(final, text=text or final, logprob=log(p), min_logprob=log(worst or p), finish=finish)


def choice_of(*answers: ModelAnswer) -> Choice | None:
    return choose(answers, [exp(each.logprob) for each in answers])


def chosen(*answers: ModelAnswer) -> Choice:
    choice = choice_of(*answers)
    assert choice is not None
    return choice


def test_nothing_usable_is_no_choice() -> None:
    assert choice_of() is None
    assert choice_of(answer("", 0.9), answer("  ", 0.9)) is None


def test_one_answer_keeps_its_own_confidence() -> None:
    choice = chosen(answer("", 0.9), answer("Oslo", 0.8))
    assert (choice.chosen, choice.agreed) == (1, None)
    assert choice.confidence == pytest.approx(0.8)


def test_equivalent_answers_support_each_other() -> None:
    choice = chosen(answer("42", 0.6), answer("forty-two", 0.8))
    assert (choice.chosen, choice.agreed) == (1, True)
    assert choice.confidence == pytest.approx(0.92)


def test_no_agreement_is_certain() -> None:
    assert chosen(answer("42", 1.0), answer("42", 1.0)).confidence == MAX_PROBABILITY


def test_different_answers_cost_confidence() -> None:
    choice = chosen(answer("Sydney", 0.6), answer("Canberra", 0.8))
    assert (choice.chosen, choice.agreed) == (1, False)
    assert choice.confidence == pytest.approx(0.8 * 0.4 / (1 - 0.8 * 0.6))


def test_of_equals_the_shorter_text_is_better_worded() -> None:
    assert chosen(answer("42", 0.8, text="I think it is 42."), answer("42", 0.8)).chosen == 1


def test_of_equals_the_one_that_was_not_cut_off_is_better_worded() -> None:
    assert chosen(answer("42", 0.9, finish="length"), answer("42", 0.8)).chosen == 1


any_answer = st.builds(
    answer,
    st.sampled_from(["", "42", "forty-two", "43", "Oslo"]),
    st.floats(1e-300, 1.0),
    worst=st.floats(1e-300, 1.0),
    finish=st.sampled_from(["stop", "length", "deadline"]),
)


@given(any_answer, any_answer)
def test_confidence_is_bounded_and_the_order_does_not_change_it(a: ModelAnswer, b: ModelAnswer) -> None:
    one, other = choice_of(a, b), choice_of(b, a)
    if one is None or other is None:
        assert one == other
        return
    assert MIN_PROBABILITY <= one.confidence <= MAX_PROBABILITY
    assert one.confidence == pytest.approx(other.confidence)
    assert one.agreed == other.agreed


@given(st.floats(0.01, 0.99), st.floats(0.01, 0.99))
def test_agreement_never_lowers_and_dissent_never_raises(a: float, b: float) -> None:
    best = max(a, b)
    assert chosen(answer("1", a), answer("1", b)).confidence >= best - 1e-9
    assert chosen(answer("1", a), answer("2", b)).confidence <= best + 1e-9
