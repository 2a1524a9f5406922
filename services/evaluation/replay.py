"""Recorded votes counted again by another rule, without asking any model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from msgspec import structs

from schemas.messages import ChunkOutcome
from schemas.terms import CALCULATOR, VoteRule
from services.evaluation.answers import Answer
from services.kinds.question import question
from services.kinds.table import named
from services.kinds.told import told
from services.voting.equivalence import equivalent
from services.voting.rules import Voter, count


@dataclass(frozen=True, slots=True)
class Decision:
    """What a rule makes of a chunk's votes: the winner's text, its final answer, and how sure the rule is."""

    winner: str
    final: str
    confidence: float


def decide(outcome: ChunkOutcome, rule: VoteRule) -> Decision | None:
    """Count a chunk's votes again; None if it has none, or if what the models said is not on record."""
    voters = [voter for vote in outcome.votes if (voter := Voter.again(vote)) is not None]
    calculated = next((vote.final for vote in outcome.votes if vote.node == CALCULATOR), None)
    asked = question(outcome.text, outcome.context, outcome.given)
    counted = count(rule, voters, calculated=calculated, num_options=named(outcome.kind).num_options(asked))
    if counted is None:
        return None
    return Decision(counted.tally.winner.text, counted.tally.winner.final, counted.confidence)


def changed(outcome: ChunkOutcome, decision: Decision) -> bool:
    """Whether a decision is another than the one on record."""
    return outcome.final is None or not equivalent(outcome.final, decision.final)


def redecided(answer: Answer, rule: VoteRule) -> Answer:
    """Give the answer that the winners by another rule make, a line each; where nothing is on record the old one."""
    decisions = [decide(each, rule) for each in answer.chunks]
    if not any(decisions):
        return answer
    chunks = [_with(chunk, made) for chunk, made in zip(answer.chunks, decisions, strict=True)]
    return structs.replace(answer, answer=_joined(chunks), chunks=chunks, synthesis=None)


def _with(chunk: ChunkOutcome, decision: Decision | None) -> ChunkOutcome:
    if decision is None:
        return chunk
    return structs.replace(chunk, winner=decision.winner, final=decision.final, confidence=decision.confidence)


def _joined(chunks: Sequence[ChunkOutcome]) -> str:
    return "\n".join(told(each) for each in chunks if each.winner is not None)
