from __future__ import annotations

from msgspec import structs

from schemas.plans import Assignment, Plan
from schemas.terms import OnPartial
from services.decomposer.workload import FORGET_S, Workload

NODES = ("a", "b", "c")


def by_node(workload: Workload) -> dict[str, int]:
    return {node: num for node in NODES if (num := workload.busy(node))}


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
        assignments=[Assignment(chunk=i, node=node, replica=0, fitness=0.5) for i, node in enumerate(nodes)],
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
