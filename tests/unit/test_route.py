from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from schemas.plans import Chunk, Given, Plan
from schemas.records import Fitness, Presence, Record
from schemas.terms import CachedAnswer, OnPartial, Policy, Source
from services.decomposer.candidate import Candidate
from services.decomposer.route import MAX_ASSIGNMENTS, extend, move, release, route


def candidate(
    node: str,
    *,
    cluster: str = "c",
    supercluster: str = "s",
    models: tuple[str, ...] = ("m",),
    fitness: float = 0.5,
    latency_s: float | None = None,
) -> Candidate:
    presence = Presence(
        node=node,
        cluster=cluster,
        supercluster=supercluster,
        models=list(models),
        slots=1,
        fitness=fitness,
        started_at=0,
    )
    known = Fitness(node=node, overall=Record(fitness=fitness, count=1, latency_s=latency_s)) if latency_s else None
    return Candidate(presence, known)


def chunks(num: int) -> list[Chunk]:
    return [Chunk(index=i, text=f"part {i}", kind="fact") for i in range(num)]


def nodes_of(assignments: list[object], chunk: int) -> list[str]:
    return [assignment.node for assignment in assignments if assignment.chunk == chunk]  # type: ignore[attr-defined]


@given(st.integers(1, 12), st.integers(1, 12))
def test_every_chunk_is_asked_and_every_node_works(num_chunks: int, num_nodes: int) -> None:
    assignments = route(chunks(num_chunks), [candidate(f"n{i}") for i in range(num_nodes)])
    assert {assignment.chunk for assignment in assignments} == set(range(num_chunks))
    assert {assignment.node for assignment in assignments} == {f"n{i}" for i in range(num_nodes)}
    assert (
        len({(assignment.node, assignment.chunk) for assignment in assignments})
        == len(assignments)
        == max(num_chunks, num_nodes)
    )
    load = Counter(assignment.node for assignment in assignments)
    assert max(load.values()) - min(load.values()) <= 1, "with nodes alike the work is spread evenly"


def test_nodes_that_still_load_a_model_are_asked_when_no_other_is_left() -> None:
    loading = [candidate(f"a{i}", cluster=f"c{i}", fitness=0.9) for i in range(2)]
    loading = [replace(one, presence=structs.replace(one.presence, loading=["m"])) for one in loading]
    pool = [*loading, candidate("slow", fitness=0.2, latency_s=60), candidate("unfit", fitness=0.1)]
    assert set(nodes_of(route(chunks(1), pool, 2), 0)) == {"slow", "unfit"}  # type: ignore[arg-type]
    assert set(nodes_of(route(chunks(1), pool, 3), 0)) > {"slow", "unfit"}  # type: ignore[arg-type]
    assert nodes_of(route(chunks(1), loading, 1), 0)  # type: ignore[arg-type]


def test_nodes_whose_models_are_all_down_are_asked_when_no_other_is_left() -> None:
    def down(node: Candidate, *models: str) -> Candidate:
        return replace(node, presence=structs.replace(node.presence, down=dict.fromkeys(models, "no answer")))

    off = down(candidate("off", models=("a", "b"), fitness=0.9), "a", "b")
    half = down(candidate("half", models=("a", "b"), fitness=0.4), "a")
    assert route(chunks(1), [off, half], 1)[0].node == "half"
    assert route(chunks(1), [off], 1)[0].node == "off"


def test_a_fleet_stays_within_one_batch() -> None:
    assignments = route(chunks(32), [candidate(f"n{i}") for i in range(2000)])
    assert len(assignments) == MAX_ASSIGNMENTS


def test_replicas_of_one_model_sample_and_others_answer_greedily() -> None:
    pool = [candidate("a", models=("x",)), candidate("b", models=("x",)), candidate("c", models=("y",))]
    replicas = {assignment.node: assignment.replica for assignment in route(chunks(1), pool)}
    assert replicas == {"a": 0, "c": 0, "b": 1}


@pytest.mark.parametrize("better", [candidate("z", fitness=0.9, latency_s=1.0), candidate("z", latency_s=0.2)])
def test_the_fit_and_the_fast_come_first(better: Candidate) -> None:
    pool = [candidate("a", latency_s=1.0), better, candidate("b", latency_s=1.0)]
    assert route(chunks(1), pool)[0].node == "z"


