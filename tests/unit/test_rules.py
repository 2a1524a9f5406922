from __future__ import annotations

from math import isclose

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.messages import ModelAnswer, Result, Vote
from schemas.terms import CALCULATOR, VoteRule
from services.voting.rules import Count, Voter, count
from tests import records

BIG, SMALL = "qwen2.5-coder-1.5b-instruct-q4_k_m", "qwen2.5-coder-0.5b-instruct-q4_k_m"
EVIDENCE = (VoteRule.LOG_ODDS, VoteRule.CALIBRATED)


def said(final: str, model: str = BIG, method: str = "fact", logprob: float = -0.05) -> ModelAnswer:
    return records.said(final, model=model, method=method, logprob=logprob)


def voter(node: str, *answers: ModelAnswer, fitness: float = 0.5, confidence: float = 0.8) -> Voter:
    return Voter(node, fitness, answers, answers[0], confidence)


def counted(rule: VoteRule, *voters: Voter, awaited: tuple[float, ...] = (), calculated: str | None = None) -> Count:
    found = count(rule, voters, awaited=awaited, calculated=calculated)
    assert found is not None
    return found


@pytest.mark.parametrize("rule", VoteRule)
def test_without_votes_there_is_no_count(rule: VoteRule) -> None:
    assert count(rule, []) is None


@pytest.mark.parametrize("rule", VoteRule)
def test_what_all_say_wins(rule: VoteRule) -> None:
    found = counted(rule, voter("n1", said("Oslo"), said("Oslo", SMALL)), voter("n2", said("Oslo")))
    assert found.tally.winner.final == "Oslo"
    assert found.winners == {"n1", "n2"}
    assert 0.5 < found.confidence <= 1


def test_best_follows_the_heaviest_where_sum_follows_the_many() -> None:
    votes = [
        voter("n1", said("Sydney"), fitness=0.9),
        voter("n2", said("Canberra"), fitness=0.6),
        voter("n3", said("Canberra"), fitness=0.6),
    ]
    assert counted(VoteRule.BEST, *votes).tally.winner.final == "Sydney"
    assert counted(VoteRule.SUM, *votes).tally.winner.final == "Canberra"


def test_agreement_counts_a_node_twice_whose_models_agree() -> None:
    votes = [voter("n1", said("Sydney"), confidence=0.9), voter("n2", said("Canberra"), said("Canberra", SMALL))]
    assert counted(VoteRule.SUM, *votes).tally.winner.final == "Sydney"
    assert counted(VoteRule.AGREEMENT, *votes).tally.winner.final == "Canberra"


def test_calibrated_trusts_the_better_model_though_it_sounds_less_sure() -> None:
    found = counted(VoteRule.CALIBRATED, voter("n1", said("Oslo", logprob=-0.2), said("Bergen", SMALL, logprob=-0.01)))
    assert found.tally.winner.final == "Oslo"


@pytest.mark.parametrize("rule", EVIDENCE)
def test_however_improbable_an_answer_it_is_counted(rule: VoteRule) -> None:
    votes = [voter(f"n{i}", said(str(i), logprob=-1e4), fitness=0.0) for i in range(3)]
    assert 0 <= counted(rule, *votes).confidence < 0.1


def test_one_voter_is_as_sure_as_its_calibration() -> None:
    found = counted(VoteRule.LOG_ODDS, voter("n1", said("Oslo"), fitness=0.7))
    assert isclose(found.confidence, 0.7)


@pytest.mark.parametrize("rule", [VoteRule.BEST, VoteRule.SUM, VoteRule.AGREEMENT])
def test_a_lone_voter_makes_no_rule_surer_than_it_is_itself(rule: VoteRule) -> None:
    alone = voter("n1", said("12"), confidence=0.4)
    assert counted(rule, alone).confidence == 0.4
    assert counted(rule, alone, voter("n2", said("12"))).confidence == 1
    assert counted(rule, alone, calculated="12").confidence == 1
    split = voter("n1", said("12"), said("13", SMALL), confidence=0.9)
    assert counted(VoteRule.AGREEMENT, split).confidence == 0.5


