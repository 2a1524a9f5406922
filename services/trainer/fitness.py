"""How a node's fitness changes with what is observed of it.

Pure.  Fitness is the mean of a Beta posterior: judgements add to the evidence for right and for wrong, each by its
weight, and every judgement lets the older ones fade by 1/MEMORY, so that a mended node regains trust.  The prior is
what the topology says, worth PRIOR_WEIGHT judgements; a kind's prior is the node's fitness over all kinds,
so that one seldom asked for leans on the others.  Latency is an exponentially weighted mean.

Feedback on one chunk of a query moves a node once: the first counts.  A client that sends it again, or changes
its mind, moves nothing more, since what was learned in between can't be taken back.

Being slow is no reason to be distrusted, it only costs in routing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from schemas.records import MAX_LATENCY_S, Fitness, Record

MEMORY = 50
PRIOR_WEIGHT = 2.0
KIND_PRIOR_WEIGHT = 4.0
LATENCY_RATE = 0.2
MAX_APPLIED = 128
MAX_TOLD = 256


@dataclass(frozen=True, slots=True)
class Observation:
    """One thing learned of a node: whether it was right (None: unknown), how sure that is, and how long it took.

    `prior` is the fitness that it had then, `weight` in [0, 1] that of the judgement, `at_least_s` a bound for a node
    that did not answer in time.  `told` names the query and the chunk of which a client said it, empty if none did.
    """

    node: str
    kind: str
    prior: float
    right: bool | None = None
    weight: float = 0.0
    latency_s: float | None = None
    at_least_s: float | None = None
    told: str = ""


def learn(known: Fitness | None, observations: Iterable[Observation], sequence: int | None) -> Fitness:
    """Give a node's fitness after observations of it, which the message at `sequence` brought; there must be one.

    Observations that were applied already (by sequence) change nothing; nor do those older than all that is remembered.
    Feedback is of another stream and has no `sequence` here: it is known again by what it tells of.
    """
    observations = list(observations)
    first = observations[0]
    fitness = known or Fitness(node=first.node, overall=Record(fitness=first.prior), prior=first.prior)
    if sequence is not None and _is_applied(fitness.applied, sequence):
        return fitness
    observations = [seen for seen in observations if not seen.told or seen.told not in fitness.told]
    if not observations:
        return fitness
    told = dict.fromkeys(seen.told for seen in observations if seen.told)
    overall, kinds = fitness.overall, dict(fitness.kinds)
    for seen in observations:
        overall = _observed(overall, seen)
        kinds[seen.kind] = _observed(kinds.get(seen.kind, Record(fitness=seen.prior)), seen)
    overall = _estimated(overall, fitness.prior, PRIOR_WEIGHT)
    return replace(
        fitness,
        overall=overall,
        kinds={kind: _estimated(record, overall.fitness, KIND_PRIOR_WEIGHT) for kind, record in kinds.items()},
        applied=sorted([*fitness.applied, *([] if sequence is None else [sequence])])[-MAX_APPLIED:],
        told=[*fitness.told, *told][-MAX_TOLD:],
    )


def _is_applied(applied: Sequence[int], sequence: int) -> bool:
    return sequence in applied or (len(applied) == MAX_APPLIED and sequence < applied[0])


def _observed(record: Record, seen: Observation) -> Record:
    """Add an observation to the counts, the evidence and the latency."""
    record = replace(record, count=record.count + 1, latency_s=_latency_s(record.latency_s, seen))
    if seen.right is None:
        return record
    kept = 1 - 1 / MEMORY
    return replace(
        record,
        judged=record.judged + 1,
        right=record.right + seen.right,
        evidence_right=kept * record.evidence_right + seen.weight * seen.right,
        evidence_wrong=kept * record.evidence_wrong + seen.weight * (not seen.right),
    )


def _estimated(record: Record, prior: float, prior_weight: float) -> Record:
    """Give the record its fitness, from its evidence and a prior."""
    right = record.evidence_right + prior_weight * prior
    wrong = record.evidence_wrong + prior_weight * (1 - prior)
    return replace(record, fitness=min(1.0, right / (right + wrong)))


def _latency_s(known_s: float | None, seen: Observation) -> float | None:
    took_s = seen.latency_s
    if took_s is None and seen.at_least_s is not None:
        took_s = max(seen.at_least_s, known_s or 0.0)
    if took_s is not None:
        took_s = min(max(took_s, 0.0), MAX_LATENCY_S)  # a node says it, and the record has bounds
    if took_s is None or known_s is None:
        return known_s if took_s is None else took_s
    return known_s + LATENCY_RATE * (took_s - known_s)
