from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from schemas.messages import Assembled, ChunkOutcome, Error, Result
from schemas.plans import Assignment, Chunk, Given, Plan, Route
from schemas.terms import CALCULATOR, ErrorCode, OnPartial, Policy, Status, VoteRule
from services.assembler.assembly import Assessment, assess, uncounted
from services.assembler.seal import reshape, seal
from tests.records import said

NODES = ("a", "b", "c")


def plan(num_chunks: int = 1, nodes: Sequence[str] = NODES, fitness: float = 0.5, **changes: object) -> Plan:
    return structs.replace(
        Plan(
            id="q",
            query="?",
            reply="inbox",
            created_at=0,
            deadline_at=10,
            assemble_by=9,
            on_partial=OnPartial.ACCEPT,
            chunks=[Chunk(index=i, text=f"part {i}?", kind="fact") for i in range(num_chunks)],
            assignments=[
                Assignment(chunk=i, node=node, replica=0, fitness=fitness) for i in range(num_chunks) for node in nodes
            ],
            policy=Policy(vote=VoteRule.SUM, max_replicas=1),
        ),
        **changes,
    )


def result(node: str, final: str = "42", *, chunk: int = 0, confidence: float = 0.9) -> Result:
    return Result(
        id="q",
        chunk=chunk,
        node=node,
        replica=0,
        started_at=0,
        latency_s=1,
        answers=[said(final)],
        chosen=0,
        confidence=confidence,
    )


def failure(node: str, *, chunk: int = 0) -> Result:
    return Result(id="q", chunk=chunk, node=node, replica=0, started_at=0, latency_s=1, error="no memory")


def sealed(assessed: Assessment, of: Plan) -> Assembled:
    return seal(of, assessed, planned_at=1, voted_at=2, sealed_at=3)


def test_waits_while_the_rest_can_change_it() -> None:
    assessed = assess(plan(), [result("a")], deadline_passed=False)
    assert not assessed.complete
    assert assessed.wanted == {}
    assert assessed.cancellable == frozenset()


def test_all_have_answered() -> None:
    assessed = assess(plan(), [result("a", "1"), result("b", "2"), result("c", "2")], deadline_passed=False)
    assert assessed.complete
    (outcome,) = assessed.outcomes
    assert (outcome.decided, outcome.final, [vote.won for vote in outcome.votes]) == ("all", "2", [False, True, True])
    assert outcome.agreement == pytest.approx(2 / 3)
    assert sealed(assessed, plan()).status is Status.COMPLETE


def test_decided_early_and_the_rest_may_stop() -> None:
    assessed = assess(plan(), [result("a"), result("b")], deadline_passed=False)
    assert assessed.complete
    assert assessed.cancellable == {0}
    assert [(missing.node, missing.failed) for missing in assessed.outcomes[0].missing] == [("c", False)]
    assert sealed(assessed, plan()).status is Status.COMPLETE


def test_a_weak_lead_is_not_decided_early() -> None:
    assert not assess(
        plan(), [result("a", confidence=0.3), result("b", confidence=0.2)], deadline_passed=False
    ).complete


def test_the_deadline_decides_with_what_there_is() -> None:
    of = plan(num_chunks=2)
    assessed = assess(of, [result("a")], deadline_passed=True)
    assert [outcome.decided for outcome in assessed.outcomes] == ["deadline", "none"]
    assert sealed(assessed, of).status is Status.PARTIAL
    refused = sealed(assessed, structs.replace(of, on_partial=OnPartial.REFUSE))
    assert refused.status is Status.FAILED
    assert refused.error is not None
    assert refused.error.code is ErrorCode.DEADLINE


def test_nothing_at_the_deadline() -> None:
    ended = sealed(assess(plan(), [], deadline_passed=True), plan())
    assert ended.error is not None
    assert ended.error.code is ErrorCode.DEADLINE


def test_a_chunk_whose_replicas_all_failed_wants_one_more() -> None:
    failures = [failure(node) for node in NODES]
    assessed = assess(plan(), failures, deadline_passed=False)
    assert not assessed.complete
    assert assessed.wanted == {0: Route(id="q", chunk=0, attempt=0)}
    of = plan(exhausted=[0])
    ended = sealed(assess(of, failures, deadline_passed=False), of)
    assert ended.error is not None
    assert (ended.error.code, ended.error.message) == (ErrorCode.INTERNAL, "every node failed: no memory")


