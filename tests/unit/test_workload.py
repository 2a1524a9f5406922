from __future__ import annotations

from msgspec import structs

from schemas.plans import Assignment, Chunk, Plan
from schemas.records import Presence
from schemas.terms import OnPartial
from services.decomposer.candidate import Candidate
from services.decomposer.route import extend
from services.decomposer.workload import FORGET_S, Workload

NODES = ("a", "b", "c")


def candidate(node: str) -> Candidate:
    return Candidate(
        Presence(node=node, cluster="c", supercluster="s", models=["m"], slots=1, fitness=0.5, started_at=0)
    )


def by_node(workload: Workload) -> dict[str, int]:
    return {node: num for node in NODES if (num := workload.busy(node))}


def task(node: str, chunk: int) -> Assignment:
    return Assignment(chunk=chunk, node=node, replica=0, fitness=0.5)


def plan(id_: str, *nodes: str, deadline_at: float = 10) -> Plan:
    return Plan(
        id=id_,
        query="?",
        reply="",
        created_at=0,
        deadline_at=deadline_at,
        assemble_by=deadline_at,
        on_partial=OnPartial.ACCEPT,
        chunks=[],
        assignments=[task(node, chunk) for chunk, node in enumerate(nodes)],
    )


def test_tasks_are_counted_from_the_last_plan_until_the_answer() -> None:
    workload = Workload()
    workload.begin(plan("q", "a", "a", "b"))
    workload.begin(plan("r", "b"))
    assert by_node(workload) == {"a": 2, "b": 2}
    workload.begin(structs.replace(plan("q", "c"), revision=1))
    assert by_node(workload) == {"b": 1, "c": 1}
    workload.end("q")
    assert by_node(workload) == {"b": 1}


def test_a_query_whose_end_was_not_seen_is_forgotten_after_its_deadline() -> None:
    workload = Workload()
    workload.begin(plan("q", "a"))
    workload.begin(plan("r", "b", deadline_at=100))
    workload.forget_ended(10 + FORGET_S)
    assert by_node(workload) == {"a": 1, "b": 1}
    workload.forget_ended(11 + FORGET_S)
    assert by_node(workload) == {"b": 1}
    workload.end("q")
    assert by_node(workload) == {"b": 1}


def test_one_more_draft_goes_to_a_node_that_is_free() -> None:
    workload, asked = Workload(), plan("q", "a")
    for at, busy in enumerate(("b", "c", "d")):
        workload.begin(plan(f"r{at}", busy))
    workload.begin(asked)
    asked = structs.replace(asked, chunks=[Chunk(index=0, text="write a poem", kind="text")])
    pool = workload.laden([candidate(node) for node in ("a", "b", "c", "d", "e")], besides="q")
    assert [node.busy for node in pool] == [0, 1, 1, 1, 0]
    assert [task.node for task in extend(asked, 0, pool).assignments] == ["a", "e"]


def test_a_node_that_has_answered_is_free_for_others() -> None:
    workload, asked = Workload(), plan("q", "a", "b")  # a chunk each
    workload.begin(asked)
    workload.answer(asked, [0])
    assert by_node(workload) == {"b": 1}
    one_more = structs.replace(asked, assignments=[*asked.assignments, task("c", 0)], revision=1)
    workload.begin(one_more)
    assert by_node(workload) == {"b": 1, "c": 1}
    workload.end("q")
    assert by_node(workload) == {}
    workload.begin(plan("q", "a"))
    assert by_node(workload) == {"a": 1}, "what was answered is forgotten with the query"
