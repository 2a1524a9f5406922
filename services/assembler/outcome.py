"""A chunk's votes and what they amount to.

Pure: the nodes that were asked and their results in, a count and an outcome out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec import structs

from schemas.messages import ChunkOutcome, Missing, ModelAnswer, Result, Vote
from schemas.plans import Assignment, Chunk, Given
from schemas.terms import CALCULATOR, CachedAnswer, VoteRule
from services.kinds.question import question
from services.kinds.table import named
from services.voting.calculator import calculate
from services.voting.rules import CALCULATOR_WEIGHT, Count, Voter, count
from services.voting.verdicts import Verdicts
from services.voting.vote import classes, vote_of

UNSURE = "unsure"
MAX_TOLD_CHARS = 60


def count_votes(
    rule: VoteRule,
    chunk: Chunk,
    asked: Sequence[Assignment],
    answers: Mapping[str, Result],
    given: Sequence[Given],
    *,
    barred: frozenset[str] = frozenset(),
) -> Count | None:
    """Count what the nodes that were asked have answered (`answers`, by node), at the fitness they had then.

    What the `barred` nodes said fails a demand that another meets, and counts for nothing.
    """
    heard = [task for task in asked if task.node in answers and task.node not in barred]
    voters = [Voter.of(answers[task.node], task.fitness) for task in heard]
    return count(
        rule,
        [voter for voter in voters if voter is not None],
        awaited=[task.fitness for task in asked if task.node not in answers],
        calculated=_calculated(chunk, given),
        num_options=named(chunk.kind).num_options(question(chunk.text, chunk.context, given)),
    )


def outcome(
    chunk: Chunk,
    *,
    how: str,
    asked: Sequence[Assignment],
    answers: Mapping[str, Result],
    counted: Count | None,
    given: Sequence[Given],
    verdicts: Verdicts,
) -> ChunkOutcome:
    """Say what became of a chunk that is decided as `how` says (empty: it is open)."""
    votes, missing = [], []
    for task in asked:
        result = answers.get(task.node)
        if counted is not None and result is not None and result.chosen is not None:
            weight, won = counted.weights.get(task.node, 0.0), task.node in counted.winners
            votes.append(vote_of(result, result.chosen, weight=weight, fitness=task.fitness, won=won))
        else:
            missing.append(
                Missing(
                    node=task.node,
                    reason=_reason(how, result),
                    failed=result is not None,
                    too_long=result is not None and result.too_long,
                )
            )
    if counted is not None and CALCULATOR in counted.weights:
        votes.append(_calculator_vote(_calculated(chunk, given) or "", counted))
    result, said = _spoken(counted, answers.values())
    return ChunkOutcome(
        index=chunk.index,
        text=chunk.text,
        kind=chunk.kind,
        decided=how or "open",
        winner=_text(counted, result, verdicts) if counted is not None else None,
        final=counted.tally.winner.final if counted is not None else None,
        agreement=counted.tally.agreement if counted is not None else 0.0,
        confidence=counted.confidence if counted is not None else 0.0,
        votes=votes,
        missing=missing,
        depends_on=chunk.depends_on,
        context=chunk.context,
        given=list(given),
        finish=said.finish if said else None,
        dropped_turns=result.dropped_turns if result else 0,
        checks=verdicts.checks.get(result.node, []) if result else [],
        calls=said.calls if said else [],
    )


def _text(counted: Count, result: Result | None, verdicts: Verdicts) -> str:
    """Return the winner's text, mended where that was what its node chose."""
    text = counted.tally.winner.text
    chosen = result.answers[result.chosen].text if result is not None and result.chosen is not None else None
    return verdicts.texts.get(result.node, text) if result is not None and chosen == text else text


def _spoken(counted: Count | None, answers: Iterable[Result]) -> tuple[Result, ModelAnswer] | tuple[None, None]:
    """Find the result and the model's answer that the winner's text is from."""
    if counted is not None:
        winner = counted.tally.winner
        for result in answers:
            for said in result.answers:
                if (result.node, said.text, said.final) == (winner.voter, winner.text, winner.final):
                    return result, said
    return None, None


def withheld(found: ChunkOutcome, *, wanted: float) -> ChunkOutcome:
    """Take the answer out of an outcome that is not sure enough, and say what was voted in its place."""
    grouped = sorted(classes(found.votes, lambda vote: vote.final), key=len, reverse=True)
    voted = ", ".join(f"{_short(members[0].final)} ({len(members)})" for members in grouped)
    reason = f"the likeliest answer has confidence {found.confidence:.2f}, and {wanted:g} is wanted; voted: {voted}"
    return structs.replace(found, decided=UNSURE, winner=None, final=None, finish=None, checks=[], reason=reason)


def recalled(chunk: Chunk, cached: CachedAnswer, given: Sequence[Given]) -> ChunkOutcome:
    """Say that a chunk was answered before, in another query."""
    return ChunkOutcome(
        index=chunk.index,
        text=chunk.text,
        kind=chunk.kind,
        decided="cached",
        winner=cached.winner,
        final=cached.final,
        agreement=cached.agreement,
        confidence=cached.confidence,
        depends_on=chunk.depends_on,
        context=chunk.context,
        given=list(given),
        source=cached.source,
    )


def _calculated(chunk: Chunk, given: Sequence[Given]) -> str | None:
    if not named(chunk.kind).stated:
        return None
    return calculate(question(chunk.text, chunk.context, given))


def _short(final: str) -> str:
    return final if len(final) <= MAX_TOLD_CHARS else f"{final[: MAX_TOLD_CHARS - 1]}…"


def _calculator_vote(value: str, counted: Count) -> Vote:
    return Vote(
        node=CALCULATOR,
        model=CALCULATOR,
        answer=value,
        final=value,
        weight=counted.weights[CALCULATOR],
        confidence=CALCULATOR_WEIGHT,
        fitness=1.0,
        won=CALCULATOR in counted.winners,
        latency_s=0.0,
        answers=[],
    )


def _reason(how: str, result: Result | None) -> str:
    if result is not None:
        return result.error or "no usable answer"
    return "not needed: decided before it answered" if how == "early" else "no answer in time"
