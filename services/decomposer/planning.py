"""Make a plan of a query, and the stream entries that put it in force.  Pure but for the clock passed in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from types import MappingProxyType

from msgspec import structs

from schemas.commands import Query
from schemas.plans import Assignment, Chunk, Due, Plan, Revised, Task, Timer
from schemas.subjects import ASSEMBLED, DEADLINE, DUE, PACE, PLAN, REVISED, TASK, TIMER, Space
from schemas.terms import CachedAnswer, Policy, Turn
from services.decomposer.candidate import Candidate
from services.decomposer.route import route
from services.kinds.table import named
from services.kinds.text import MAX_TOKENS as DEFAULT_TOKENS
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


def capped(policy: Policy, num_nodes: int, limit: int) -> tuple[Policy, list[str]]:
    """Ask no more than `limit` nodes for a chunk, and say so where of `num_nodes` more were wanted."""
    if max(policy.replicas or num_nodes, policy.max_replicas) <= limit:
        return policy, []
    wanted = min(num_nodes, max(policy.replicas or num_nodes, policy.max_replicas))
    replicas = policy.replicas or (limit if num_nodes > limit else None)
    held = structs.replace(
        policy, replicas=replicas and min(replicas, limit), max_replicas=min(policy.max_replicas, limit)
    )
    note = f"Up to {wanted} nodes were wanted for a chunk; the operator allows {limit}."
    return held, [note] if wanted > limit else []


def sure_enough(policy: Policy, default: float) -> Policy:
    """Give the policy of a client, who may leave it to the operator how sure an answer has to be."""
    if policy.min_confidence is not None or not default:
        return policy
    return structs.replace(policy, min_confidence=default)


def capped_tokens(query: Query, limit: int | None) -> tuple[Query, list[str]]:
    """Have no generation of a query be longer than `limit` tokens, and say so where more were wanted."""
    if limit is None or (query.max_tokens or DEFAULT_TOKENS) <= limit:
        return query, []
    notes = [f"Up to {query.max_tokens} tokens were wanted; the operator allows {limit}."] if query.max_tokens else []
    return structs.replace(query, max_tokens=limit), notes


def make_plan(
    query: Query,
    chunks: list[Chunk],
    candidates: Sequence[Candidate],
    *,
    id_: str,
    reply: str,
    created_at: float,
    turns: Sequence[Turn] = (),
    cached: Mapping[int, CachedAnswer] = MappingProxyType({}),
    notes: Sequence[str] = (),
) -> Plan:
    """Make a plan: route the chunks that can begin and are not `cached` to the candidates.

    There must be a candidate, unless every chunk is cached.
    """
    deadline_at = created_at + query.timeout_s
    assemble_by = deadline_at - reserve_s(query.timeout_s, len(chunks))
    askable = [chunk for chunk in chunks if not chunk.depends_on and chunk.index not in cached]
    return Plan(
        id=id_,
        query=query.text,
        reply=reply,
        created_at=created_at,
        deadline_at=deadline_at,
        assemble_by=assemble_by,
        on_partial=query.on_partial,
        chunks=chunks,
        assignments=route(askable, candidates, query.policy.replicas) if askable else [],
        policy=query.policy,
        due=due_times(chunks, created_at, assemble_by),
        cached=dict(cached),
        turns=[*turns],
        followed=[*query.followed],
        generation=query.generation,
        local_time=query.local_time,
        model=query.model,
        notes=list(notes),
    )


def due_times(chunks: Sequence[Chunk], begin: float, end: float) -> dict[int, float]:
    """Say by when each chunk that others depend on should be decided: each stage of a chain gets the same time."""
    before, after = dict.fromkeys(range(len(chunks)), 1), dict.fromkeys(range(len(chunks)), 0)
    for chunk in chunks:
        before[chunk.index] = 1 + max((before[earlier] for earlier in chunk.depends_on), default=0)
    for chunk in reversed(chunks):
        for earlier in chunk.depends_on:
            after[earlier] = max(after[earlier], 1 + after[chunk.index])
    awaited = sorted(set(chain.from_iterable(chunk.depends_on for chunk in chunks)))
    return {index: begin + (end - begin) * before[index] / (before[index] + after[index]) for index in awaited}


NewEntry = Entry[Plan] | Entry[Timer] | Entry[Due] | Entry[Revised] | Entry[Task]


def new_entries(plan: Plan, space: Space, now: float) -> list[NewEntry]:
    """List what a new plan commits in one batch: itself, its timers and its tasks.

    A plan with cached answers wakes the assembler, since no result may ever come.
    """
    target = space.full(DEADLINE.store, DEADLINE.at(id=plan.id))
    schedule = _schedule(plan.assemble_by, target) | {
        "Nats-Expected-Last-Subject-Sequence": "0",  # an id that was sealed before may not come to life again
        "Nats-Expected-Last-Subject-Sequence-Subject": space.full(ASSEMBLED.store, ASSEMBLED.at(id=plan.id)),
    }
    return [
        Entry(PLAN, plan, expect=0),
        Entry(TIMER, Timer(id=plan.id), headers=schedule),
        *(
            Entry(PACE, due, headers=_schedule(when, space.full(DUE.store, DUE.name(due))))
            for due, when in ((Due(id=plan.id, chunk=chunk), when) for chunk, when in plan.due.items())
        ),
        *([Entry(REVISED, Revised(id=plan.id, revision=plan.revision))] if plan.cached else []),
        *task_entries(plan, plan.assignments, now),
    ]


def _schedule(when: float, target: str) -> dict[str, str]:
    return {"Nats-Schedule": at(when), "Nats-Schedule-Target": target, "Nats-Schedule-TTL": "60s"}


def task_entries(plan: Plan, assignments: Sequence[Assignment], now: float) -> list[Entry[Task]]:
    """List the tasks of some of a plan's assignments; they expire when nobody will count them any more."""
    ttl_s = max(1.0, plan.assemble_by - now + 1.0)
    return [Entry(TASK, _task(plan, assignment), ttl_s=ttl_s) for assignment in assignments]


def _task(plan: Plan, assignment: Assignment) -> Task:
    chunk = plan.chunks[assignment.chunk]
    return Task(
        id=plan.id,
        chunk=chunk.index,
        node=assignment.node,
        text=chunk.text,
        kind=chunk.kind,
        replica=assignment.replica,
        deadline_at=plan.assemble_by,
        context=chunk.context,
        given=plan.given.get(chunk.index, []),
        turns=plan.turns,
        followed=plan.followed,
        generation=plan.generation,
        local_time=plan.local_time,
        model=plan.model,
        complaint=assignment.complaint,
        stream=len(plan.chunks) == 1 and not named(chunk.kind).voted,
        checks=plan.policy.checks,
    )
