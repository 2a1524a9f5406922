"""What the answers so far amount to.

Pure: a plan, the results, what is decided already, the time and whether the deadline has passed in; an assessment out.
Each chunk is looked at by a chain of rules, of which the first that applies tells how it stands.  A chunk is decided
when every replica answered, or when those still out need not be awaited; where the answers that came do not suffice,
more replicas are wanted first, at last the strongest.  An answer that is not as sure as the policy wants even so is not
given.  A chunk that depends on others is wanted once these are decided, and lost when one of
them has no answer.  What is decided stays decided.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count

from schemas.messages import ChunkOutcome, Decided, Result
from schemas.plans import Chunk, Given, Plan, Route
from services.assembler.outcome import UNSURE, count_votes, outcome, recalled, withheld
from services.kinds.code import CODE
from services.kinds.table import named
from services.voting.rules import Count
from services.voting.verdicts import Candidate, Verdicts, judge

SPARE = 1.5  # one more replica is asked if there is so many times the time left that the slowest took so far
MAX_DRAFTS = 2  # of what is not voted on: an answer that fails a check is asked for once more


@dataclass(frozen=True)
class Assessment:
    """Each chunk's outcome so far, in order.

    `decided` holds the chunks that nothing can change any more, `fresh` those of them that were not so before, `wanted`
    what to ask for other chunks: that one begins, or one more replica.  `cancellable` holds the fresh ones that nodes
    may still work on.
    """

    outcomes: tuple[ChunkOutcome, ...]
    decided: frozenset[int]
    fresh: frozenset[int]
    wanted: Mapping[int, Route]
    cancellable: frozenset[int]

    @property
    def complete(self) -> bool:
        """Whether every chunk is decided."""
        return len(self.decided) == len(self.outcomes)


@dataclass(frozen=True)
class _Standing:
    """How one chunk stands: its outcome, whether that is final, what is wished for it, who is still at work on it."""

    outcome: ChunkOutcome
    decided: bool = False
    known: bool = False
    wish: Route | None = None
    awaited: bool = False


@dataclass(frozen=True)
class _Look:
    """One look at a query, and how the chunks stand that were looked at so far."""

    plan: Plan
    results: Sequence[Result]
    before: Mapping[int, ChunkOutcome]
    deadline_passed: bool
    now: float
    standings: list[_Standing] = field(default_factory=list)


def assess(
    plan: Plan,
    results: Sequence[Result],
    *,
    decided: Sequence[Decided] = (),
    deadline_passed: bool,
    now: float = 0.0,
) -> Assessment:
    """Say how each chunk of a plan stands; `now` (Unix s) tells which chunks are due."""
    look = _Look(plan, results, {known.chunk: known.outcome for known in decided}, deadline_passed, now)
    for chunk in plan.chunks:
        look.standings.append(next(found for rule in _RULES if (found := rule(look, chunk)) is not None))
    stands = look.standings
    final = frozenset(i for i, standing in enumerate(stands) if standing.decided)
    fresh = frozenset(i for i in final if not stands[i].known)
    return Assessment(
        outcomes=tuple(standing.outcome for standing in stands),
        decided=final,
        fresh=fresh,
        wanted={i: standing.wish for i, standing in enumerate(stands) if standing.wish is not None},
        cancellable=frozenset(i for i in fresh if stands[i].awaited),
    )


def uncounted(plan: Plan, reason: str) -> Assessment:
    """Give the assessment of a query that cannot be assessed: every chunk is without an answer, for `reason`."""
    outcomes = [_unanswered(chunk, reason) for chunk in plan.chunks]
    everything = frozenset(outcome.index for outcome in outcomes)
    return Assessment(tuple(outcomes), everything, everything, {}, frozenset())


def leading(chunks: Collection[int]) -> int:
    """Return how many chunks from the first on are among these: 2 of {0, 1, 3}."""
    return next(index for index in count() if index not in chunks)


# --- the rules, in their order ---------------------------------------------------------------------------------------


def _was_decided(look: _Look, chunk: Chunk) -> _Standing | None:
    """Keep what was decided before, whoever else votes."""
    known = look.before.get(chunk.index)
    return _Standing(known, decided=True, known=True) if known is not None else None


def _is_cached(look: _Look, chunk: Chunk) -> _Standing | None:
    """Take the answer of an earlier query."""
    cached = look.plan.cached.get(chunk.index)
    if cached is None:
        return None
    return _Standing(recalled(chunk, cached, look.plan.given.get(chunk.index, [])), decided=True)


def _is_not_begun(look: _Look, chunk: Chunk) -> _Standing | None:
    """Wait for what a chunk depends on, then ask for it to begin; it is lost where it never can."""
    if not chunk.depends_on or chunk.index in look.plan.given:
        return None
    earlier = [look.standings[index] for index in chunk.depends_on]
    lost = next((standing.outcome for standing in earlier if standing.outcome.decided in ("none", UNSURE)), None)
    if lost is not None:
        return _Standing(_unanswered(chunk, f"it builds on chunk {lost.index + 1}, which has no answer"), decided=True)
    if look.deadline_passed:
        reason = f"it builds on chunk {chunk.depends_on[-1] + 1}, which left it no time"
        return _Standing(_unanswered(chunk, reason), decided=True)
    ready = all(standing.decided for standing in earlier)
    wish = _wish(look.plan, chunk, given=_given(look, chunk)) if ready else None
    return _Standing(_unanswered(chunk, None), wish=wish)


def _is_voted_on(look: _Look, chunk: Chunk) -> _Standing:
    """Count the votes; ask for one more where they do not suffice."""
    plan = look.plan
    asked = [assignment for assignment in plan.assignments if assignment.chunk == chunk.index]
    nodes = {assignment.node for assignment in asked}  # what another says, nobody asked for
    heard = (result for result in look.results if result.chunk == chunk.index and result.node in nodes)
    answers = {str(result.node): result for result in heard}
    given = plan.given.get(chunk.index, [])
    verdicts = _judged(plan, chunk, answers)
    counted = count_votes(plan.policy.vote, chunk, asked, answers, given, barred=verdicts.barred)
    awaited = sum(assignment.node not in answers for assignment in asked)
    more = not awaited and chunk.index not in plan.exhausted
    if more and counted is not None:
        more = _is_worth_more(look, chunk, counted, list(answers.values()), complaint=verdicts.complaint)
    how = _how(look, chunk, counted, awaited=awaited, more=more)
    found = outcome(chunk, how=how, asked=asked, answers=answers, counted=counted, given=given, verdicts=verdicts)
    last = more and counted is not None and _is_enough_asked(plan, chunk, answers.values())
    return _Standing(
        withheld(found, wanted=_wanted(plan, chunk)) if how and _is_unsure(plan, chunk, counted) else found,
        decided=bool(how),
        wish=_wish(plan, chunk, complaint=verdicts.complaint, strongest=last) if more and not how else None,
        awaited=bool(awaited),
    )


def _judged(plan: Plan, chunk: Chunk, answers: Mapping[str, Result]) -> Verdicts:
    """Verify the demands of a query of one chunk on what each node chose.

    Of a part nothing is demanded, and nothing where tools may be called before there is an answer.
    """
    if not plan.policy.checks:
        return Verdicts()
    is_whole = len(plan.chunks) == 1 and not plan.generation.has_tools
    candidates = {
        node: Candidate(result.answers[result.chosen].text, result.checks)
        for node, result in answers.items()
        if result.chosen is not None
    }
    return judge(
        plan.query if is_whole else "",
        candidates,
        is_code=chunk.kind == CODE.name,
        form=plan.generation.response_format,
    )


_RULES: tuple[Callable[[_Look, Chunk], _Standing | None], ...] = (
    _was_decided,
    _is_cached,
    _is_not_begun,
    _is_voted_on,
)


def _how(look: _Look, chunk: Chunk, counted: Count | None, *, awaited: int, more: bool) -> str:
    """Say how a chunk is decided, empty if it is not; one that is due waits for its first vote only."""
    if counted is None:
        return "none" if look.deadline_passed or not (awaited or more) else ""
    if not awaited and not more:
        return "all"
    if awaited and look.plan.policy.early and counted.settled and not _is_unsure(look.plan, chunk, counted):
        return "early"
    due = look.now >= look.plan.due.get(chunk.index, look.plan.deadline_at)
    return "deadline" if look.deadline_passed or due else ""


def _is_worth_more(look: _Look, chunk: Chunk, counted: Count, answers: Sequence[Result], *, complaint: str) -> bool:
    """Whether more replicas may better a chunk's answer, of which all that were asked for have come, in time.

    Where answers cannot be compared, that two differ says nothing: only one that fails a check is asked for again.
    """
    plan, kind = look.plan, named(chunk.kind)
    usable = sum(answer.chosen is not None for answer in answers)
    unsure = _is_unsure(plan, chunk, counted)
    if _is_enough_asked(plan, chunk, answers):
        doubt = unsure and not any(task.strongest for task in plan.assignments if task.chunk == chunk.index)
    elif not kind.voted:
        doubt = bool(complaint) and usable < MAX_DRAFTS
    else:
        comparable = kind.comparable(counted.tally.winner.final)
        doubt = bool(complaint) or unsure or (comparable and counted.confidence < kind.enough)
    left_s = min(plan.due.get(chunk.index, plan.assemble_by), plan.assemble_by) - look.now
    return doubt and left_s > SPARE * max(answer.latency_s for answer in answers)


def _is_enough_asked(plan: Plan, chunk: Chunk, answers: Iterable[Result]) -> bool:
    """Whether as many have answered as are worth asking, whoever they are."""
    usable = sum(answer.chosen is not None for answer in answers)
    return usable >= min(plan.policy.max_replicas, named(chunk.kind).replicas)


def _wanted(plan: Plan, chunk: Chunk) -> float:
    """Say how sure an answer has to be; where answers cannot be compared nobody knows how sure one is."""
    return (plan.policy.min_confidence or 0.0) if named(chunk.kind).voted else 0.0


def _is_unsure(plan: Plan, chunk: Chunk, counted: Count | None) -> bool:
    return counted is not None and counted.confidence < _wanted(plan, chunk)


def _wish(
    plan: Plan, chunk: Chunk, *, given: Sequence[Given] = (), complaint: str = "", strongest: bool = False
) -> Route:
    return Route(
        id=plan.id,
        chunk=chunk.index,
        attempt=plan.revision,
        given=list(given),
        complaint=complaint,
        strongest=strongest,
    )


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


def _given(look: _Look, chunk: Chunk) -> list[Given]:
    """Give the answers that a chunk builds on, in order, with those that they were built on themselves."""
    given: dict[int, list[Given]] = {}
    for earlier in (look.standings[index].outcome for index in chunk.depends_on):
        own = Given(question=earlier.text, answer=earlier.final or earlier.winner or "")
        given[earlier.index] = [*look.plan.given.get(earlier.index, []), own]
    return list(dict.fromkeys(one for many in given.values() for one in many))
