"""Recorded votes counted again by another rule, without asking any model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from msgspec import structs

from schemas.messages import Check, ChunkOutcome
from schemas.terms import CALCULATOR, VoteRule
from services.evaluation.answers import Answer
from services.kinds.code import CODE
from services.kinds.question import question
from services.kinds.table import named
from services.kinds.told import told
from services.voting.equivalence import equivalent
from services.voting.rules import Voter, count, counts_nodes
from services.voting.verdicts import Candidate, Verdicts, judge

EXAMPLES = "examples"  # the family of the checks that a node makes by running code


@dataclass(frozen=True, slots=True)
class Decision:
    """What a rule makes of a chunk's votes: the winner's text, its final answer, and how sure the rule is."""

    winner: str
    final: str
    confidence: float
    checks: Sequence[Check] = ()


def decide(outcome: ChunkOutcome, rule: VoteRule, *, whole: bool = False) -> Decision | None:
    """Count a chunk's votes again; None where that can't be, see `undecidable`.

    Of a chunk that is the `whole` request the demands are verified again, so that one that fails cannot win.
    """
    if undecidable(outcome, rule) is not None:
        return None
    verdicts = _judged(outcome) if whole else Verdicts()
    heard = [vote for vote in outcome.votes if vote.node not in verdicts.barred]
    voters = [
        voter
        for vote in heard
        if (voter := Voter.again(vote) or (Voter.lean(vote) if counts_nodes(rule) else None)) is not None
    ]
    calculated = next((vote.final for vote in outcome.votes if vote.node == CALCULATOR), None)
    asked = question(outcome.text, outcome.context, outcome.given)
    counted = count(rule, voters, calculated=calculated, num_options=named(outcome.kind).num_options(asked))
    if counted is None:
        return None
    winner = counted.tally.winner
    checks = verdicts.checks.get(winner.voter, [])
    return Decision(verdicts.texts.get(winner.voter, winner.text), winner.final, counted.confidence, checks)


def undecidable(outcome: ChunkOutcome, rule: VoteRule) -> str | None:
    """Say why a chunk's votes can't be counted again by a rule; None where they can."""
    if outcome.decided == "cached":
        return "answered from the cache, without a vote"
    if not outcome.votes:
        return "no vote on record"
    if not counts_nodes(rule) and any(not vote.answers for vote in outcome.votes if vote.node != CALCULATOR):
        return f"what each model said was left out of the record, and {rule.value} counts that"
    return None


def _judged(outcome: ChunkOutcome) -> Verdicts:
    """Verify the demands; what a node checked itself is on record of the winner alone."""
    run = [check for check in outcome.checks if check.family == EXAMPLES]
    candidates = {
        str(vote.node): Candidate(vote.answer, run if vote.answer == outcome.winner else ())
        for vote in outcome.votes
        if vote.node != CALCULATOR
    }
    return judge(outcome.text, candidates, is_code=outcome.kind == CODE.name)


def changed(outcome: ChunkOutcome, decision: Decision) -> bool:
    """Whether a decision is another than the one on record."""
    return outcome.final is None or not equivalent(outcome.final, decision.final)


def redecided(answer: Answer, rule: VoteRule) -> Answer:
    """Give the answer that the winners by another rule make, a line each; where nothing is on record the old one."""
    checked = len(answer.chunks) == 1 and (answer.policy is None or answer.policy.checks)
    decisions = [decide(chunk, rule, whole=checked) for chunk in answer.chunks]
    if not any(decisions):
        return answer
    chunks = [_with(chunk, made) for chunk, made in zip(answer.chunks, decisions, strict=True)]
    return structs.replace(answer, answer=_joined(chunks), chunks=chunks, synthesis=None)


def _with(chunk: ChunkOutcome, decision: Decision | None) -> ChunkOutcome:
    if decision is None:
        return chunk
    return structs.replace(chunk, winner=decision.winner, final=decision.final, confidence=decision.confidence)


def _joined(chunks: Sequence[ChunkOutcome]) -> str:
    return "\n".join(told(chunk) for chunk in chunks if chunk.winner is not None)
