"""How what happened moves fitness.

Pure.  Fitness is an exponentially weighted mean of being right, in [MIN_FITNESS, 1]; latency one of seconds.  Feedback
moves it most, consensus less, and a vote that nobody else joined or opposed not at all: there is nothing to judge by.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from schemas.commands import Feedback
from schemas.messages import Assembled, ChunkOutcome, Result
from schemas.records import Fitness, Record
from schemas.terms import Operation
from services.voting.equivalence import equivalent

FEEDBACK_RATE = 0.2
CONSENSUS_RATE = 0.05
LATENCY_RATE = 0.2
MIN_FITNESS = 0.05
MAX_APPLIED = 128


class UnusableFeedback(ValueError):  # noqa: N818  # named for its cause
    """The feedback does not say which answer of the query was right or wrong."""


@dataclass(frozen=True, slots=True)
class Observation:
    """One thing learned of a node: whether it was right (None: unknown), at what rate, and how long it took.

    `at_least_s` is a bound for a node that did not answer in time.
    """

    node: str
    operation: Operation
    prior: float
    right: bool | None = None
    rate: float = 0.0
    latency_s: float | None = None
    at_least_s: float | None = None


def from_assembled(assembled: Assembled) -> list[Observation]:
    """Judge each vote of a sealed query by the consensus, and each silent node by the time that it had."""
    observations = []
    asked_s = max(0.0, assembled.sealed_at - assembled.planned_at)
    for outcome in assembled.outcomes:
        judged = len(outcome.votes) > 1
        observations += [
            Observation(
                vote.node,
                outcome.operation,
                prior=vote.fitness,
                right=vote.won if judged else None,
                rate=CONSENSUS_RATE,
                latency_s=vote.latency_s,
            )
            for vote in outcome.votes
        ]
        for silent in outcome.missing:
            if silent.failed:
                observations.append(Observation(silent.node, outcome.operation, 0.5, right=False, rate=CONSENSUS_RATE))
            elif outcome.decided in ("deadline", "none"):
                observations.append(Observation(silent.node, outcome.operation, 0.5, at_least_s=asked_s))
    return observations


def from_late(assembled: Assembled, result: Result) -> list[Observation]:
    """Judge a result that came after the seal, by the sealed winner; empty if it was counted."""
    outcome = next((each for each in assembled.outcomes if each.index == result.chunk), None)
    if (
        outcome is None
        or result.chosen is None
        or outcome.final is None
        or any(vote.node == result.node for vote in outcome.votes)
    ):
        return []
    return [
        Observation(
            result.node,
            outcome.operation,
            prior=0.5,
            right=equivalent(result.answers[result.chosen].final, outcome.final),
            rate=CONSENSUS_RATE,
            latency_s=result.latency_s,
        )
    ]


def from_feedback(assembled: Assembled, feedback: Feedback) -> list[Observation]:
    """Judge each vote by what the client said.  Raises UnusableFeedback."""
    if (feedback.good is None) == (feedback.answer is None):
        raise UnusableFeedback("give either `good` or `answer`")
    chunks = [each for each in assembled.outcomes if feedback.chunk in (None, each.index)]
    if not chunks:
        raise UnusableFeedback(f"$.chunk: the query has chunks 0 to {len(assembled.outcomes) - 1}")
    if len(chunks) > 1 and not feedback.good:
        raise UnusableFeedback("the query has several chunks; say by `chunk` which one is meant")
    return [each for outcome in chunks for each in _judge(outcome, feedback)]


def _judge(outcome: ChunkOutcome, feedback: Feedback) -> Iterable[Observation]:
    for vote in outcome.votes:
        if feedback.answer is not None:
            right: bool | None = equivalent(vote.final, feedback.answer)
        elif feedback.good:
            right = vote.won
        else:
            right = False if vote.won else None
        yield Observation(vote.node, outcome.operation, prior=vote.fitness, right=right, rate=FEEDBACK_RATE)


def learn(known: Fitness | None, observations: Iterable[Observation], sequence: int) -> Fitness:
    """Give a node's fitness after observations of it, which the message at `sequence` brought; there must be one.

    Observations that were applied already (by sequence) change nothing; nor do those older than all that is remembered.
    """
    observations = list(observations)
    first = observations[0]
    fitness = known or Fitness(node=first.node, overall=Record(fitness=first.prior))
    if sequence in fitness.applied or (len(fitness.applied) == MAX_APPLIED and sequence < fitness.applied[0]):
        return fitness
    applied = sorted([*fitness.applied, sequence])[-MAX_APPLIED:]
    operations = dict(fitness.operations)
    overall = fitness.overall
    for each in observations:
        operations[each.operation] = _move(operations.get(each.operation, Record(fitness=overall.fitness)), each)
        overall = _move(overall, each)
    return Fitness(node=fitness.node, overall=overall, operations=operations, applied=applied)


def _move(record: Record, seen: Observation) -> Record:
    value, latency_s = record.fitness, record.latency_s
    if seen.right is not None:
        value += seen.rate * (float(seen.right) - value)
    took_s = seen.latency_s
    if took_s is None and seen.at_least_s is not None:
        took_s = max(seen.at_least_s, latency_s or 0.0)
    if took_s is not None:
        latency_s = took_s if latency_s is None else latency_s + LATENCY_RATE * (took_s - latency_s)
    return Record(fitness=min(1.0, max(MIN_FITNESS, value)), count=record.count + 1, latency_s=latency_s)