def test_one_failure_of_several_is_told_and_the_answer_is_complete() -> None:
    assessed = assess(plan(), [result("a"), failure("b"), result("c")], deadline_passed=False)
    assert sealed(assessed, plan()).status is Status.COMPLETE
    assert [(missing.node, missing.reason, missing.failed) for missing in assessed.outcomes[0].missing] == [
        ("b", "no memory", True)
    ]


def test_a_result_of_a_node_that_was_not_asked_does_not_count() -> None:
    assessed = assess(
        plan(nodes=("a",)), [result("a", "1"), result("stranger", "2", confidence=0.99)], deadline_passed=False
    )
    assert assessed.outcomes[0].final == "1"


def test_cancelled() -> None:
    why = Error(code=ErrorCode.CANCELLED, message="why")
    ended = seal(plan(), assess(plan(), [], deadline_passed=False), planned_at=1, voted_at=1, sealed_at=1, failed=why)
    assert (ended.status, ended.error) == (Status.FAILED, why)


def test_a_query_that_cannot_be_assessed_ends_without_an_answer() -> None:
    of = chain()
    assessed = uncounted(of, "broken")
    assert assessed.complete
    assert [(outcome.decided, outcome.winner, outcome.reason) for outcome in assessed.outcomes] == [
        ("none", None, "broken")
    ] * 2
    ended = seal(of, assessed, planned_at=1, voted_at=1, sealed_at=1)
    assert ended.status is Status.FAILED


def test_lean_leaves_the_votes_and_drops_what_single_models_said() -> None:
    full = sealed(assess(plan(), [result("a"), result("b")], deadline_passed=False), plan())
    outcome = reshape(full, ChunkOutcome.lean).outcomes[0]
    assert [vote.node for vote in outcome.votes] == ["a", "b"]
    assert [vote.answers for vote in outcome.votes] == [[], []]
    assert reshape(full, ChunkOutcome.bare).outcomes[0].votes == []


FINALS = st.sampled_from(["1", "2", "3"])
VOTES = st.lists(st.tuples(FINALS, st.floats(0.01, 0.99)), min_size=5, max_size=5)


@given(VOTES, st.permutations(range(5)), st.integers(1, 5))
def test_what_is_decided_early_stays_decided(votes: list[tuple[str, float]], order: list[int], num: int) -> None:
    nodes = [f"n{i}" for i in range(5)]
    of = plan(nodes=nodes)
    results = [result(nodes[i], final, confidence=confidence) for i, (final, confidence) in enumerate(votes)]
    some = assess(of, [results[i] for i in order[:num]], deadline_passed=False)
    if some.complete:
        assert some.outcomes[0].final == assess(of, results, deadline_passed=False).outcomes[0].final


@given(VOTES, st.permutations(range(5)))
def test_the_order_of_results_does_not_matter(votes: list[tuple[str, float]], order: list[int]) -> None:
    nodes = [f"n{i}" for i in range(5)]
    results = [result(nodes[i], final, confidence=confidence) for i, (final, confidence) in enumerate(votes)]
    shuffled = [results[i] for i in order]
    of = plan(nodes=nodes)
    assert assess(of, results, deadline_passed=True) == assess(of, shuffled, deadline_passed=True)


def chain(*given: int, num: int = 2, **changes: object) -> Plan:
    """Give a plan in which each chunk depends on the one before; those in `given` were released."""
    of = plan(num_chunks=num)
    return structs.replace(
        of,
        chunks=[structs.replace(chunk, depends_on=[chunk.index - 1] if chunk.index else []) for chunk in of.chunks],
        assignments=[assignment for assignment in of.assignments if assignment.chunk in (0, *given)],
        given={index: [Given(question="part 0?", answer="42")] for index in given},
        **changes,
    )


def votes(final: str = "42", chunk: int = 0) -> list[Result]:
    return [result(node, final, chunk=chunk) for node in NODES]


