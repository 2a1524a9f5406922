from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.records import Fitness
from services.trainer.fitness import MAX_APPLIED, MEMORY, Observation, learn


def seen(
    *,
    right: bool | None = True,
    weight: float = 1.0,
    latency_s: float | None = 1.0,
    kind: str = "problem",
) -> Observation:
    return Observation("a", kind, prior=0.5, right=right, weight=weight, latency_s=latency_s)


def after(*observations: Observation) -> Fitness:
    fitness: Fitness | None = None
    for sequence, observation in enumerate(observations, 1):
        fitness = learn(fitness, [observation], sequence)
    assert fitness is not None
    return fitness


def test_the_first_observation_starts_from_what_the_topology_says() -> None:
    fitness = learn(None, [seen()], 7)
    assert fitness.overall.fitness == pytest.approx(2 / 3), "a prior of two judgements, half right, and one right"
    assert (fitness.overall.count, fitness.overall.latency_s) == (1, 1.0)
    assert fitness.prior == 0.5
    assert fitness.applied == [7]


def test_counts_tell_observed_from_judged_from_right() -> None:
    fitness = after(seen(right=True), seen(right=False), seen(right=None), seen(right=True, weight=0.1))
    for record in (fitness.overall, fitness.kinds["problem"]):
        assert (record.count, record.judged, record.right) == (4, 3, 2)
        assert record.evidence_right == pytest.approx(0.98**2 + 0.1)
        assert record.evidence_wrong == pytest.approx(0.98)


def test_evidence_of_more_weight_moves_more() -> None:
    assert after(seen(weight=0.1)).overall.fitness < after(seen(weight=1.0)).overall.fitness


def test_an_operation_leans_on_the_others_until_it_has_evidence_of_its_own() -> None:
    many = [seen(right=True, kind="fact") for _ in range(40)]
    few = after(*many, seen(right=False)).kinds
    assert few["fact"].fitness > 0.9
    assert few["problem"].fitness > 0.6, "one wrong answer does not undo what is known of the node"
    more = after(*many, *(seen(right=False) for _ in range(20))).kinds
    assert more["problem"].fitness < 0.2
    assert more["fact"].fitness > 0.9


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
    bound = Observation("a", "problem", prior=0.5, at_least_s=4.0)
    assert learn(known, [bound], 2).overall.latency_s == 10.0
    assert learn(learn(None, [seen(latency_s=1.0)], 1), [bound], 2).overall.latency_s == pytest.approx(1.6)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 100).map(lambda n: n / 100)), min_size=1, max_size=50))
def test_fitness_stays_in_range_and_follows_the_last_word(history: list[tuple[bool, float]]) -> None:
    fitness: Fitness | None = None
    for i, (right, weight) in enumerate(history, 1):
        before = fitness
        fitness = learn(fitness, [seen(right=right, weight=weight)], i)
        assert 0 < fitness.overall.fitness < 1
        untouched = learn(before, [seen(right=right, weight=0.0)], i).overall.fitness
        assert (fitness.overall.fitness >= untouched) if right else (fitness.overall.fitness <= untouched)


def test_old_evidence_fades() -> None:
    bad = [seen(right=False) for _ in range(200)]
    assert after(*bad).overall.fitness < 0.05
    assert after(*bad, *(seen(right=True) for _ in range(MEMORY))).overall.fitness > 0.6
    assert after(*bad, *(seen(right=True) for _ in range(3 * MEMORY))).overall.fitness > 0.9
    assert after(*bad).overall.evidence_wrong < MEMORY