def test_agreement_makes_surer_the_less_two_voters_have_in_common() -> None:
    def sure(*answers: ModelAnswer) -> float:
        return counted(VoteRule.CALIBRATED, *(voter(f"n{i}", answer) for i, answer in enumerate(answers))).confidence

    steps = said("12", method="steps")
    alone, twice = sure(steps), sure(steps, steps)
    assert alone < twice < sure(steps, said("12", method="program"))


def test_copies_of_one_model_are_no_crowd() -> None:
    crowd = [voter(f"n{i}", said("7", SMALL, "program")) for i in range(3)]
    found = counted(VoteRule.CALIBRATED, voter("n9", said("8", BIG, "steps"), said("8", SMALL, "steps")), *crowd)
    assert found.tally.winner.final == "8"


def test_a_source_that_contradicts_itself_loses_to_one_that_does_not() -> None:
    steps, program, other = (
        said("9", method="steps", logprob=-0.11),
        said("7", method="program", logprob=-0.05),
        said("8", method="program", logprob=-0.05),
    )
    once = counted(VoteRule.CALIBRATED, voter("n1", program), voter("n2", steps))
    assert once.tally.winner.final == "7"
    split = counted(VoteRule.CALIBRATED, voter("n1", program), voter("n2", other), voter("n3", steps))
    assert split.tally.winner.final == "9"


def test_an_unfit_node_does_not_make_others_contradict_themselves() -> None:
    right, wrong = said("7", method="program"), said("8", method="program")
    good = voter("n1", right, fitness=0.9)
    unfit = counted(VoteRule.CALIBRATED, good, voter("bad", wrong, fitness=0.1))
    alike = counted(VoteRule.CALIBRATED, good, voter("n2", wrong, fitness=0.9))
    assert unfit.confidence > counted(VoteRule.CALIBRATED, good).confidence - 0.05
    assert alike.confidence < unfit.confidence - 0.2


def test_an_unfit_node_is_outvoted_by_a_fit_one() -> None:
    votes = [
        voter("bad", said("Sydney"), said("Sydney", SMALL), fitness=0.1),
        voter("good", said("Canberra"), fitness=0.9),
    ]
    found = counted(VoteRule.CALIBRATED, *votes)
    assert found.tally.winner.final == "Canberra"
    assert found.winners == {"good"}


def test_what_chance_makes_of_fitness_does_not_decide() -> None:
    steps, program = said("9", method="steps", logprob=-0.11), said("9", method="program", logprob=-0.15)
    other = said("7", method="program", logprob=-0.11)
    votes = [voter("n1", steps, fitness=0.55), voter("n2", program, fitness=0.55), voter("n3", other, fitness=0.75)]
    assert counted(VoteRule.CALIBRATED, *votes).tally.winner.final == "9"
    even = [voter(vote.node, *vote.answers, fitness=0.75) for vote in votes]
    assert counted(VoteRule.CALIBRATED, *votes).confidence == counted(VoteRule.CALIBRATED, *even).confidence


@pytest.mark.parametrize("rule", VoteRule)
def test_the_calculator_is_one_voter_and_outvotes_a_slip(rule: VoteRule) -> None:
    found = counted(rule, voter("n1", said("41", method="sum")), calculated="42")
    assert found.tally.winner.final == "42"
    assert found.winners == {CALCULATOR}


@pytest.mark.parametrize("rule", VoteRule)
def test_the_calculator_alone_is_settled_when_nobody_is_awaited(rule: VoteRule) -> None:
    assert counted(rule, calculated="42").settled


