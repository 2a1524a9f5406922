"""Change a plan in force: move tasks of nodes that left, add replicas, begin the next stage of a chain.

Outstanding tasks are the messages under `task.<node>.>` without a result.  A plan changes by compare-and-set on its
own subject, together with the new tasks, so that of several decomposers one wins and the others see its work.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from random import Random

import structlog
from msgspec import structs

from schemas.plans import Plan, Revised, Route
from schemas.subjects import ASSEMBLED, NODE_DURABLE, PLAN, RESULT, REVISED, TASK
from schemas.terms import CachedAnswer
from services.decomposer.candidate import Candidate
from services.decomposer.planning import task_entries
from services.decomposer.recall import recall
from services.decomposer.roster import Roster
from services.decomposer.route import extend, move, release
from services.decomposer.workload import Workload
from services.runtime.bus import Bus
from services.runtime.newer import unknown_fields
from services.runtime.routes import Delivery, Retry
from services.runtime.survey import find_depths
from services.runtime.telemetry.carried import carried, carrying
from services.runtime.wire import Conflict, Entry, Stored

log = structlog.get_logger(__name__)

FORGET_S = 30.0
NO_NODES_S = 0.5


class Replanner:
    """Revises plans."""

    def __init__(self, bus: Bus, roster: Roster, workload: Workload) -> None:
        self._bus = bus
        self._roster = roster
        self._workload = workload
        self._started = False

    async def on_route(self, delivery: Delivery[Route]) -> None:
        """Begin a chunk, add replicas to it, or mark it exhausted; once for each attempt."""
        wish = delivery.message
        stored = await self._open_plan(wish.id)
        if stored is None or stored.message.revision > wish.attempt:
            return
        plan, cached = stored.message, None
        self._workload.answer(plan, plan.chunks[wish.chunk].depends_on if wish.given else [wish.chunk])
        candidates = await self._pool(plan)
        if wish.given and plan.policy.cache:
            found = await recall(self._bus, [plan.chunks[wish.chunk]], wish.given, sure=plan.policy.min_confidence)
            cached = found.get(wish.chunk)
        if wish.given and not candidates and cached is None:
            raise Retry(NO_NODES_S)  # a stage that could begin may wait for a node as long as its query may
        try:
            await self._replace(stored, _revised(plan, wish, candidates, cached))
        except Conflict:
            raise Retry(0.05) from None

    async def move_from_absent(self) -> None:
        """Move the outstanding tasks of nodes that are away to live ones."""
        members = await self._roster.current()
        left, now = members.left, time.monotonic()
        if not self._started:  # a node may have left while no decomposer was there to see it
            durables = {depth.durable for depth in await find_depths(self._bus) if depth.waiting or depth.in_hand}
            nodes = {name.removeprefix(NODE_DURABLE) for name in durables if name.startswith(NODE_DURABLE)}
            left.update({node: now for node in nodes if node not in members})
            self._started = True
        for node, since in list(left.items()):
            if await self._move(node):
                left[node] = now
            elif now - since > FORGET_S:
                left.pop(node, None)

    async def _pool(self, plan: Plan) -> list[Candidate]:
        """Draw the nodes to choose from, those that the plan has asked among them, with what they have in hand."""
        asked = {str(assignment.node) for assignment in plan.assignments}
        pool = await self._roster.pool(Random(f"{plan.id}/{plan.revision}"), model=plan.model, besides=asked)
        able = [node for node in pool if node.can_call(plan.model)] if plan.generation.has_tools else pool
        return self._workload.laden(able, besides=plan.id)

    async def _move(self, node: str) -> bool:
        """Move one node's tasks, and tell whether any is outstanding."""
        tasks = [stored.message for stored in (await self._bus.read((TASK, TASK.at(node=node))))[TASK]]
        outstanding = False
        for id_ in {str(task.id) for task in tasks}:
            stored = await self._open_plan(id_)
            if stored is None:
                continue
            done = (await self._bus.read((RESULT, RESULT.at(id=id_, node=node))))[RESULT]
            gone = {(node, task.chunk) for task in tasks if task.id == id_} - {
                (node, result.message.chunk) for result in done
            }
            gone &= _pairs(stored.message)
            if not gone:
                continue
            outstanding = True
            try:
                await self._replace(stored, move(stored.message, gone, await self._pool(stored.message)))
            except Conflict:
                log.debug("plan.changed_meanwhile", query=id_)  # the next round reads it again
        return outstanding

    async def _open_plan(self, id_: str) -> Stored[Plan] | None:
        """Read a plan that is in force still."""
        found = await self._bus.read((PLAN, PLAN.at(id=id_)), (ASSEMBLED, ASSEMBLED.at(id=id_)))
        return next(iter(found[PLAN]), None) if not found[ASSEMBLED] else None

    async def _replace(self, old: Stored[Plan], plan: Plan) -> None:
        if plan is old.message:
            return
        before, after = _pairs(old.message), _pairs(plan)
        fresh = [task for task in plan.assignments if (str(task.node), task.chunk) not in before]
        if unknown := unknown_fields(old.message, old.payload):
            log.warning("plan.newer", query=plan.id, unknown=unknown)
        plan = structs.replace(plan, planned_at=old.message.planned_at or old.stored_at)
        with carrying(carried() or old.context):  # a node that left belongs to no trace, its tasks do
            await self._bus.commit(
                Entry(PLAN, plan, expect=old.sequence, over=old),
                Entry(REVISED, Revised(id=plan.id, revision=plan.revision)),
                *task_entries(plan, fresh, time.time()),
            )
        self._workload.begin(plan)
        for node, chunk in before - after:
            await self._bus.purge(TASK, node=node, id=plan.id, chunk=chunk)
        log.info("plan.revised", query=plan.id, revision=plan.revision, moved=len(fresh), exhausted=plan.exhausted)


def _pairs(plan: Plan) -> set[tuple[str, int]]:
    """List who is asked for what: node and chunk."""
    return {(str(assignment.node), assignment.chunk) for assignment in plan.assignments}


def _revised(plan: Plan, wish: Route, candidates: Sequence[Candidate], cached: CachedAnswer | None) -> Plan:
    if wish.given:
        return release(plan, wish.chunk, wish.given, candidates, cached)
    return extend(plan, wish.chunk, candidates, complaint=wish.complaint, strongest=wish.strongest)
