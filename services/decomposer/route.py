"""Which node answers which chunk.

Pure: candidates in, assignments out.  All live nodes take part: with more nodes than chunks several share a chunk,
with fewer each gets several.  A node's score is 0.7 x normalised expected latency + 0.3 x (1 - fitness), lower is
better; a chunk's replicas spread over superclusters, clusters and model families before the score counts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import msgspec

from schemas.messages import Assignment, Chunk, Plan
from schemas.records import Fitness, Presence, Record
from schemas.terms import Operation

LATENCY_SHARE = 0.7
FITNESS_SHARE = 0.3
MAX_ASSIGNMENTS = 900  # plan, timer and tasks are one atomic batch, of at most 1000 messages


@dataclass(frozen=True, slots=True)
class Candidate:
    """A live node: its heartbeat and what the trainer knows of it (None: nothing yet)."""

    presence: Presence
    fitness: Fitness | None = None

    def record(self, operation: Operation) -> Record:
        """Give what is known for an operation, else over all operations, else what the topology says."""
        if self.fitness is None:
            return Record(fitness=self.presence.fitness)
        return self.fitness.operations.get(operation, self.fitness.overall)


@dataclass
class _Draft:
    """Assignments so far, and how many each node has."""

    candidates: Sequence[Candidate]
    assignments: list[Assignment] = field(default_factory=list)
    load: Counter[str] = field(default_factory=Counter)

    def asked(self, chunk: int) -> list[Candidate]:
        nodes = {each.node for each in self.assignments if each.chunk == chunk}
        return [each for each in self.candidates if each.presence.node in nodes]

    def add(self, chunk: Chunk, pool: Sequence[Candidate]) -> None:
        asked = self.asked(chunk.index)
        scores = self._scores(chunk.operation, pool)
        best = min(pool, key=lambda each: (*_overlap(each, asked), scores[each.presence.node], each.presence.node))
        models = set(best.presence.models)
        self.load[best.presence.node] += 1
        self.assignments.append(
            Assignment(
                chunk=chunk.index,
                node=best.presence.node,
                replica=sum(1 for each in asked if models & set(each.presence.models)),
                fitness=best.record(chunk.operation).fitness,
            )
        )

    def _scores(self, operation: Operation, pool: Sequence[Candidate]) -> dict[str, float]:
        known = [s for each in pool if (s := each.record(operation).latency_s) is not None]
        typical_s = sorted(known)[len(known) // 2] if known else 1.0
        wait_s = {
            each.presence.node: (each.record(operation).latency_s or typical_s)
            * (1 + self.load[each.presence.node] / each.presence.slots)
            for each in pool
        }
        longest_s = max(wait_s.values()) or 1.0
        return {
            each.presence.node: LATENCY_SHARE * wait_s[each.presence.node] / longest_s
            + FITNESS_SHARE * (1 - each.record(operation).fitness)
            for each in pool
        }


def route(chunks: Sequence[Chunk], candidates: Sequence[Candidate]) -> list[Assignment]:
    """Assign every chunk to at least one node, and every node, up to MAX_ASSIGNMENTS, to a chunk.

    `candidates` must not be empty.
    """
    draft = _Draft(candidates)
    for chunk in chunks:
        idle = [each for each in candidates if not draft.load[each.presence.node]]
        draft.add(chunk, idle or candidates)
    turn = 0
    while len(draft.assignments) < MAX_ASSIGNMENTS:
        idle = [each for each in candidates if not draft.load[each.presence.node]]
        if not idle:
            break
        draft.add(chunks[turn % len(chunks)], idle)
        turn += 1
    return draft.assignments


def move(plan: Plan, gone: Collection[tuple[str, int]], candidates: Sequence[Candidate]) -> Plan:
    """Give the plan's next revision, with the (node, chunk) pairs in `gone` moved to live nodes.

    A pair is dropped when every live node has the chunk already.  It stays when there is no live node at all, or when
    it is the chunk's last replica and there is nobody to take it: the node may come back.
    """
    kept = [each for each in plan.assignments if (each.node, each.chunk) not in gone]
    draft = _Draft(candidates, kept, Counter(each.node for each in kept))
    for lost in plan.assignments:
        if (lost.node, lost.chunk) not in gone:
            continue
        nodes = {each.node for each in draft.assignments if each.chunk == lost.chunk}
        free = [each for each in candidates if each.presence.node not in nodes and each.presence.node != lost.node]
        if free:
            draft.add(plan.chunks[lost.chunk], free)
        elif not nodes:
            draft.assignments.append(lost)
    if set(draft.assignments) == set(plan.assignments):
        return plan
    return msgspec.structs.replace(plan, assignments=draft.assignments, revision=plan.revision + 1)


def extend(plan: Plan, chunk: int, candidates: Sequence[Candidate]) -> Plan:
    """Give the plan's next revision, with one more replica of a chunk, or with the chunk marked exhausted."""
    if chunk in plan.exhausted:
        return plan
    asked = {each.node for each in plan.assignments if each.chunk == chunk}
    fresh = [each for each in candidates if each.presence.node not in asked]
    if not fresh:
        return msgspec.structs.replace(plan, exhausted=[*plan.exhausted, chunk], revision=plan.revision + 1)
    draft = _Draft(candidates, list(plan.assignments), Counter(each.node for each in plan.assignments))
    draft.add(plan.chunks[chunk], fresh)
    return msgspec.structs.replace(plan, assignments=draft.assignments, revision=plan.revision + 1)


def _overlap(candidate: Candidate, asked: Sequence[Candidate]) -> tuple[int, int, int]:
    """Count what a node shares with those that have the chunk already: supercluster, cluster, model families."""
    mine = candidate.presence
    others = [each.presence for each in asked]
    return (
        sum(each.supercluster == mine.supercluster for each in others),
        sum(each.cluster == mine.cluster for each in others),
        sum(len(set(each.models) & set(mine.models)) for each in others),
    )
