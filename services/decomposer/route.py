"""Which node answers which chunk.

Pure: candidates in, assignments out.  All live nodes take part, unless the number of replicas is limited: with more
nodes than chunks several share a chunk, with fewer each gets several.  A node's score is 0.7 x normalised expected
latency + 0.3 x (1 - fitness), lower is better, and of equals the first is taken; a chunk's replicas spread over
superclusters, clusters and model families before the score counts.  Unfit nodes come last but for those that still load
a model, and these but for those whose models are all down.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import msgspec

from schemas.plans import Assignment, Chunk, Given, Plan
from schemas.terms import CachedAnswer
from services.decomposer.candidate import Candidate
from services.kinds.kind import Kind
from services.kinds.table import named
from services.voting.calibration import trust

LATENCY_SHARE = 0.7
FITNESS_SHARE = 0.3
UNFIT = 0.5  # of the fittest node's fitness: below it a node is asked when no other is left, however fast it is
SCORE_DECIMALS = 2  # nodes whose scores differ by less are as good
MAX_ASSIGNMENTS = 900  # plan, timer and tasks are one atomic batch, of at most 1000 messages


@dataclass
class _Draft:
    """Assignments so far, and how many each node has."""

    candidates: Sequence[Candidate]
    assignments: list[Assignment] = field(default_factory=list)
    load: Counter[str] = field(default_factory=Counter)

    def asked(self, chunk: int) -> list[Candidate]:
        nodes = {task.node for task in self.assignments if task.chunk == chunk}
        return [node for node in self.candidates if node.presence.node in nodes]

    def idle(self, pool: Sequence[Candidate]) -> list[Candidate]:
        return [node for node in pool if not self.load[node.presence.node]]

    def add_fresh(self, chunk: Chunk, complaint: str = "", *, strongest: bool = False) -> bool:
        """Add a replica on a node that has not the chunk yet, the strongest or an idle one; False if there is none."""
        nodes = {task.node for task in self.assignments if task.chunk == chunk.index}
        fresh = [node for node in self.candidates if node.presence.node not in nodes]
        if fresh:
            pool = fresh if strongest else self.idle(fresh) or fresh
            self.add(chunk, pool, complaint, strongest=strongest)
        return bool(fresh)

    def add(self, chunk: Chunk, pool: Sequence[Candidate], complaint: str = "", *, strongest: bool = False) -> None:
        asked, kind = self.asked(chunk.index), named(chunk.kind)
        scores = self._scores(chunk.kind, pool)
        fittest = max(node.record(chunk.kind).fitness for node in self.candidates)
        best = min(
            pool,
            key=lambda node: (
                not _models_up(node),
                bool(node.presence.loading),
                not (node.on_trial and not asked),
                node.record(chunk.kind).fitness < UNFIT * fittest,
                0.0 if kind.voted and not strongest else -_best_trust(node, kind),
                *_overlap(node, asked),
                round(scores[node.presence.node], SCORE_DECIMALS),
            ),
        )
        models = set(best.presence.models)
        self.load[best.presence.node] += 1
        self.assignments.append(
            Assignment(
                chunk=chunk.index,
                node=best.presence.node,
                replica=sum(1 for node in asked if models & set(node.presence.models)),
                fitness=best.record(chunk.kind).fitness,
                complaint=complaint,
                strongest=strongest,
            )
        )

    def _scores(self, kind: str, pool: Sequence[Candidate]) -> dict[str, float]:
        known = [s for node in pool if (s := node.record(kind).latency_s) is not None]
        typical_s = sorted(known)[len(known) // 2] if known else 1.0
        wait_s = {
            node.presence.node: (node.record(kind).latency_s or typical_s)
            * (1 + (self.load[node.presence.node] + node.busy) / node.presence.slots)
            for node in pool
        }
        longest_s = max(wait_s.values()) or 1.0
        return {
            node.presence.node: LATENCY_SHARE * wait_s[node.presence.node] / longest_s
            + FITNESS_SHARE * (1 - node.record(kind).fitness)
            for node in pool
        }


def route(chunks: Sequence[Chunk], candidates: Sequence[Candidate], replicas: int | None = None) -> list[Assignment]:
    """Assign each chunk to `replicas` nodes, as far as there are so many; up to MAX_ASSIGNMENTS.

    With None every chunk gets at least one node, and every node a chunk.  What is not voted on gets one node, whose
    best model is the best of all.  `candidates` must not be empty.
    """
    draft = _Draft(candidates)
    voted = [chunk for chunk in chunks if named(chunk.kind).voted]
    for replica in range(1 if replicas is None else min(replicas, len(candidates))):
        for chunk in (voted if replica else chunks)[: MAX_ASSIGNMENTS - len(draft.assignments)]:
            draft.add_fresh(chunk)
    turn = 0
    while replicas is None and voted and len(draft.assignments) < MAX_ASSIGNMENTS:
        idle = draft.idle(candidates)
        if not idle:
            break
        draft.add(voted[turn % len(voted)], idle)
        turn += 1
    return draft.assignments


def move(plan: Plan, gone: Collection[tuple[str, int]], candidates: Sequence[Candidate]) -> Plan:
    """Give the plan's next revision, with the (node, chunk) pairs in `gone` moved to live nodes.

    A pair is dropped when every live node has the chunk already.  It stays when there is no live node at all, or when
    it is the chunk's last replica and there is nobody to take it: the node may come back.
    """
    kept = [task for task in plan.assignments if (task.node, task.chunk) not in gone]
    draft = _Draft(candidates, kept, Counter(task.node for task in kept))
    for lost in plan.assignments:
        if (lost.node, lost.chunk) not in gone:
            continue
        nodes = {task.node for task in draft.assignments if task.chunk == lost.chunk}
        free = [node for node in candidates if node.presence.node not in nodes and node.presence.node != lost.node]
        if free:
            draft.add(plan.chunks[lost.chunk], free)
        elif not nodes:
            draft.assignments.append(lost)
    if set(draft.assignments) == set(plan.assignments):
        return plan
    return msgspec.structs.replace(plan, assignments=draft.assignments, revision=plan.revision + 1)


def extend(
    plan: Plan,
    chunk: int,
    candidates: Sequence[Candidate],
    replicas: int = 1,
    *,
    complaint: str = "",
    strongest: bool = False,
) -> Plan:
    """Give the plan's next revision, with `replicas` more of a chunk or as many as can be, told the `complaint`.

    They are on the `strongest` nodes that have not been asked, or on any.  The chunk is marked exhausted when there is
    no node left to ask.
    """
    if chunk in plan.exhausted:
        return plan
    draft = _Draft(candidates, list(plan.assignments), Counter(task.node for task in plan.assignments))
    wanted = range(min(replicas, MAX_ASSIGNMENTS))
    num_added = sum(draft.add_fresh(plan.chunks[chunk], complaint, strongest=strongest) for _ in wanted)
    if not num_added:
        return msgspec.structs.replace(plan, exhausted=[*plan.exhausted, chunk], revision=plan.revision + 1)
    return msgspec.structs.replace(plan, assignments=draft.assignments, revision=plan.revision + 1)


def release(
    plan: Plan, chunk: int, given: list[Given], candidates: Sequence[Candidate], cached: CachedAnswer | None = None
) -> Plan:
    """Give the plan's next revision, in which a chunk begins whose dependencies are answered.

    It gets as many nodes as the policy says, none if its answer is `cached`; else `candidates` must not be empty.
    """
    if chunk in plan.given:
        return plan
    begun = msgspec.structs.replace(plan, given={**plan.given, chunk: given})
    if cached is not None:
        return msgspec.structs.replace(begun, cached={**plan.cached, chunk: cached}, revision=plan.revision + 1)
    wanted = (plan.policy.replicas or len(candidates)) if named(plan.chunks[chunk].kind).voted else 1
    return extend(begun, chunk, candidates, wanted)


def _best_trust(candidate: Candidate, kind: Kind) -> float:
    """Tell how far the best model of a node is to be trusted with a kind of request, to a tenth."""
    method = kind.ways("")[0].method
    return round(max((trust(model, method) for model in _models_up(candidate)), default=0.0), 1)


def _models_up(candidate: Candidate) -> list[str]:
    return [model for model in candidate.presence.models if model not in candidate.presence.down]


def _overlap(candidate: Candidate, asked: Sequence[Candidate]) -> tuple[int, int, int]:
    """Count what a node shares with those that have the chunk already: supercluster, cluster, model families."""
    mine = candidate.presence
    others = [node.presence for node in asked]
    return (
        sum(other.supercluster == mine.supercluster for other in others),
        sum(other.cluster == mine.cluster for other in others),
        sum(len(set(other.models) & set(mine.models)) for other in others),
    )