def test_speed_outweighs_fitness() -> None:
    pool = [candidate("fit", fitness=1.0, latency_s=2.0), candidate("fast", fitness=0.5, latency_s=1.0)]
    assert route(chunks(1), pool)[0].node == "fast"


def test_fitness_counts_by_operation() -> None:
    known = Fitness(node="a", overall=Record(fitness=0.9), kinds={"fact": Record(fitness=0.2)})
    assert route(chunks(1), [Candidate(candidate("a").presence, known)])[0].fitness == 0.2


def test_replicas_spread_over_clusters() -> None:
    pool = [candidate("a1", cluster="a"), candidate("a2", cluster="a"), candidate("b1", cluster="b")]
    assignments = route(chunks(1), [*pool, candidate("b2", cluster="b")])
    assert [assignment.node for assignment in assignments][:2] == ["a1", "b1"]


def test_replicas_spread_over_superclusters_first() -> None:
    pool = [
        candidate("a", cluster="a", supercluster="s"),
        candidate("b", cluster="b", supercluster="s"),
        candidate("c", cluster="c", supercluster="t"),
    ]
    assert [assignment.node for assignment in route(chunks(1), pool)] == ["a", "c", "b"]


def test_a_chunk_gets_nodes_of_both_clusters() -> None:
    pool = [candidate(f"{cluster}{i}", cluster=cluster) for cluster in "ab" for i in range(2)]
    assignments = route(chunks(2), pool)
    for chunk in (0, 1):
        assert {node[0] for node in nodes_of(list(assignments), chunk)} == {"a", "b"}


def plan(num_chunks: int, pool: list[Candidate]) -> Plan:
    return Plan(
        id="q",
        query="?",
        reply="",
        created_at=0,
        deadline_at=10,
        assemble_by=9,
        on_partial=OnPartial.ACCEPT,
        chunks=chunks(num_chunks),
        assignments=route(chunks(num_chunks), pool),
    )


def test_lost_work_moves_to_a_node_that_has_not_the_chunk() -> None:
    before = plan(2, [candidate("a"), candidate("b")])
    lost = next((assignment.node, assignment.chunk) for assignment in before.assignments if assignment.node == "a")
    after = move(before, {lost}, [candidate("b")])
    assert after.revision == 1
    assert {(assignment.node, assignment.chunk) for assignment in after.assignments} == {("b", 0), ("b", 1)}


def test_a_lost_replica_that_nobody_can_take_is_dropped() -> None:
    before = plan(1, [candidate("a"), candidate("b")])
    after = move(before, {("a", 0)}, [candidate("b")])
    assert [assignment.node for assignment in after.assignments] == ["b"]


def test_the_last_replica_stays_when_there_is_no_node() -> None:
    before = plan(1, [candidate("a")])
    assert move(before, {("a", 0)}, []) is before


def test_what_stays_as_it_is_is_no_revision() -> None:
    before = plan(2, [candidate("a")])
    assert move(before, {("a", 0)}, []) is before


def test_one_more_replica_or_exhausted() -> None:
    before = plan(1, [candidate("a")])
    more = extend(before, 0, [candidate("a"), candidate("b")])
    assert [assignment.node for assignment in more.assignments] == ["a", "b"]
    none = extend(before, 0, [candidate("a")])
    assert (none.exhausted, none.revision) == ([0], 1)
    assert extend(none, 0, [candidate("b")]) is none


@given(st.integers(1, 5), st.integers(1, 5), st.sets(st.integers(0, 4)))
def test_moving_never_loses_a_chunk(num_chunks: int, num_nodes: int, left: set[int]) -> None:
    pool = [candidate(f"n{i}") for i in range(num_nodes)]
    before = plan(num_chunks, pool)
    live = [candidate for i, candidate in enumerate(pool) if i not in left]
    dead = {candidate.presence.node for i, candidate in enumerate(pool) if i in left}
    after = move(
        before,
        {(assignment.node, assignment.chunk) for assignment in before.assignments if assignment.node in dead},
        live,
    )
    assert {assignment.chunk for assignment in after.assignments} == set(range(num_chunks))
    if live:
        assert not {assignment.node for assignment in after.assignments} & dead
    assert structs.asdict(after)["chunks"] == structs.asdict(before)["chunks"]


