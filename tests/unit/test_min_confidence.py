"""How sure an answer has to be: who is asked more, and what is told where that does not suffice.  Pure."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from schemas.messages import Result
from schemas.plans import Assignment, Chunk, Plan
from schemas.records import Fitness, Presence, Record
from schemas.terms import ErrorCode, OnPartial, Policy, Status, VoteRule
from services.assembler.assembly import assess
from services.assembler.outcome import UNSURE
from services.assembler.seal import seal
from services.decomposer.candidate import Candidate
from services.decomposer.planning import sure_enough
from services.decomposer.route import extend
from services.kinds.told import line
from services.synthesizer.notes import notes
from tests.records import said

BIG, SMALL = "qwen2.5-coder-1.5b-instruct-q4_k_m", "qwen2.5-coder-0.5b-instruct-q4_k_m"


def plan(
    *nodes: str,
    wanted: float | None,
    kind: str = "fact",
    max_replicas: int = 2,
    strongest: str = "",
    early: bool = True,
) -> Plan:
    return Plan(
        id="q",
        query="the capital of Peru?",
        reply="inbox",
        created_at=0,
        deadline_at=100,
        assemble_by=90,
        on_partial=OnPartial.ACCEPT,
        chunks=[Chunk(index=0, text="the capital of Peru?", kind=kind)],
        assignments=[
            Assignment(chunk=0, node=node, replica=0, fitness=0.5, strongest=node == strongest) for node in nodes
        ],
        policy=Policy(vote=VoteRule.SUM, max_replicas=max_replicas, min_confidence=wanted, early=early),
    )


def result(node: str, final: str, confidence: float = 0.6) -> Result:
    return Result(
        id="q",
        chunk=0,
        node=node,
        replica=0,
        started_at=0,
        latency_s=1,
        answers=[said(final)],
        chosen=0,
        confidence=confidence,
    )


SPLIT = (result("a", "Lima", 0.9), result("b", "Quito", 0.6))  # of the weight 0.6 is Lima's


def test_what_is_sure_enough_is_given() -> None:
    assessed = assess(plan("a", "b", wanted=0.55), SPLIT, deadline_passed=False, now=1)
    assert assessed.complete
    assert assessed.outcomes[0].winner == "Lima"


def test_below_it_more_are_asked_then_the_strongest_then_nobody() -> None:
    alone = assess(plan("a", wanted=0.95), SPLIT[:1], deadline_passed=False, now=1)
    assert not alone.wanted[0].strongest
    both = assess(plan("a", "b", wanted=0.95), SPLIT, deadline_passed=False, now=1)
    assert both.wanted[0].strongest
    third = [*SPLIT, result("c", "Lima", 0.9)]
    last = assess(plan("a", "b", "c", wanted=0.95, strongest="c"), third, deadline_passed=False, now=1)
    assert last.wanted == {}
    assert last.complete
    (outcome,) = last.outcomes
    assert (outcome.decided, outcome.winner, outcome.final) == (UNSURE, None, None)
    assert outcome.confidence == pytest.approx(0.75)
    assert len(outcome.votes) == 3
    assert outcome.reason == "the likeliest answer has confidence 0.75, and 0.95 is wanted; voted: Lima (2), Quito (1)"
    assert line(outcome).startswith("Not sure enough to answer: the capital of Peru?")
    assert notes([outcome]) == ["The answer is not given: its confidence, 0.75, does not suffice."]


@pytest.mark.parametrize("case", ["nobody is left", "no time is left", "the deadline has passed"])
def test_where_nobody_more_can_be_asked_it_is_told_at_once(case: str) -> None:
    of = plan("a", "b", wanted=0.95)
    if case == "nobody is left":
        of = structs.replace(of, exhausted=[0])
    assessed = assess(of, SPLIT, deadline_passed=case.startswith("the"), now=89.5 if case.startswith("no t") else 1)
    assert [outcome.decided for outcome in assessed.outcomes] == [UNSURE]


def test_nothing_is_decided_early_that_is_not_sure() -> None:
    of = plan("a", "b", "c", wanted=0.95, max_replicas=3)
    two = [result("a", "Lima", 0.9), result("b", "Lima", 0.9)]
    assert assess(
        structs.replace(of, policy=structs.replace(of.policy, min_confidence=None)), two, deadline_passed=False
    ).complete
    agreed = assess(of, two, deadline_passed=False)
    assert agreed.complete, "all that voted agree"
    split = assess(of, [result("a", "Lima", 1.0), result("b", "Quito", 0.2)], deadline_passed=False)
    assert not split.complete


@pytest.mark.parametrize("on_partial", [OnPartial.ACCEPT, OnPartial.REFUSE])
def test_the_query_is_partial_or_refused(on_partial: OnPartial) -> None:
    of = structs.replace(plan("a", "b", wanted=0.95), exhausted=[0], on_partial=on_partial)
    sealed = seal(of, assess(of, SPLIT, deadline_passed=False, now=1), planned_at=0, voted_at=1, sealed_at=1)
    if on_partial is OnPartial.ACCEPT:
        assert (sealed.status, sealed.error) == (Status.PARTIAL, None)
    else:
        assert sealed.status is Status.FAILED
        assert sealed.error is not None
        assert sealed.error.code is ErrorCode.UNSURE


def test_of_what_cannot_be_compared_nobody_asks_how_sure_it_is() -> None:
    assessed = assess(plan("a", wanted=1.0, kind="text"), SPLIT[:1], deadline_passed=False, now=1)
    assert assessed.outcomes[0].winner == "Lima"


def test_what_builds_on_it_is_lost() -> None:
    of = plan("a", "b", wanted=0.95)
    of = structs.replace(
        of, exhausted=[0], chunks=[*of.chunks, Chunk(index=1, text="its population", kind="fact", depends_on=[0])]
    )
    assessed = assess(of, SPLIT, deadline_passed=False, now=1)
    assert assessed.complete
    assert "builds on chunk 1" in (assessed.outcomes[1].reason or "")


@given(st.floats(0, 1), st.floats(0.01, 1), st.floats(0.01, 1), st.sampled_from(["Lima", "Quito"]))
def test_no_answer_that_is_given_is_less_sure(wanted: float, one: float, other: float, final: str) -> None:
    results = [result("a", "Lima", one), result("b", final, other)]
    assessed = assess(plan("a", "b", wanted=wanted), results, deadline_passed=True, now=1)
    (outcome,) = assessed.outcomes
    assert (outcome.winner is not None) == (outcome.confidence >= wanted)
    assert outcome.votes


def candidate(node: str, model: str, fitness: float) -> Candidate:
    presence = Presence(
        node=node, cluster="c", supercluster="s", models=[model], slots=1, fitness=fitness, started_at=0
    )
    return Candidate(presence, Fitness(node=node, overall=Record(fitness=fitness, latency_s=1.0)))


def test_the_strongest_is_the_node_whose_model_is_trusted_most() -> None:
    of = plan("a", wanted=0.9)
    pool = [candidate("a", "other", 0.9), candidate("b", SMALL, 0.9), candidate("c", BIG, 0.6)]
    assert extend(of, 0, pool).assignments[-1].node == "b"
    strongest = extend(of, 0, pool, strongest=True).assignments[-1]
    assert (strongest.node, strongest.strongest) == ("c", True)


def test_the_operator_s_default_holds_where_a_client_says_nothing() -> None:
    assert sure_enough(Policy(), 0.7).min_confidence == 0.7
    assert sure_enough(Policy(min_confidence=0.0), 0.7).min_confidence == 0.0
