from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.commands import Feedback
from schemas.messages import Assembled, ChunkOutcome, Missing, ModelAnswer, Result, Vote
from schemas.records import Fitness
from schemas.terms import Operation, Status
from services.trainer.fitness import (
    MAX_APPLIED,
    MIN_FITNESS,
    Observation,
    UnusableFeedback,
    from_assembled,
    from_feedback,
    from_late,
    learn,
)


def vote(node: str, final: str, *, won: bool) -> Vote:
    return Vote(
        node=node,
        model="m",
        answer=final,
        final=final,
        weight=0.5,
        confidence=0.9,
        fitness=0.6,
        won=won,
        agreed=None,
        latency_s=2.0,
        answers=[],
    )


def outcome(index: int, votes: list[Vote], missing: list[Missing] | None = None, decided: str = "all") -> ChunkOutcome:
    final = next((each.final for each in votes if each.won), None)
    return ChunkOutcome(
        index=index,
        text="?",
        operation=Operation.MATH,
        decided=decided,
        winner=final,
        final=final,
        votes=votes,
        missing=missing or [],
    )


def assembled(*outcomes: ChunkOutcome) -> Assembled:
    return Assembled(
        id="q",
        query="?",
        reply="",
        status=Status.COMPLETE,
        outcomes=list(outcomes),
        created_at=0,
        planned_at=1,
        voted_at=5,
        sealed_at=5,
        deadline_at=10,
    )


def judged(observations: list[Observation]) -> dict[str, bool | None]:
    return {each.node: each.right for each in observations}


def test_consensus_judges_votes() -> None:
    seen = from_assembled(assembled(outcome(0, [vote("a", "1", won=True), vote("b", "2", won=False)])))
    assert judged(seen) == {"a": True, "b": False}


def test_a_lone_vote_is_judged_by_nobody() -> None:
    (seen,) = from_assembled(assembled(outcome(0, [vote("a", "1", won=True)])))
    assert (seen.right, seen.latency_s) == (None, 2.0)


def test_failing_is_wrong_being_slow_is_slow_and_being_cut_short_is_nothing() -> None:
    silent = Missing(node="silent", reason="no answer in time")
    broken = Missing(node="broken", reason="no memory", failed=True)
    at_deadline = from_assembled(assembled(outcome(0, [], [silent, broken], decided="none")))
    assert judged(at_deadline) == {"silent": None, "broken": False}
    assert {each.node: each.at_least_s for each in at_deadline} == {"silent": 4.0, "broken": None}
    assert from_assembled(assembled(outcome(0, [], [silent], decided="early"))) == []


def late(final: str) -> Result:
    said = ModelAnswer(
        model="m",
        text=final,
        final=final,
        logprob=0,
        min_logprob=0,
        prompt_tokens=1,
        completion_tokens=1,
        latency_s=9,
        finish="stop",
    )
    return Result(id="q", chunk=0, node="late", replica=0, started_at=0, latency_s=9, answers=[said], chosen=0)


@pytest.mark.parametrize(("final", "right"), [("1", True), ("2", False)])
def test_late_but_right_is_right(final: str, *, right: bool) -> None:
    seen = from_late(assembled(outcome(0, [vote("a", "1", won=True)])), late(final))
    assert judged(seen) == {"late": right}


def test_a_counted_result_is_not_late() -> None:
    assert from_late(assembled(outcome(0, [vote("late", "1", won=True)])), late("1")) == []


ONE = assembled(outcome(0, [vote("a", "1", won=True), vote("b", "2", won=False)]))
TWO = assembled(outcome(0, [vote("a", "1", won=True)]), outcome(1, [vote("b", "2", won=True)]))


