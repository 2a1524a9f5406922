from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.voting.vote import Ballot, Tally, tally


def ballot(voter: str, final: str, weight: float, text: str = "") -> Ballot:
    return Ballot(voter, text or final, final, weight)


def counted(*ballots: Ballot) -> Tally:
    result = tally(ballots)
    assert result is not None
    return result


def test_no_ballots_no_tally() -> None:
    assert tally([]) is None


def test_weights_of_equivalent_answers_add_up() -> None:
    result = counted(ballot("a", "Sydney", 0.5), ballot("b", "Canberra", 0.25), ballot("c", "the Canberra", 0.5))
    assert [b.voter for b in result.members] == ["b", "c"]
    assert result.winner.voter == "c"
    assert result.agreement == 0.6
    assert result.margin == 0.25


def test_a_class_that_stands_alone_leads_by_its_whole_weight() -> None:
    result = counted(ballot("a", "8", 0.5), ballot("b", "eight", 0.25))
    assert (result.agreement, result.margin) == (1.0, 0.75)


def test_ties_go_to_more_ballots_then_to_the_first_voter() -> None:
    assert counted(ballot("a", "1", 1.0), ballot("b", "2", 0.5), ballot("c", "2", 0.5)).winner.final == "2"
    assert counted(ballot("b", "2", 1.0), ballot("a", "1", 1.0)).winner.final == "1"


def test_without_weight_there_is_no_agreement() -> None:
    result = counted(ballot("a", "1", 0.0), ballot("b", "2", 0.0), ballot("c", "2", 0.0))
    assert (result.winner.final, result.agreement, result.margin) == ("2", 0.0, 0.0)


def test_best_worded_is_heaviest_then_shortest_that_holds_its_final() -> None:
    long = ballot("a", "42", 0.5, "After some thought, the answer is 42.")
    short = ballot("b", "42", 0.5, "It is 42.")
    without = ballot("c", "42", 0.5, "6 x 7")
    light = ballot("d", "42", 0.4, "42")
    assert counted(long, short, without, light).winner == short


@pytest.mark.parametrize("weight", [-0.1, float("nan"), float("inf")])
def test_a_weight_is_finite_and_not_negative(weight: float) -> None:
    with pytest.raises(ValueError, match="weight of a"):
        ballot("a", "1", weight)


# Quarters, so that sums are exact.
weights = st.integers(0, 4).map(lambda n: n / 4)
anything = st.builds(ballot, st.sampled_from("abcdefgh"), st.text(max_size=8), weights)


@given(st.lists(anything, max_size=8).flatmap(lambda bs: st.tuples(st.just(bs), st.permutations(bs))))
def test_the_order_of_arrival_does_not_count(ballots: tuple[list[Ballot], list[Ballot]]) -> None:
    assert tally(ballots[0]) == tally(ballots[1])


@given(st.lists(anything, min_size=1, max_size=8))
def test_agreement_and_margin_keep_their_ranges(ballots: list[Ballot]) -> None:
    result = counted(*ballots)
    assert 0 <= result.agreement <= 1
    assert 0 <= result.margin <= sum(b.weight for b in ballots)
    assert result.winner in result.members
