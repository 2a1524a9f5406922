"""Curves fitted to feedback, and tried on days that they were not fitted to.  Pure."""

from __future__ import annotations

from collections.abc import Iterator
from math import exp

import pytest
from msgspec import structs

from services.ledger.calibrating import DAY_S, calibrate, split
from services.voting.calibration import Curve, adopt, adopted, confidence, trust
from tests.kept import record
from tests.records import said


@pytest.fixture(autouse=True)
def _as_shipped() -> Iterator[None]:
    yield
    adopt({})


@pytest.mark.parametrize("days", [1, 9])
def test_a_model_that_is_worse_than_is_said_of_it_is_found_out(days: int) -> None:
    found = calibrate(record(900, days, -1.5, 2.0), {})
    assert found.is_better
    assert found.before is not None
    assert found.after is not None
    assert found.after.ece < 0.1 < found.before.ece
    curve = found.curves["llama"]["fact"]
    assert curve.at_zero == pytest.approx(-1.5, abs=0.6)
    again = calibrate(record(900, days, -1.5, 2.0, seed=2), found.curves)
    assert again.before is not None
    assert again.before.ece < 0.1


def test_chance_is_no_reason_to_change_anything() -> None:
    right = record(600, 6, 1.0, 6.0)  # as the curve for any model's facts has it
    found = calibrate(right, {})
    assert not found.is_better or found.after.ece <= found.before.ece + 0.02  # type: ignore[union-attr]


def test_a_model_that_became_another_is_not_fitted_to_what_it_was() -> None:
    early = [one for one in record(600, 6, -3.0, 0.0) if one.sealed_at < 4 * DAY_S]
    late = [one for one in record(600, 6, 1.0, 6.0) if one.sealed_at >= 4 * DAY_S]
    found = calibrate([*early, *late], {})
    assert not found.is_better
    assert found.curves == {}


def test_of_too_few_nothing_is_said() -> None:
    few = calibrate(record(30, 3, -1.5, 2.0), {})
    assert not few.is_better
    assert [curve.curve for curve in few.tried] == [None]
    none = calibrate([structs.replace(one, feedback=[]) for one in record(30, 3, 0, 1)], {})
    assert (none.tried, none.before, none.is_better) == ([], None, False)


def test_days_are_never_on_both_sides() -> None:
    for days in (1, 2, 3, 10):
        early, late, _ = split(record(300, days, 0, 1))
        assert early
        assert late
        assert len(early) + len(late) == 300
        if days > 1:
            assert max(one.sealed_at // DAY_S for one in early) < min(one.sealed_at // DAY_S for one in late)
    one, _, _ = split(record(300, 1, 0, 1))
    again, _, _ = split(record(300, 1, 0, 1, seed=1))
    assert one == again


def test_curves_of_one_s_own_take_the_place_of_others_while_they_hold() -> None:
    answer = said("42", model="llama-3", method="fact", logprob=-0.1)
    usual, trusted = confidence(answer), trust("llama-3", "fact")
    with adopted({"llama": {"fact": Curve(-2.0, 1.0)}}):
        assert confidence(answer) == pytest.approx(1 / (1 + exp(2.1)))
        assert trust("llama-3", "fact") < trusted
        text = said("42", model="llama-3", method="steps", logprob=-0.1)
        held = confidence(text)
    assert (confidence(answer), trust("llama-3", "fact")) == (usual, trusted)
    assert held == confidence(text), "what they lack is as it was"
