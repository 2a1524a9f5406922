"""Who was right: votes judged by what a client says, by a known answer, or by the other votes.

Pure.  Feedback (a canary's known answer comes as feedback too) judges at full weight.  Consensus judges at a small
weight, and only where an answer has two voters at least: a vote that nobody joined or opposed tells nothing.  The
calculator, which computes what a chunk states, counts as two voters of models of their own.

Copies of one model (the same GGUF) err together, so k of them that agree are fewer than k voters.  RHO is the
correlation of their errors: each further copy adds 1 - RHO of what the one before it added, and all together are worth
less than 1 / RHO voters.  Copies that nobody else joins confirm little: their judgement counts 1 - RHO.  So a pool that
runs the same models everywhere still finds a node that differs from its copies, which must be broken.  It learns little
about how good the models are; feedback and canaries teach it that.

A text takes as long as it is long, which says nothing of the node: what is learned is the time that it would have taken
for TYPICAL_TOKENS.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from math import fsum

from schemas.commands import Feedback
from schemas.messages import Assembled, ChunkOutcome, Result, Vote
from schemas.terms import CALCULATOR
from services.kinds.table import named
from services.trainer.fitness import Observation
from services.voting.equivalence import equivalent
from services.voting.vote import classes, vote_of

FEEDBACK_WEIGHT = 1.0
CONSENSUS_WEIGHT = 0.2
RHO = 0.5
TYPICAL_TOKENS = 256
FEWEST_TOKENS = 32  # in fewer the time goes to reading the request
CALCULATOR_VOTERS = 2
UNKNOWN_FITNESS = 0.5  # of a node whose assignment is no longer at hand

Judgement = tuple[bool | None, float]


class UnusableFeedback(ValueError):  # noqa: N818  # named for its cause
    """The feedback does not say which answer of the query was right or wrong."""


def from_assembled(assembled: Assembled) -> list[Observation]:
    """Judge each vote of a sealed query by the consensus, and each silent node by the time that it had.

    How long a later stage of a chain had is not on record.
    """
    observations = []
    asked_s = max(0.0, assembled.sealed_at - assembled.planned_at)
    for outcome in assembled.outcomes:
        judged = _by_consensus(outcome.votes)
        observations += [
            _observation(vote, outcome, judged[vote.node], latency_s=_typical_s(vote, outcome))
            for vote in _of_nodes(outcome.votes)
        ]
        for silent in outcome.missing:
            node, kind = silent.node, outcome.kind
            if silent.failed:
                observations.append(Observation(node, kind, UNKNOWN_FITNESS, right=False, weight=CONSENSUS_WEIGHT))
            elif outcome.decided in ("deadline", "none") and not outcome.depends_on:
                observations.append(Observation(node, kind, UNKNOWN_FITNESS, at_least_s=asked_s))
    return observations


def from_late(assembled: Assembled, result: Result, feedback: Feedback | None = None) -> list[Observation]:
    """Judge a result that came after the seal as if it had come before, by feedback if there is any of use.

    Empty if it was counted, or holds no answer.
    """
    outcome = next((outcome for outcome in assembled.outcomes if outcome.index == result.chunk), None)
    if outcome is None or result.chosen is None or any(vote.node == result.node for vote in outcome.votes):
        return []
    final = result.answers[result.chosen].final
    won = outcome.final is not None and equivalent(final, outcome.final)
    vote = vote_of(result, result.chosen, weight=0.0, fitness=UNKNOWN_FITNESS, won=won)
    judgement = _by_consensus([*outcome.votes, vote])[vote.node]
    if feedback is not None and _is_meant(outcome, assembled, feedback):
        judgement = _by_feedback(vote, feedback)
    return [_observation(vote, outcome, judgement, latency_s=_typical_s(vote, outcome))]


def from_feedback(assembled: Assembled, feedback: Feedback) -> list[Observation]:
    """Judge each vote by what the client said.  Raises UnusableFeedback."""
    return [
        replace(_observation(vote, outcome, _by_feedback(vote, feedback)), told=f"{assembled.id}/{outcome.index}")
        for outcome in _meant(assembled, feedback)
        for vote in _of_nodes(outcome.votes)
    ]


def disproved(assembled: Assembled, feedback: Feedback) -> list[ChunkOutcome]:
    """List the chunks whose winner is wrong, by what the client said.  Raises UnusableFeedback."""
    return [
        outcome
        for outcome in _meant(assembled, feedback)
        if feedback.good is False
        or (feedback.answer is not None and not equivalent(outcome.final or "", feedback.answer))
    ]


def _meant(assembled: Assembled, feedback: Feedback) -> list[ChunkOutcome]:
    """List the chunks that feedback speaks of."""
    if (feedback.good is None) == (feedback.answer is None):
        raise UnusableFeedback("give either `good` or `answer`")
    chunks = [outcome for outcome in assembled.outcomes if feedback.chunk in (None, outcome.index)]
    if not chunks:
        raise UnusableFeedback(f"$.chunk: the query has chunks 0 to {len(assembled.outcomes) - 1}")
    if len(chunks) > 1 and not feedback.good:
        raise UnusableFeedback("the query has several chunks; say by `chunk` which one is meant")
    return chunks


def _is_meant(outcome: ChunkOutcome, assembled: Assembled, feedback: Feedback) -> bool:
    try:
        return outcome in _meant(assembled, feedback)
    except UnusableFeedback:
        return False


def _of_nodes(votes: Sequence[Vote]) -> list[Vote]:
    """Leave out the calculator, which has a say among the voters and nothing to learn."""
    return [vote for vote in votes if vote.node != CALCULATOR]


def _by_feedback(vote: Vote, feedback: Feedback) -> Judgement:
    if feedback.answer is not None:
        return equivalent(vote.final, feedback.answer), FEEDBACK_WEIGHT
    if feedback.good:
        return vote.won, FEEDBACK_WEIGHT
    return (False if vote.won else None), FEEDBACK_WEIGHT


def _by_consensus(votes: Sequence[Vote]) -> dict[str, Judgement]:
    """Judge votes by one another: right is the answer behind which most voters and most fitness stand, if it is one.

    Fitness alone must not judge: of two models that differ always the one ahead would win, and get further ahead.
    """
    grouped = classes(sorted(votes, key=lambda vote: str(vote.node)), lambda vote: vote.final)
    fitness = [_effective(members, lambda vote: vote.fitness * _voters(vote)) for members in grouped]
    number = [_effective(members, _voters) for members in grouped]
    unjudged: dict[str, Judgement] = {vote.node: (None, 0.0) for vote in votes}
    if not votes or max(sum(map(_voters, members)) for members in grouped) == 1:
        return unjudged
    right = max(range(len(grouped)), key=lambda i: number[i])
    rivals = [i for i in range(len(grouped)) if i != right]
    if not fitness[right] or any(number[i] >= number[right] or fitness[i] >= fitness[right] for i in rivals):
        return unjudged
    total = fsum(fitness)
    judged: dict[str, Judgement] = {}
    for i, members in enumerate(grouped):
        if i != right:
            weight = (fitness[right] - fitness[i]) / total
        else:
            weight = (fitness[right] - max((fitness[i] for i in rivals), default=0.0)) / total
            weight *= 1 - RHO if len({vote.model for vote in members}) == 1 else 1
        judged |= {vote.node: (i == right, CONSENSUS_WEIGHT * weight) for vote in members}
    return judged


def _effective(votes: Sequence[Vote], worth: Callable[[Vote], float]) -> float:
    """Add up what the voters for one answer are worth, copies of a model the less the more there are."""
    by_model: dict[str, list[float]] = defaultdict(list)
    for vote in votes:
        by_model[vote.model].append(worth(vote))
    return fsum(
        value * (1 - RHO) ** place
        for copies in by_model.values()
        for place, value in enumerate(sorted(copies, reverse=True))
    )


def _voters(vote: Vote) -> int:
    return CALCULATOR_VOTERS if vote.node == CALCULATOR else 1


def _typical_s(vote: Vote, outcome: ChunkOutcome) -> float:
    """Return how long a node takes for an answer of a kind, a text of a typical length."""
    tokens = sum(answer.completion_tokens for answer in vote.answers)
    if named(outcome.kind).voted or not tokens:
        return vote.latency_s
    return vote.latency_s * TYPICAL_TOKENS / max(FEWEST_TOKENS, tokens)


def _observation(
    vote: Vote, outcome: ChunkOutcome, judgement: Judgement, *, latency_s: float | None = None
) -> Observation:
    right, weight = judgement
    return Observation(vote.node, outcome.kind, vote.fitness, right=right, weight=weight, latency_s=latency_s)
