from __future__ import annotations

from msgspec import structs

from schemas.plans import Plan
from schemas.terms import Policy
from services.assembler.assembly import assess
from services.voting.verdicts import Candidate, judge
from tests.unit.test_assembly import plan, result

ASKED = "Write about rain in lower case letters only. Do not use any commas."
GOOD, BAD, MENDABLE = "it rains all day", "IT RAINS, ALL, DAY", "It rains, all day"


def wanting(query: str = ASKED, nodes: str = "a", **changes: object) -> Plan:
    of = plan(num_chunks=1)
    of = structs.replace(of, assignments=[assignment for assignment in of.assignments if assignment.node in nodes])
    chunk = structs.replace(of.chunks[0], text=query, kind="text")
    return structs.replace(of, query=query, chunks=[chunk], assemble_by=1e9, **{"policy": Policy(), **changes})


def test_the_demands_of_the_request_are_verified_on_what_each_node_chose() -> None:
    of = wanting()
    verdicts = judge(of.query, {"a": Candidate(GOOD)}, is_code=False)
    assert {check.family for check in verdicts.checks["a"]} == {"case", "marks"}
    assert all(check.reason is None for check in verdicts.checks["a"])
    assert (verdicts.complaint, verdicts.barred) == ("", frozenset())


def test_what_can_be_mended_mechanically_is_mended_and_said() -> None:
    of = wanting()
    verdicts = judge(of.query, {"a": Candidate(MENDABLE)}, is_code=False)
    assert verdicts.texts["a"] == "it rains all day"
    assert [check.repaired for check in verdicts.checks["a"]] == [True, True]
    assert verdicts.complaint == ""


def test_one_that_fails_is_asked_again_and_told_what_failed() -> None:
    of = wanting("Write about rain in at least 50 words.")
    first = assess(of, [result("a", "It rains.")], deadline_passed=False)
    assert "50 words" in first.wanted[0].complaint


def test_of_what_is_not_voted_on_there_are_two_drafts_at_most() -> None:
    of = wanting("Write about rain in at least 50 words.", "ab", policy=Policy(max_replicas=5))
    both = [result("a", "It rains."), result("b", "It rains again.")]
    ended = assess(of, both, deadline_passed=False)
    assert ended.complete
    assert ended.outcomes[0].checks[0].reason is not None


def test_a_candidate_that_fails_cannot_win_over_one_that_passes() -> None:
    of = wanting("Write about rain in at most 3 words.", "ab")
    fails, passes = (
        result("a", "It rains all day and all night", confidence=0.99),
        result("b", "It rains", confidence=0.1),
    )
    ended = assess(of, [fails, passes], deadline_passed=True)
    assert ended.outcomes[0].winner == "It rains"
    assert [check.reason for check in ended.outcomes[0].checks] == [None]
    assert {vote.node for vote in ended.outcomes[0].votes if vote.won} == {"b"}


def test_a_request_without_demands_has_no_checks() -> None:
    of = wanting("Write about rain.")
    verdicts = judge(of.query, {"a": Candidate(GOOD)}, is_code=False)
    assert (verdicts.checks, verdicts.barred, verdicts.complaint) == ({}, frozenset(), "")