@pytest.mark.parametrize("rule", EVIDENCE)
def test_the_sure_wait_for_nobody(rule: VoteRule) -> None:
    votes = [voter("n1", said("Oslo"), said("Oslo", SMALL), fitness=0.9), voter("n2", said("Oslo", SMALL), fitness=0.9)]
    assert counted(rule, *votes, awaited=(0.9, 0.9)).settled
    assert not counted(rule, voter("n1", said("Oslo", method="steps"), fitness=0.6), awaited=(0.6,)).settled


def test_a_node_that_was_overruled_by_its_own_other_model_does_not_win() -> None:
    split = voter("n1", said("Bergen", SMALL), said("Oslo"))
    found = counted(VoteRule.CALIBRATED, split, voter("n2", said("Oslo")))
    assert found.winners == {"n2"}


def test_the_weight_of_a_vote_is_that_of_the_model_that_was_chosen() -> None:
    small = said("Oslo", SMALL)
    both = counted(VoteRule.CALIBRATED, voter("n1", said("Oslo"), small))
    alone = counted(VoteRule.CALIBRATED, voter("n1", said("Oslo")))
    assert both.weights == alone.weights
    assert both.weights["n1"] > counted(VoteRule.CALIBRATED, voter("n1", small)).weights["n1"]


def test_a_voter_is_made_of_a_result_and_again_of_its_vote() -> None:
    answer = said("Oslo")
    result = Result(id="q", chunk=0, node="n1", replica=0, started_at=0.0, latency_s=0.1, answers=[answer], chosen=0)
    vote = Vote(
        node="n1",
        model=answer.model,
        answer=answer.text,
        final=answer.final,
        weight=0.4,
        confidence=0.0,
        fitness=0.5,
        won=True,
        latency_s=0.1,
        answers=[answer],
    )
    assert Voter.of(result, 0.5) == Voter.again(vote)
    assert Voter.of(Result(id="q", chunk=0, node="n1", replica=0, started_at=0.0, latency_s=0.1), 0.5) is None


VOTERS = st.lists(
    st.builds(
        lambda final, model, method, fitness, confidence: (said(final, model, method), fitness, confidence),
        st.sampled_from(["1", "2", "3"]),
        st.sampled_from([BIG, SMALL, "other"]),
        st.sampled_from(["steps", "program"]),
        st.floats(0, 1),
        st.floats(0, 1),
    ),
    min_size=1,
    max_size=8,
)


@given(VOTERS, st.sampled_from(VoteRule), st.lists(st.floats(0, 1), max_size=3))
def test_counts_are_sane_whoever_votes(
    drawn: list[tuple[ModelAnswer, float, float]], rule: VoteRule, awaited: list[float]
) -> None:
    votes = [voter(f"n{i}", answer, fitness=f, confidence=c) for i, (answer, f, c) in enumerate(drawn)]
    found = counted(rule, *votes, awaited=tuple(awaited))
    again = counted(rule, *reversed(votes), awaited=tuple(awaited))
    assert found.tally.winner.final == again.tally.winner.final
    assert 0 <= found.confidence <= 1
    assert found.winners <= {vote.node for vote in votes}
    assert all(0 <= weight <= 1 for weight in found.weights.values())


@given(VOTERS, VOTERS, st.sampled_from([VoteRule.BEST, VoteRule.SUM, VoteRule.AGREEMENT]))
def test_what_is_settled_stays(
    drawn: list[tuple[ModelAnswer, float, float]], late: list[tuple[ModelAnswer, float, float]], rule: VoteRule
) -> None:
    votes = [voter(f"n{i}", answer, fitness=f, confidence=c) for i, (answer, f, c) in enumerate(drawn)]
    others = [voter(f"m{i}", answer, fitness=f, confidence=c) for i, (answer, f, c) in enumerate(late)]
    found = counted(rule, *votes, awaited=tuple(other.fitness for other in others))
    if found.settled:
        after = counted(rule, *votes, *others)
        assert after.tally.winner.final == found.tally.winner.final
