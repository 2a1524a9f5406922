"""A chunk that another was built on stays decided, with the answer that was given."""

from __future__ import annotations

import pytest
from msgspec import structs

from schemas.messages import Assignment, Given
from schemas.terms import Policy, VoteRule
from services.assembler.assembly import assess
from tests.unit.test_assembly import chain, result, votes


@pytest.mark.parametrize("rule", VoteRule)
def test_a_late_result_changes_no_answer_that_was_given(rule: VoteRule) -> None:
    of = chain(1, due={0: 5.0}, policy=Policy(vote=rule))
    few, all_ = [result("a", confidence=0.3)], [result("a", confidence=0.3), result("b", "7"), result("c", "7")]
    for now, results, how in ((6.0, few, "deadline"), (6.0, all_, "all"), (1.0, few, "early")):
        (first, _) = assess(of, results, deadline_passed=False, now=now).outcomes
        assert (first.decided, first.final, first.winner) == (how, "42", "42")
        assert [each.node for each in first.votes if each.won] == ["a"]
        assert 0 <= first.confidence <= 1


def test_no_more_replicas_of_it_are_wanted() -> None:
    of = chain(1, policy=Policy(vote=VoteRule.SUM))
    of = structs.replace(of, assignments=[Assignment(chunk=0, node=each, replica=0, fitness=0.5) for each in "ab"])
    assessed = assess(of, [result("a", confidence=0.1), result("b", "7")], deadline_passed=False)
    assert assessed.decided == {0}
    assert 0 not in assessed.wanted


def test_the_answer_of_a_stage_is_told_from_those_it_was_built_on() -> None:
    of = chain(1, 2, num=3)
    twice = [structs.replace(each, text="double it" if each.index else each.text) for each in of.chunks]
    first, second = Given(question="part 0?", answer="42"), Given(question="double it", answer="84")
    of = structs.replace(of, chunks=twice, given={1: [first], 2: [first, second]})
    assessed = assess(of, [*votes("7"), result("a"), *votes("84", chunk=1)], deadline_passed=False)
    assert [each.final for each in assessed.outcomes[1:]] == ["84", None]
    changed = assess(of, [*votes(), result("a", "84", chunk=1), *votes("85", chunk=1)[1:]], deadline_passed=False)
    assert [each.final for each in changed.outcomes[:2]] == ["42", "84"]