def test_a_chunk_waits_for_what_it_depends_on() -> None:
    assessed = assess(chain(), [result("a")], deadline_passed=False)
    assert (assessed.wanted, assessed.decided) == ({}, frozenset())
    assert assessed.outcomes[1].decided == "open"


def test_a_chunk_is_wanted_when_what_it_depends_on_is_decided() -> None:
    assessed = assess(chain(revision=3), votes(), deadline_passed=False)
    assert assessed.decided == {0}
    assert assessed.wanted == {1: Route(id="q", chunk=1, attempt=3, given=[Given(question="part 0?", answer="42")])}
    begun = assess(chain(1, revision=4), votes(), deadline_passed=False)
    assert begun.wanted == {}, "once"


def test_a_later_stage_is_given_all_that_came_before() -> None:
    assessed = assess(chain(1, num=3), [*votes(), *votes("84", chunk=1)], deadline_passed=False)
    assert assessed.wanted[2].given == [
        Given(question="part 0?", answer="42"),
        Given(question="part 1?", answer="84"),
    ]


def test_a_chain_is_complete_when_its_last_stage_is() -> None:
    of = chain(1)
    assessed = assess(of, [*votes(), *votes("84", chunk=1)], deadline_passed=False)
    ended = sealed(assessed, of)
    assert ended.status is Status.COMPLETE
    assert [(outcome.final, outcome.depends_on) for outcome in ended.outcomes] == [("42", []), ("84", [0])]
    assert ended.outcomes[1].given == of.given[1]


def test_what_builds_on_no_answer_is_lost_at_once() -> None:
    of = chain(num=3, exhausted=[0])
    assessed = assess(of, [failure(node) for node in NODES], deadline_passed=False)
    assert assessed.complete
    assert [outcome.reason for outcome in assessed.outcomes] == [
        None,
        "it builds on chunk 1, which has no answer",
        "it builds on chunk 2, which has no answer",
    ]
    ended = sealed(assessed, of)
    assert ended.error is not None
    assert ended.error.code is ErrorCode.INTERNAL


def test_a_chain_that_ran_out_of_time_is_partial_and_says_where() -> None:
    of = chain()
    assessed = assess(of, votes(), deadline_passed=True)
    ended = sealed(assessed, of)
    assert ended.status is Status.PARTIAL
    assert [(outcome.decided, outcome.reason) for outcome in ended.outcomes] == [
        ("all", None),
        ("none", "it builds on chunk 1, which left it no time"),
    ]


def test_a_chunk_that_is_due_goes_with_the_votes_there_are() -> None:
    of = chain(due={0: 5.0})
    some = [result("a", confidence=0.2)]
    assert assess(of, some, deadline_passed=False, now=4.9).wanted == {}
    late = assess(of, some, deadline_passed=False, now=5.0)
    assert set(late.wanted) == {1}
    assert late.decided == late.cancellable == {0}
    assert not assess(of, [], deadline_passed=False, now=5.0).decided, "without a vote it waits for the first"


ESCALATING = Policy(vote=VoteRule.SUM)


def test_votes_that_differ_want_one_more_replica() -> None:
    differing = [result("a", "1"), result("b", "2")]
    assessed = assess(plan(nodes=("a", "b"), policy=ESCALATING), differing, deadline_passed=False)
    assert assessed.wanted == {0: Route(id="q", chunk=0, attempt=0)}
    assert assessed.outcomes[0].decided == "open"


def test_no_more_are_wanted_where_votes_agree_or_nobody_is_left_or_as_many_answered() -> None:
    differing = [result("a", "1"), result("b", "2")]
    agreeing = [result("a", "1"), result("b", "1")]
    for policy, exhausted, results in (
        (ESCALATING, [], agreeing),
        (ESCALATING, [0], differing),
        (structs.replace(ESCALATING, max_replicas=1), [], differing),
    ):
        of = plan(nodes=("a", "b"), policy=policy, exhausted=exhausted)
        assessed = assess(of, results, deadline_passed=False)
        assert (assessed.wanted, assessed.outcomes[0].decided) == ({}, "all")


