"""What is decided stays decided, whoever votes later; what others build on is decided first."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.messages import Decided, Result
from schemas.plans import Plan
from schemas.terms import Policy, VoteRule
from services.assembler.assembly import Assessment, assess
from tests.unit.test_assembly import chain, result, votes


def written(plan: Plan, assessment: Assessment) -> list[Decided]:
    return [Decided(id=plan.id, chunk=i, outcome=assessment.outcomes[i]) for i in sorted(assessment.fresh)]


@pytest.mark.parametrize("rule", VoteRule)
def test_a_late_result_changes_nothing_that_is_decided(rule: VoteRule) -> None:
    of = chain(1, due={0: 5.0}, policy=Policy(vote=rule))
    few = [result("a", confidence=0.3)]
    due = assess(of, few, deadline_passed=False, now=6.0)
    assert (due.outcomes[0].decided, due.outcomes[0].final, set(due.fresh)) == ("deadline", "42", {0})
    decided = written(of, due)
    later = assess(of, [*few, result("b", "7"), result("c", "7")], decided=decided, deadline_passed=False, now=6.0)
    assert later.outcomes[0] == due.outcomes[0]
    assert [set(indexes) for indexes in (later.decided, later.fresh, later.cancellable)] == [{0}, set(), set()]
    assert 0 not in later.wanted


def test_the_answer_of_a_stage_goes_to_those_that_build_on_it() -> None:
    of = chain()
    assessed = assess(of, votes(), deadline_passed=False)
    assert [(given.question, given.answer) for given in assessed.wanted[1].given] == [("part 0?", "42")]


answers = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["42", "7", "8"])), max_size=6)


@settings(max_examples=60)
@given(answers, st.sampled_from(list(VoteRule)))
def test_whatever_comes_in_whatever_order_a_decided_chunk_never_changes(
    arriving: list[tuple[str, str]], rule: VoteRule
) -> None:
    of = chain(1, due={0: 5.0}, policy=Policy(vote=rule))
    decided: dict[int, Decided] = {}
    results: dict[str, Result] = {}
    for step, (node, final) in enumerate(arriving):
        results.setdefault(node, result(node, final))
        now, stored = float(step), list(decided.values())
        assessed = assess(of, list(results.values()), decided=stored, deadline_passed=False, now=now)
        for index, known in decided.items():
            assert assessed.outcomes[index] == known.outcome
        for one in written(of, assessed):
            decided[one.chunk] = one
    ended = assess(of, list(results.values()), decided=list(decided.values()), deadline_passed=True, now=9.0)
    assert ended.complete
