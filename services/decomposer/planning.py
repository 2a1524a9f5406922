"""Make a plan of a query, and the stream entries that put it in force.  Pure but for the clock passed in."""

from __future__ import annotations

from collections.abc import Sequence

from schemas.commands import Query
from schemas.messages import Assignment, Chunk, Plan, Task, Timer
from schemas.subjects import ASSEMBLED, DEADLINE, PLAN, TASK, TIMER, Space
from services.decomposer.route import Candidate, route
from services.runtime.wire import Entry, at

SYNTHESIS_SHARE = 0.3
MAX_SYNTHESIS_S = 20.0
DELIVERY_SHARE = 0.25
MAX_DELIVERY_S = 0.5


def reserve_s(timeout_s: float, num_chunks: int) -> float:
    """Give the part of a query's time that is kept for writing and sending the answer.

    One chunk needs no writing; half a second covers the server's lateness in firing the deadline (250 ms at most).
    """
    if num_chunks == 1:
        return min(MAX_DELIVERY_S, DELIVERY_SHARE * timeout_s)
    return min(MAX_SYNTHESIS_S, SYNTHESIS_SHARE * timeout_s)


def make_plan(
    query: Query,
    chunks: list[Chunk],
    candidates: Sequence[Candidate],
    *,
    id_: str,
    reply: str,
    created_at: float,
    traceparent: str | None,
) -> Plan:
    """Route the chunks to the candidates, of which there must be one."""
    deadline_at = created_at + query.timeout_s
    return Plan(
        id=id_,
        query=query.query,
        reply=reply,
        created_at=created_at,
        deadline_at=deadline_at,
        assemble_by=deadline_at - reserve_s(query.timeout_s, len(chunks)),
        on_partial=query.on_partial,
        chunks=chunks,
        assignments=route(chunks, candidates),
        policy=query.policy,
        traceparent=traceparent,
    )


def new_entries(plan: Plan, space: Space, now: float) -> list[Entry[Plan] | Entry[Timer] | Entry[Task]]:
    """List what a new plan commits in one batch: itself, its timer and its tasks."""
    target = DEADLINE.name(Timer(id=plan.id))
    schedule = {
        "Nats-Schedule": at(plan.assemble_by),
        "Nats-Schedule-Target": space.full(DEADLINE.store, target),
        "Nats-Schedule-TTL": "60s",
        "Nats-Expected-Last-Subject-Sequence": "0",  # an id that was sealed before may not come to life again
        "Nats-Expected-Last-Subject-Sequence-Subject": space.full(ASSEMBLED.store, ASSEMBLED.at(id=plan.id)),
    }
    return [
        Entry(PLAN, plan, expect=0),
        Entry(TIMER, Timer(id=plan.id), headers=schedule),
        *task_entries(plan, plan.assignments, now),
    ]


def task_entries(plan: Plan, assignments: Sequence[Assignment], now: float) -> list[Entry[Task]]:
    """List the tasks of some of a plan's assignments; they expire when nobody will count them any more."""
    ttl_s = max(1.0, plan.assemble_by - now + 1.0)
    return [
        Entry(
            TASK,
            Task(
                id=plan.id,
                chunk=each.chunk,
                node=each.node,
                text=plan.chunks[each.chunk].text,
                operation=plan.chunks[each.chunk].operation,
                replica=each.replica,
                deadline_at=plan.assemble_by,
                context=plan.chunks[each.chunk].context,
            ),
            ttl_s=ttl_s,
        )
        for each in assignments
    ]