@pytest.mark.parametrize("rule", [VoteRule.BEST, VoteRule.SUM, VoteRule.AGREEMENT])
def test_a_lone_vote_that_is_not_sure_wants_one_more_replica(rule: VoteRule) -> None:
    of = plan(nodes=("a",), policy=structs.replace(ESCALATING, vote=rule))
    assert set(assess(of, [result("a", confidence=0.5)], deadline_passed=False).wanted) == {0}
    assert assess(of, [result("a", confidence=0.9)], deadline_passed=False).complete


def test_no_more_are_wanted_than_the_policy_allows() -> None:
    differing = [result("a", "1"), result("b", "2")]
    of = plan(nodes=("a", "b"), policy=structs.replace(ESCALATING, max_replicas=2))
    assert assess(of, differing, deadline_passed=False).outcomes[0].decided == "all"
    failed = [result("a", "1", confidence=0.5), failure("b")]
    assert assess(of, failed, deadline_passed=False).wanted, "a failure is no answer"


def test_no_more_are_wanted_when_they_would_come_too_late() -> None:
    differing = [result("a", "1"), result("b", "2")]
    of = plan(nodes=("a", "b"), policy=ESCALATING)
    assert assess(of, differing, deadline_passed=False, now=of.assemble_by - 2).wanted
    assert not assess(of, differing, deadline_passed=False, now=of.assemble_by - 1).wanted


def test_texts_differ_as_their_writers_do_and_want_no_more() -> None:
    poem = [Chunk(index=0, text="write a poem", kind="text")]
    texts = [result("a", "roses are red and violets are blue"), result("b", "the rain in spain stays in the plain")]
    of = plan(nodes=("a", "b"), policy=ESCALATING, chunks=poem)
    assert assess(of, texts, deadline_passed=False).complete


@pytest.mark.parametrize("checks", [True, False])
def test_a_request_that_wants_no_checks_is_not_asked_again(*, checks: bool) -> None:
    request = "Write a slogan for a bakery in all capital letters, in at least 40 words."
    poem = [Chunk(index=0, text=request, kind="text")]
    policy = structs.replace(ESCALATING, checks=checks)
    of = plan(nodes=("a",), policy=policy, chunks=poem, query=request)
    assessed = assess(of, [result("a", "Bread that sings.")], deadline_passed=False)
    assert bool(assessed.outcomes[0].checks) == bool(assessed.wanted) == checks


def test_a_stated_sum_has_one_voter_more() -> None:
    total = [Chunk(index=0, text="what is 17 times 6", kind="problem")]
    assessed = assess(plan(nodes=("a",), chunks=total), [result("a", "112")], deadline_passed=False)
    (outcome,) = assessed.outcomes
    assert outcome.final == "102"
    assert [(vote.node, vote.won) for vote in outcome.votes] == [("a", False), (CALCULATOR, True)]


def test_a_stated_sum_that_builds_on_another_is_computed_too() -> None:
    chunks = [
        Chunk(index=0, text="compute 12 times 8", kind="problem"),
        Chunk(index=1, text="add 10 to the result", kind="problem", depends_on=[0]),
    ]
    of = plan(nodes=("a",), chunks=chunks, given={1: [Given(question="compute 12 times 8", answer="96")]})
    of = structs.replace(of, assignments=[Assignment(chunk=i, node="a", replica=0, fitness=0.5) for i in range(2)])
    assessed = assess(of, [result("a", "96"), result("a", "10", chunk=1)], deadline_passed=False)
    assert [outcome.final for outcome in assessed.outcomes] == ["96", "106"]


def test_an_answer_that_time_cut_off_is_partial() -> None:
    of = plan(num_chunks=1)
    cut_off = [
        structs.replace(said, answers=[structs.replace(a, finish="deadline") for a in said.answers]) for said in votes()
    ]
    assessed = assess(of, cut_off, deadline_passed=False)
    assert seal(of, assessed, planned_at=0, voted_at=1, sealed_at=1).status is Status.PARTIAL
    refusing = structs.replace(of, on_partial=OnPartial.REFUSE)
    refused = seal(refusing, assessed, planned_at=0, voted_at=1, sealed_at=1)
    assert refused.error is not None
    assert refused.error.code is ErrorCode.DEADLINE
