"""What the answers so far amount to.

Pure: a plan, the results, the time and whether the deadline has passed in; an assessment out.  A chunk is decided when
every replica answered, or when the weight still outstanding can't change its winner.  Weight is fitness x confidence.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from msgspec import structs

from schemas.messages import Assembled, Assignment, Chunk, ChunkOutcome, Error, Missing, Plan, Result, Vote
from schemas.terms import ErrorCode, OnPartial, Status
from services.voting.vote import Ballot, Tally, settled, tally

MIN_WEIGHT = 1e-6


@dataclass(frozen=True)
class Assessment:
    """Each chunk's outcome so far, in order.

    `decided` holds the chunks that nothing can change any more, `failed` those whose replicas all failed and that
    want one more, `cancellable` the decided ones that nodes may still work on.
    """

    outcomes: tuple[ChunkOutcome, ...]
    decided: frozenset[int]
    failed: frozenset[int]
    cancellable: frozenset[int]

    @property
    def complete(self) -> bool:
        """Whether every chunk is decided."""
        return len(self.decided) == len(self.outcomes)


def assess(plan: Plan, results: Sequence[Result], *, deadline_passed: bool) -> Assessment:
    """Say how each chunk of a plan stands."""
    outcomes, decided, failed, cancellable = [], set(), set(), set()
    for chunk in plan.chunks:
        answers = {each.node: each for each in results if each.chunk == chunk.index}
        asked = [each for each in plan.assignments if each.chunk == chunk.index]
        open_ = [each for each in asked if each.node not in answers]
        count = _count(asked, answers)
        if not open_ and count is not None:
            how = "all"
        elif plan.policy.early and count and settled(count, sum(max(each.fitness, MIN_WEIGHT) for each in open_)):
            how = "early"
            cancellable.add(chunk.index)
        elif not open_ and chunk.index in plan.exhausted:
            how = "none"
        elif deadline_passed:
            how = "deadline" if count is not None else "none"
        else:
            how = ""
            if not open_:
                failed.add(chunk.index)
        if how:
            decided.add(chunk.index)
        outcomes.append(_outcome(chunk, how, asked, answers, count))
    return Assessment(tuple(outcomes), frozenset(decided), frozenset(failed), frozenset(cancellable))


def seal(
    plan: Plan,
    assessment: Assessment,
    *,
    planned_at: float,
    voted_at: float,
    sealed_at: float,
    cancelled: str | None = None,
) -> Assembled:
    """Make the seal of a query from an assessment in which every chunk is decided, or of a cancelled one."""
    status, error = _ending(plan, assessment, cancelled)
    return Assembled(
        id=plan.id,
        query=plan.query,
        reply=plan.reply,
        status=status,
        outcomes=list(assessment.outcomes),
        wording=plan.policy.wording,
        created_at=plan.created_at,
        planned_at=planned_at,
        voted_at=voted_at,
        sealed_at=sealed_at,
        deadline_at=plan.deadline_at,
        error=error,
        traceparent=plan.traceparent,
    )


def reshape(assembled: Assembled, trim: Callable[[ChunkOutcome], ChunkOutcome]) -> Assembled:
    """Trim each outcome."""
    return structs.replace(assembled, outcomes=[trim(each) for each in assembled.outcomes])


def _ending(plan: Plan, assessment: Assessment, cancelled: str | None) -> tuple[Status, Error | None]:
    if cancelled is not None:
        return Status.FAILED, Error(code=ErrorCode.CANCELLED, message=cancelled)
    whole = [each for each in assessment.outcomes if each.decided in ("all", "early")]
    answered = [each for each in assessment.outcomes if each.winner is not None]
    num = len(assessment.outcomes)
    if len(whole) == num:
        return Status.COMPLETE, None
    if not answered and all(each.index in plan.exhausted for each in assessment.outcomes):
        reason = next((each.reason for outcome in assessment.outcomes for each in outcome.missing), "no node")
        return Status.FAILED, Error(code=ErrorCode.INTERNAL, message=f"every node failed: {reason}")
    if not answered:
        return Status.FAILED, Error(code=ErrorCode.DEADLINE, message=f"none of {num} chunks was answered in time")
    if plan.on_partial is OnPartial.REFUSE:
        message = f"{len(whole)} of {num} chunks were decided by all votes in time, and on_partial is refuse"
        return Status.FAILED, Error(code=ErrorCode.DEADLINE, message=message)
    return Status.PARTIAL, None


def _count(asked: Sequence[Assignment], answers: dict[str, Result]) -> Tally | None:
    """Count the votes of the nodes that were asked, at the fitness they had when they were."""
    ballots = []
    for each in asked:
        result = answers.get(each.node)
        if result is not None and result.chosen is not None:
            answer = result.answers[result.chosen]
            weight = max(each.fitness * result.confidence, MIN_WEIGHT)
            ballots.append(Ballot(voter=each.node, text=answer.text, final=answer.final, weight=weight))
    return tally(ballots)


def _outcome(
    chunk: Chunk, how: str, asked: Sequence[Assignment], answers: dict[str, Result], count: Tally | None
) -> ChunkOutcome:
    winners = {each.voter for each in count.members} if count is not None else set()
    votes, missing = [], []
    for each in asked:
        result = answers.get(each.node)
        if result is not None and result.chosen is not None:
            answer = result.answers[result.chosen]
            votes.append(
                Vote(
                    node=each.node,
                    model=answer.model,
                    answer=answer.text,
                    final=answer.final,
                    weight=max(each.fitness * result.confidence, MIN_WEIGHT),
                    confidence=result.confidence,
                    fitness=each.fitness,
                    won=each.node in winners,
                    agreed=result.agreed,
                    latency_s=result.latency_s,
                    answers=result.answers,
                )
            )
        else:
            missing.append(Missing(node=each.node, reason=_reason(how, result), failed=result is not None))
    return ChunkOutcome(
        index=chunk.index,
        text=chunk.text,
        operation=chunk.operation,
        decided=how or "open",
        winner=count.winner.text if count is not None else None,
        final=count.winner.final if count is not None else None,
        agreement=count.agreement if count is not None else 0.0,
        votes=votes,
        missing=missing,
    )


def _reason(how: str, result: Result | None) -> str:
    if result is not None:
        return result.error or "no usable answer"
    return "not needed: decided before it answered" if how == "early" else "no answer in time"
