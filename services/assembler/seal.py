"""The seal of a query: what an assessment with every chunk decided comes to, and what may be kept of it.  Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import structs

from schemas.cache import cache_key
from schemas.messages import Assembled, ChunkOutcome, Error, Result
from schemas.plans import Plan
from schemas.terms import CANARY, CachedAnswer, ErrorCode, OnPartial, Source, Status, unknown_terms
from services.assembler.assembly import Assessment
from services.assembler.outcome import UNSURE

WORTH_KEEPING = 0.8  # the least confidence of an answer that later queries may be given


def seal(
    plan: Plan,
    assessment: Assessment,
    *,
    planned_at: float,
    voted_at: float,
    sealed_at: float,
    failed: Error | None = None,
) -> Assembled:
    """Make the seal of a query from an assessment in which every chunk is decided, or of one that `failed`."""
    status, error = _ending(plan, assessment) if failed is None else (Status.FAILED, failed)
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
        notes=[*plan.notes, *_not_understood(plan)],
    )


def reshape(assembled: Assembled, trim: Callable[[ChunkOutcome], ChunkOutcome]) -> Assembled:
    """Trim each outcome."""
    return structs.replace(assembled, outcomes=[trim(outcome) for outcome in assembled.outcomes])


def is_counted(assembled: Assembled, result: Result) -> bool:
    """Tell whether a seal names a result among its votes, or among those that failed."""
    return any(
        result.node in {vote.node for vote in outcome.votes}
        or result.node in {missing.node for missing in outcome.missing if missing.failed}
        for outcome in assembled.outcomes
        if outcome.index == result.chunk
    )


def cacheable(plan: Plan, assembled: Assembled) -> list[CachedAnswer]:
    """List what later queries may be answered with: what was voted on in this one and is sure enough."""
    if not plan.policy.cache or plan.id.startswith(CANARY):
        return []
    source = Source(query=plan.id, answered_at=assembled.sealed_at)
    return [
        CachedAnswer(
            key=cache_key(outcome, outcome.given),
            source=source,
            winner=outcome.winner,
            final=outcome.final,
            agreement=outcome.agreement,
            confidence=outcome.confidence,
        )
        for outcome in assembled.outcomes
        if outcome.decided in ("all", "early") and outcome.winner and outcome.final
        if outcome.confidence >= WORTH_KEEPING
    ]


def _not_understood(plan: Plan) -> list[str]:
    """Tell what the plan of a newer version asks for that is not known here."""
    asked = [("on_partial", plan.on_partial), ("policy", plan.policy)]
    unknown = [found for name, value in asked for found in unknown_terms(value, name)]
    return [f"The default was taken in place of {path}={value}, which is not known here." for path, value in unknown]


def _is_whole(outcome: ChunkOutcome) -> bool:
    """Tell whether nothing of an outcome is owed to a lack of time."""
    return outcome.decided in ("all", "early", "cached") and outcome.finish != "deadline"


def _ending(plan: Plan, assessment: Assessment) -> tuple[Status, Error | None]:
    outcomes = assessment.outcomes
    if all(map(_is_whole, outcomes)):
        return Status.COMPLETE, None
    if all(outcome.winner is None and outcome.decided != UNSURE for outcome in outcomes):
        return Status.FAILED, _unanswered(plan, outcomes)
    if plan.on_partial is OnPartial.REFUSE:
        return Status.FAILED, _refused(outcomes)
    return Status.PARTIAL, None


def _unanswered(plan: Plan, outcomes: Sequence[ChunkOutcome]) -> Error:
    """Say why no chunk has an answer."""
    first = [outcome.index for outcome in outcomes if not outcome.depends_on]  # without these there are no others
    if not set(first) <= set(plan.exhausted):
        return Error(code=ErrorCode.DEADLINE, message=f"none of {len(outcomes)} chunks was answered in time")
    reason = next((missing.reason for outcome in outcomes for missing in outcome.missing), "no node")
    if any(missing.too_long for outcome in outcomes for missing in outcome.missing):
        return Error(code=ErrorCode.TOO_LARGE, message=reason)
    return Error(code=ErrorCode.INTERNAL, message=f"every node failed: {reason}")


def _refused(outcomes: Sequence[ChunkOutcome]) -> Error:
    """Say why the whole is not what a client wants who takes no part of it."""
    num = len(outcomes)
    unsure = [outcome for outcome in outcomes if outcome.decided == UNSURE]
    if unsure:
        told = f"{len(unsure)} of {num} chunks are not sure enough, and on_partial is refuse: {unsure[0].reason}"
        return Error(code=ErrorCode.UNSURE, message=told)
    whole = sum(map(_is_whole, outcomes))
    told = f"{whole} of {num} chunks were decided by all votes in time, and on_partial is refuse"
    return Error(code=ErrorCode.DEADLINE, message=told)