@given(st.integers(1, 6), st.integers(1, 8), st.integers(1, 10))
def test_a_limited_number_of_replicas(num_chunks: int, num_nodes: int, replicas: int) -> None:
    assignments = route(chunks(num_chunks), [candidate(f"n{i}") for i in range(num_nodes)], replicas)
    asked = Counter(assignment.chunk for assignment in assignments)
    assert asked == dict.fromkeys(range(num_chunks), min(replicas, num_nodes))
    assert len({(assignment.node, assignment.chunk) for assignment in assignments}) == len(assignments)
    load = Counter({f"n{i}": 0 for i in range(num_nodes)}) + Counter(assignment.node for assignment in assignments)
    if num_chunks * replicas >= num_nodes:
        assert len(load) == num_nodes, "nobody is idle while others have several"


def test_limited_replicas_go_to_the_best() -> None:
    pool = [candidate("slow", latency_s=9.0), candidate("a", latency_s=1.0), candidate("b", latency_s=1.0)]
    assert {assignment.node for assignment in route(chunks(1), pool, 2)} == {"a", "b"}


def test_a_fleet_asked_for_many_replicas_stays_within_one_batch() -> None:
    assignments = route(chunks(32), [candidate(f"n{i}") for i in range(64)], 64)
    assert len(assignments) == MAX_ASSIGNMENTS


def test_several_more_replicas() -> None:
    pool = [candidate(f"n{i}") for i in range(4)]
    before = plan(1, pool[:1])
    assert [assignment.node for assignment in extend(before, 0, pool, 2).assignments] == ["n0", "n1", "n2"]
    rest = extend(before, 0, pool, 9)
    assert (len(rest.assignments), rest.exhausted, rest.revision) == (4, [], 1)


GIVEN = [Given(question="What is 2 times 3?", answer="6")]


def staged(pool: list[Candidate], replicas: int | None = None) -> Plan:
    first, second = chunks(2)
    return structs.replace(
        plan(1, pool),
        chunks=[first, structs.replace(second, depends_on=[0])],
        policy=Policy(replicas=replicas),
    )


def test_a_released_chunk_is_asked_of_all_or_of_as_many_as_the_policy_says() -> None:
    pool = [candidate(f"n{i}") for i in range(3)]
    for replicas, num in ((None, 3), (2, 2), (9, 3)):
        before = staged(pool, replicas)
        after = release(before, 1, GIVEN, pool)
        assert len(nodes_of(list(after.assignments), 1)) == num
        assert nodes_of(list(after.assignments), 0) == nodes_of(list(before.assignments), 0)
        assert (after.given, after.revision) == ({1: GIVEN}, 1)
        assert release(after, 1, [], pool) is after, "once"


def test_a_released_chunk_moves_with_what_it_was_given() -> None:
    pool = [candidate("a"), candidate("b")]
    after = move(release(staged(pool), 1, GIVEN, pool[:1]), {("a", 1)}, pool[1:])
    assert nodes_of(list(after.assignments), 1) == ["b"]
    assert after.given == {1: GIVEN}


def test_a_released_chunk_that_is_cached_is_asked_of_nobody() -> None:
    cached = CachedAnswer(
        key="k", source=Source(query="q0", answered_at=1), winner="106", final="106", agreement=1, confidence=0.9
    )
    before = staged([candidate("a")])
    after = release(before, 1, GIVEN, [], cached)
    assert after.assignments == before.assignments
    assert (after.given, after.cached, after.revision) == ({1: GIVEN}, {1: cached}, 1)
    assert release(after, 1, GIVEN, [], cached) is after, "once"


def known(node: str, fitness: float, latency_s: float) -> Candidate:
    return Candidate(
        candidate(node).presence,
        Fitness(node=node, overall=Record(fitness=fitness, count=9, latency_s=latency_s)),
    )


def test_an_unfit_node_is_asked_when_no_other_is_left_however_fast_it_is() -> None:
    pool = [known("a", 0.8, 2.0), known("b", 0.7, 2.0), known("fast", 0.2, 0.1)]
    assert {assignment.node for assignment in route(chunks(1), pool, 2)} == {"a", "b"}
    assert [assignment.node for assignment in route(chunks(1), pool, 3)][-1] == "fast"


def test_a_node_on_trial_is_asked_first_and_once() -> None:
    pool = [known("a", 0.8, 2.0), replace(known("slow", 0.2, 9.0), on_trial=True), known("b", 0.8, 2.0)]
    assert [assignment.node for assignment in route(chunks(1), pool, 1)] == ["slow"]
    assert [assignment.node for assignment in route(chunks(2), pool, 1)][1] != "slow"