@pytest.mark.parametrize(
    ("of", "feedback", "right"),
    [
        (ONE, Feedback(id="q", good=True), {"a": True, "b": False}),
        (ONE, Feedback(id="q", good=False), {"a": False, "b": None}),
        (ONE, Feedback(id="q", answer="2"), {"a": False, "b": True}),
        (TWO, Feedback(id="q", good=True), {"a": True, "b": True}),
        (TWO, Feedback(id="q", chunk=1, good=False), {"b": False}),
    ],
)
def test_feedback_judges_votes(of: Assembled, feedback: Feedback, right: dict[str, bool | None]) -> None:
    assert judged(from_feedback(of, feedback)) == right


@pytest.mark.parametrize(
    ("feedback", "says"),
    [
        (Feedback(id="q"), "either"),
        (Feedback(id="q", good=True, answer="2"), "either"),
        (Feedback(id="q", good=False), "by `chunk`"),
        (Feedback(id="q", answer="2"), "by `chunk`"),
        (Feedback(id="q", chunk=2, good=False), "0 to 1"),
    ],
)
def test_unusable_feedback(feedback: Feedback, says: str) -> None:
    with pytest.raises(UnusableFeedback, match=says):
        from_feedback(TWO, feedback)


def seen(*, right: bool | None = True, rate: float = 0.1, latency_s: float | None = 1.0) -> Observation:
    return Observation("a", Operation.MATH, prior=0.5, right=right, rate=rate, latency_s=latency_s)


def test_the_first_observation_starts_from_what_the_topology_says() -> None:
    fitness = learn(None, [seen()], 7)
    assert fitness.overall.fitness == pytest.approx(0.55)
    assert (fitness.overall.count, fitness.overall.latency_s) == (1, 1.0)
    assert fitness.operations[Operation.MATH].fitness == pytest.approx(0.55)
    assert fitness.applied == [7]


def test_a_redelivered_message_moves_nothing() -> None:
    once = learn(None, [seen()], 7)
    assert learn(once, [seen()], 7) == once
    assert learn(once, [seen()], 8) != once
    assert learn(once, [seen()], 6) != once, "another trainer may have been quicker with a later one"


def test_only_the_latest_messages_are_remembered() -> None:
    fitness: Fitness | None = None
    for sequence in range(1, 1000):
        fitness = learn(fitness, [seen()], sequence)
    assert fitness is not None
    assert len(fitness.applied) == MAX_APPLIED
    assert learn(fitness, [seen()], 1) == fitness


def test_time_unknown_leaves_latency_alone_and_a_bound_only_raises_it() -> None:
    known = learn(None, [seen(latency_s=10.0)], 1)
    assert learn(known, [seen(latency_s=None)], 2).overall.latency_s == 10.0
    bound = Observation("a", Operation.MATH, prior=0.5, at_least_s=4.0)
    assert learn(known, [bound], 2).overall.latency_s == 10.0
    assert learn(learn(None, [seen(latency_s=1.0)], 1), [bound], 2).overall.latency_s == pytest.approx(1.6)


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 1)), min_size=1))
def test_fitness_stays_in_range_and_follows_the_last_word(history: list[tuple[bool, float]]) -> None:
    fitness: Fitness | None = None
    for i, (right, rate) in enumerate(history, 1):
        before = fitness.overall.fitness if fitness else 0.5
        fitness = learn(fitness, [seen(right=right, rate=rate)], i)
        assert MIN_FITNESS <= fitness.overall.fitness <= 1
        assert (fitness.overall.fitness >= before) if right else (fitness.overall.fitness <= before)


def test_a_bad_node_separates_from_good_ones_and_recovers() -> None:
    good, bad = None, None
    for i in range(1, 101):
        good = learn(good, [seen(right=True, rate=0.05)], i)
        bad = learn(bad, [seen(right=False, rate=0.05)], i)
    assert good is not None
    assert bad is not None
    assert good.overall.fitness > 0.95
    assert bad.overall.fitness < 0.1
    for i in range(101, 201):
        bad = learn(bad, [seen(right=True, rate=0.05)], i)
    assert bad.overall.fitness > 0.9
