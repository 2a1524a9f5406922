"""Answers of earlier queries: counted as decided, and which ones a query leaves for later ones."""

from __future__ import annotations

import pytest
from msgspec import structs

from schemas.cache import cache_key
from schemas.messages import Assembled, ChunkOutcome
from schemas.plans import Chunk, Given, Plan
from schemas.terms import CachedAnswer, OnPartial, Policy, Source, Status
from services.assembler.assembly import assess
from services.assembler.seal import WORTH_KEEPING, cacheable, seal

CHAIN = [
    Chunk(index=0, text="Compute 12 times 8", kind="problem"),
    Chunk(index=1, text="add 10 to the result", kind="problem", depends_on=[0]),
]
FIRST, SECOND = (
    CachedAnswer(
        key="k", source=Source(query="q0", answered_at=1), winner=f"It is {n}.", final=n, agreement=0.7, confidence=0.9
    )
    for n in ("96", "106")
)
GIVEN = [Given(question="Compute 12 times 8", answer="96")]


def plan(**changes: object) -> Plan:
    made = Plan(
        id="q",
        query="?",
        reply="",
        created_at=0,
        deadline_at=10,
        assemble_by=9,
        on_partial=OnPartial.REFUSE,
        chunks=CHAIN,
        assignments=[],
        policy=Policy(cache=True),
        cached={0: FIRST},
    )
    return structs.replace(made, **changes)


def sealed(of: Plan, *outcomes: ChunkOutcome) -> Assembled:
    made = seal(of, assess(of, [], deadline_passed=True), planned_at=1, voted_at=2, sealed_at=3)
    return structs.replace(made, outcomes=list(outcomes)) if outcomes else made


def decided(how: str = "all", confidence: float = WORTH_KEEPING, final: str | None = "96") -> ChunkOutcome:
    return ChunkOutcome(
        index=0,
        text=CHAIN[0].text,
        kind="problem",
        decided=how,
        winner=final,
        final=final,
        agreement=1,
        confidence=confidence,
    )


def test_what_is_cached_is_decided_without_votes() -> None:
    assessed = assess(plan(), [], deadline_passed=False)
    outcome = assessed.outcomes[0]
    assert 0 in assessed.decided
    assert (outcome.decided, outcome.winner, outcome.final) == ("cached", "It is 96.", "96")
    assert (outcome.agreement, outcome.confidence, outcome.source) == (0.7, 0.9, FIRST.source)
    assert (outcome.votes, outcome.missing) == ([], [])


def test_what_builds_on_a_cached_chunk_is_wanted_at_once() -> None:
    assessed = assess(plan(), [], deadline_passed=False)
    assert not assessed.complete
    assert assessed.wanted[1].given == GIVEN


def test_a_query_of_cached_chunks_is_complete() -> None:
    made = plan(cached={0: FIRST, 1: SECOND}, given={1: GIVEN})
    assert assess(made, [], deadline_passed=False).complete
    ended = sealed(made)
    assert (ended.status, ended.error) == (Status.COMPLETE, None)
    assert ended.outcomes[1].given == GIVEN
    assert ended.outcomes[1].depends_on == [0]


@pytest.mark.parametrize("how", ["all", "early"])
def test_what_is_sure_is_kept(how: str) -> None:
    (answer,) = cacheable(plan(), sealed(plan(), decided(how)))
    assert answer == CachedAnswer(
        key=cache_key(CHAIN[0]),
        source=Source(query="q", answered_at=3),
        winner="96",
        final="96",
        agreement=1,
        confidence=WORTH_KEEPING,
    )


@pytest.mark.parametrize(
    "outcome",
    [decided("deadline"), decided("cached"), decided("none", 0, None), decided(confidence=WORTH_KEEPING - 0.01)],
)
def test_what_is_unsure_late_or_from_the_cache_is_not_kept(outcome: ChunkOutcome) -> None:
    assert cacheable(plan(), sealed(plan(), outcome)) == []


@pytest.mark.parametrize("changes", [{"policy": Policy()}, {"id": "canary-1"}])
def test_who_does_not_want_it_and_canaries_leave_nothing(changes: dict[str, object]) -> None:
    made = plan(**changes)
    assert cacheable(made, sealed(made, decided())) == []
