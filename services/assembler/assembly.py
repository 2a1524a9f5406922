"""What the answers so far amount to.

Pure: a plan, the results, the time and whether the deadline has passed in; an assessment out.  A chunk is decided when
every replica answered, or when those still out need not be awaited; where the answers that came do not suffice, more
replicas are wanted first.  A chunk that depends on others is wanted once these are decided, and lost when one of them
has no answer.  A chunk that is cached is decided from the start, and one that another was built on stays as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from msgspec import structs

from schemas.cache import cache_key
from schemas.messages import (
    Assembled,
    Chunk,
    ChunkOutcome,
    Error,
    Given,
    Plan,
    Result,
    Route,
)
from schemas.terms import CANARY, CachedAnswer, ErrorCode, OnPartial, Source, Status
from services.assembler.outcome import count_votes, outcome, recalled
from services.kinds.table import named
from services.voting.rules import Count

ENOUGH = 0.8  # an answer of this confidence is worth no more replicas, and worth keeping
SPARE = 1.5  # one more replica is asked if there is so many times the time left that the slowest took so far


@dataclass(frozen=True)
class Assessment:
    """Each chunk's outcome so far, in order.

    `decided` holds the chunks that nothing can change any more, `wanted` what is to be asked for others of them (to
    begin, or another replica), `cancellable` the decided ones that nodes may still work on.
    """

    outcomes: tuple[ChunkOutcome, ...]
    decided: frozenset[int]
    wanted: Mapping[int, Route]
    cancellable: frozenset[int]

    @property
    def complete(self) -> bool:
        """Whether every chunk is decided."""
        return len(self.decided) == len(self.outcomes)


def assess(plan: Plan, results: Sequence[Result], *, deadline_passed: bool, now: float = 0.0) -> Assessment:
    """Say how each chunk of a plan stands; `now` (Unix s) tells which chunks are due."""
    outcomes: list[ChunkOutcome] = []
    decided, wanted, cancellable = set(), {}, set()
    built_on = _built_on(plan)
    for chunk in plan.chunks:
        if (cached := plan.cached.get(chunk.index)) is not None:
            decided.add(chunk.index)
            outcomes.append(recalled(chunk, cached, plan.given.get(chunk.index, [])))
            continue
        if chunk.depends_on and chunk.index not in plan.given:
            outcomes.append(_not_begun(chunk, outcomes, deadline_passed=deadline_passed))
            if outcomes[-1].decided == "none":
                decided.add(chunk.index)
            elif decided.issuperset(chunk.depends_on):
                wanted[chunk.index] = _wish(plan, chunk, _given(plan, chunk, outcomes))
            continue
        answers = {str(each.node): each for each in results if each.chunk == chunk.index}
        asked = [each for each in plan.assignments if each.chunk == chunk.index]
        given = plan.given.get(chunk.index, [])
        kept = built_on.get(chunk.index)
        counted = count_votes(plan.policy.vote, chunk, asked, answers, given, kept=kept)
        awaited = sum(each.node not in answers for each in asked)
        more = not awaited and chunk.index not in plan.exhausted
        if more and counted is not None:
            more = kept is None and _is_worth_more(plan, chunk, counted, list(answers.values()), now)
        how = _how(
            plan,
            chunk,
            counted,
            awaited=awaited,
            more=more,
            kept=kept is not None,
            deadline_passed=deadline_passed,
            now=now,
        )
        if how:
            decided.add(chunk.index)
        elif more:
            wanted[chunk.index] = _wish(plan, chunk)
        if how and awaited:
            cancellable.add(chunk.index)
        outcomes.append(outcome(chunk, how=how, asked=asked, answers=answers, counted=counted, given=given))
    return Assessment(tuple(outcomes), frozenset(decided), wanted, frozenset(cancellable))


def uncounted(plan: Plan, reason: str) -> Assessment:
    """Give the assessment of a query that cannot be assessed: every chunk is without an answer, for `reason`."""
    outcomes = [_unanswered(each, reason) for each in plan.chunks]
    return Assessment(tuple(outcomes), frozenset(each.index for each in outcomes), {}, frozenset())


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
        traceparent=plan.traceparent,
    )


def reshape(assembled: Assembled, trim: Callable[[ChunkOutcome], ChunkOutcome]) -> Assembled:
    """Trim each outcome."""
    return structs.replace(assembled, outcomes=[trim(each) for each in assembled.outcomes])


def cacheable(plan: Plan, assembled: Assembled) -> list[CachedAnswer]:
    """List what later queries may be answered with: what was voted on in this one and is sure enough."""
    if not plan.policy.cache or plan.id.startswith(CANARY):
        return []
    source = Source(query=plan.id, answered_at=assembled.sealed_at)
    return [
        CachedAnswer(
            key=cache_key(each, each.given),
            source=source,
            winner=each.winner,
            final=each.final,
            agreement=each.agreement,
            confidence=each.confidence,
        )
        for each in assembled.outcomes
        if each.decided in ("all", "early") and each.winner and each.final and each.confidence >= ENOUGH
    ]


def _how(
    plan: Plan,
    chunk: Chunk,
    counted: Count | None,
    *,
    awaited: int,
    more: bool,
    kept: bool,
    deadline_passed: bool,
    now: float,
) -> str:
    """Say how a chunk is decided, empty if it is not; one that is due, or `kept`, waits for its first vote only."""
    if counted is None:
        return "none" if deadline_passed or not (awaited or more) else ""
    if not awaited and not more:
        return "all"
    if awaited and plan.policy.early and counted.settled:
        return "early"
    if deadline_passed or now >= plan.due.get(chunk.index, plan.deadline_at):
        return "deadline"
    return "early" if kept else ""


def _is_worth_more(plan: Plan, chunk: Chunk, counted: Count, answers: Sequence[Result], now: float) -> bool:
    """Whether more replicas may better a chunk's answer, of which all that were asked for have come, in time.

    Where answers cannot be compared, that two differ says nothing.
    """
    usable = sum(each.chosen is not None for each in answers)
    if counted.confidence >= ENOUGH or usable >= plan.policy.max_replicas:
        return False
    kind = named(chunk.kind)
    comparable = kind.voted and kind.comparable(counted.tally.winner.final)
    left_s = min(plan.due.get(chunk.index, plan.assemble_by), plan.assemble_by) - now
    return comparable and left_s > SPARE * max(each.latency_s for each in answers)


def _wish(plan: Plan, chunk: Chunk, given: Sequence[Given] = ()) -> Route:
    return Route(id=plan.id, chunk=chunk.index, attempt=plan.revision, given=list(given))


def _not_begun(chunk: Chunk, before: Sequence[ChunkOutcome], *, deadline_passed: bool) -> ChunkOutcome:
    """Give the outcome of a chunk that was not asked yet: open, or none when it never can be."""
    lost = next((each for each in chunk.depends_on if before[each].decided == "none"), None)
    reason = None
    if lost is not None:
        reason = f"it builds on chunk {lost + 1}, which has no answer"
    elif deadline_passed:
        reason = f"it builds on chunk {chunk.depends_on[-1] + 1}, which left it no time"
    return _unanswered(chunk, reason)


def _unanswered(chunk: Chunk, reason: str | None) -> ChunkOutcome:
    """Give the outcome of a chunk that has no answer: open without a reason, else none."""
    return ChunkOutcome(
        index=chunk.index,
        text=chunk.text,
        kind=chunk.kind,
        decided="open" if reason is None else "none",
        depends_on=chunk.depends_on,
        context=chunk.context,
        reason=reason,
    )


def _given(plan: Plan, chunk: Chunk, before: Sequence[ChunkOutcome]) -> list[Given]:
    """Give the answers that a chunk builds on, in order, with those that they were built on themselves."""
    given: dict[int, list[Given]] = {}
    for each in (before[index] for index in chunk.depends_on):
        own = Given(question=each.text, answer=each.final or each.winner or "")
        given[each.index] = [*plan.given.get(each.index, []), own]
    return list(dict.fromkeys(one for many in given.values() for one in many))


def _built_on(plan: Plan) -> dict[int, str]:
    """Give the answers, by chunk, with which chunks that build on these have begun."""
    return {
        index: each.answer
        for later, given in plan.given.items()
        for index in plan.chunks[later].depends_on
        for each in given  # the last one to its question: those that it was built on itself stand before it
        if each.question == plan.chunks[index].text
    }


def _ending(plan: Plan, assessment: Assessment) -> tuple[Status, Error | None]:
    whole = [each for each in assessment.outcomes if each.decided in ("all", "early", "cached")]
    answered = [each for each in assessment.outcomes if each.winner is not None]
    num = len(assessment.outcomes)
    if len(whole) == num:
        return Status.COMPLETE, None
    first = [each.index for each in assessment.outcomes if not each.depends_on]  # without these there are no others
    if not answered and set(first) <= set(plan.exhausted):
        reason = next((each.reason for outcome in assessment.outcomes for each in outcome.missing), "no node")
        if any(each.too_long for outcome in assessment.outcomes for each in outcome.missing):
            return Status.FAILED, Error(code=ErrorCode.TOO_LARGE, message=reason)
        return Status.FAILED, Error(code=ErrorCode.INTERNAL, message=f"every node failed: {reason}")
    if not answered:
        return Status.FAILED, Error(code=ErrorCode.DEADLINE, message=f"none of {num} chunks was answered in time")
    if plan.on_partial is OnPartial.REFUSE:
        message = f"{len(whole)} of {num} chunks were decided by all votes in time, and on_partial is refuse"
        return Status.FAILED, Error(code=ErrorCode.DEADLINE, message=message)
    return Status.PARTIAL, None
