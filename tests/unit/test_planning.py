from __future__ import annotations

import pytest
from msgspec import structs

from schemas.commands import Query
from schemas.plans import Chunk, Due, Given, Plan, Task
from schemas.records import Presence
from schemas.subjects import DUE, PACE, REVISED, TASK, Space
from schemas.terms import CachedAnswer, Policy, Source
from services.decomposer.candidate import Candidate
from services.decomposer.planning import capped, due_times, make_plan, new_entries, task_entries

POOL = [
    Candidate(Presence(node=node, cluster="c", supercluster="s", models=["m"], slots=1, fitness=0.5, started_at=0))
    for node in ("a", "b", "c")
]


def chunk(index: int, *depends_on: int, context: str = "") -> Chunk:
    return Chunk(index=index, text=f"part {index}", kind="problem", depends_on=list(depends_on), context=context)


def plan(chunks: list[Chunk], policy: Policy | None = None, cached: dict[int, CachedAnswer] | None = None) -> Plan:
    query = Query(query="?", timeout_s=100, policy=policy or Policy())
    return make_plan(query, chunks, POOL, id_="q", reply="", created_at=1000, cached=cached or {})


def test_only_what_can_begin_is_assigned() -> None:
    made = plan([chunk(0), chunk(1, 0), chunk(2)])
    assert {assignment.chunk for assignment in made.assignments} == {0, 2}
    tasks = [entry.message for entry in new_entries(made, Space("t"), 1000) if entry.subject is TASK]
    assert {task.chunk for task in tasks if isinstance(task, Task)} == {0, 2}


def test_the_policy_limits_replicas() -> None:
    assert len(plan([chunk(0), chunk(1)], Policy(replicas=2)).assignments) == 4
    assert len(plan([chunk(0), chunk(1)]).assignments) == 2
    assert len(plan([chunk(0), chunk(1)], Policy(replicas=None)).assignments) == 3


def test_each_stage_of_a_chain_gets_the_same_time() -> None:
    chain = [chunk(0), chunk(1, 0), chunk(2, 1), chunk(3)]
    assert due_times(chain, 100, 130) == pytest.approx({0: 110, 1: 120})
    diamond = [chunk(0), chunk(1), chunk(2, 0), chunk(3, 1, 2)]
    assert due_times(diamond, 0, 30) == pytest.approx({0: 10, 1: 15, 2: 20})
    assert due_times([chunk(0)], 0, 30) == {}


def test_the_server_wakes_when_a_stage_is_due() -> None:
    made = plan([chunk(0), chunk(1, 0)])
    (entry,) = [entry for entry in new_entries(made, Space("t"), 1000) if entry.subject is PACE]
    assert entry.message == Due(id="q", chunk=0)
    assert entry.headers["Nats-Schedule-Target"] == Space("t").full(DUE.store, "due.q.0")
    assert 1000 < made.due[0] < made.assemble_by


def test_a_task_brings_what_its_chunk_needs() -> None:
    given = [Given(question="What is 2 times 3?", answer="6")]
    made = structs.replace(plan([chunk(0, context="Mars"), chunk(1)]), given={0: given})
    tasks = {entry.message.chunk: entry.message for entry in task_entries(made, made.assignments, 1000)}
    assert (tasks[0].context, tasks[0].given) == ("Mars", given)
    assert (tasks[1].context, tasks[1].given) == ("", [])


ANSWER = CachedAnswer(
    key="k", source=Source(query="q0", answered_at=1), winner="It is 6.", final="6", agreement=1, confidence=0.9
)


@pytest.mark.parametrize("replicas", [1, None])
def test_what_is_cached_is_not_asked(replicas: int | None) -> None:
    made = plan([chunk(0), chunk(1), chunk(2, 0)], Policy(replicas=replicas), {0: ANSWER})
    assert {assignment.chunk for assignment in made.assignments} == {1}
    assert made.cached == {0: ANSWER}


@pytest.mark.parametrize("replicas", [1, None])
def test_a_plan_of_which_nothing_is_asked_wakes_the_assembler(replicas: int | None) -> None:
    made = plan([chunk(0), chunk(1, 0)], Policy(replicas=replicas), {0: ANSWER})
    assert made.assignments == []
    assert REVISED in [entry.subject for entry in new_entries(made, Space("t"), 1000)]
    assert REVISED not in [entry.subject for entry in new_entries(plan([chunk(0)]), Space("t"), 1000)]


@pytest.mark.parametrize(
    ("replicas", "most", "num_nodes", "held", "told"),
    [
        (1, 3, 1000, (1, 3), ""),
        (None, 1, 3, (None, 1), ""),
        (None, 1, 9, (4, 1), "9 nodes"),
        (None, 9, 3, (None, 4), ""),
        (8, 8, 3, (4, 4), ""),
        (8, 8, 6, (4, 4), "6 nodes"),
    ],
)
def test_no_more_nodes_are_asked_than_the_operator_allows(
    replicas: int | None, most: int, num_nodes: int, held: tuple[int | None, int], told: str
) -> None:
    policy, notes = capped(Policy(replicas=replicas, max_replicas=most), num_nodes, 4)
    assert (policy.replicas, policy.max_replicas) == held
    assert [note for note in notes if told in note] == notes
    assert bool(notes) is bool(told)
