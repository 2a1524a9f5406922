from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.messages import ModelAnswer, Result
from schemas.terms import VoteRule
from services.voting.calibration import confidence
from services.voting.rules import Consensus, Voter, consensus, count
from tests.records import said


def agreed(*answers: ModelAnswer) -> Consensus:
    found = consensus(answers)
    assert found is not None
    return found


def test_nothing_usable_is_no_consensus() -> None:
    assert consensus([]) is None
    assert consensus([said(""), said("  ")]) is None


def test_one_answer_keeps_its_own_confidence() -> None:
    found = agreed(said(""), said("Oslo"))
    assert found.chosen == 1
    assert found.confidence == pytest.approx(confidence(said("Oslo")))


def test_equivalent_answers_support_each_other() -> None:
    found = agreed(said("42", model="a", logprob=-0.3), said("forty-two", model="b"))
    assert found.chosen == 1
    assert found.confidence > confidence(said("forty-two", model="b"))


def test_different_answers_cost_confidence() -> None:
    found = agreed(said("Sydney", model="a", logprob=-0.3), said("Canberra", model="b"))
    assert found.chosen == 1
    assert found.confidence < confidence(said("Canberra", model="b"))


def test_of_equals_the_shorter_text_is_better_worded() -> None:
    assert agreed(said("42", text="I think it is 42.", model="a"), said("42", model="b")).chosen == 1


def test_of_equals_the_one_that_was_not_cut_off_is_better_worded() -> None:
    assert agreed(said("42", model="a", finish="length"), said("42", model="b")).chosen == 1


any_answer = st.builds(
    said,
    st.sampled_from(["", "42", "forty-two", "43", "Oslo"]),
    model=st.sampled_from(["a", "b", "qwen2.5-coder-1.5b-instruct"]),
    method=st.sampled_from(["fact", "program", "steps"]),
    logprob=st.floats(-700.0, 0.0),
    finish=st.sampled_from(["stop", "length", "deadline"]),
)


@given(any_answer, any_answer)
def test_confidence_is_bounded_and_the_order_does_not_change_it(a: ModelAnswer, b: ModelAnswer) -> None:
    one, other = consensus([a, b]), consensus([b, a])
    if one is None or other is None:
        assert one == other
        return
    assert 0 <= one.confidence <= 1
    assert one.confidence == pytest.approx(other.confidence)


@given(st.lists(any_answer, max_size=4), st.floats(0, 1))
def test_a_nodes_consensus_is_the_rules_vote_over_its_answers(answers: list[ModelAnswer], fitness: float) -> None:
    found = consensus(answers)
    if found is None:
        return
    result = Result(
        id="q", chunk=0, node="n", replica=0, started_at=0, latency_s=1, answers=answers, chosen=found.chosen
    )
    voter = Voter.of(result, fitness)
    assert voter is not None
    counted = count(VoteRule.CALIBRATED, [voter])
    assert counted is not None
    assert (counted.tally.winner.text, counted.tally.winner.final) == (
        answers[found.chosen].text,
        answers[found.chosen].final,
    )
    assert counted.confidence == pytest.approx(found.confidence)
