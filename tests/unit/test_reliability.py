from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.evaluation.reliability import HEIGHT, picture, plot_reliability, reliability, side_by_side
from services.evaluation.rows import EvaluationError

seen = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=200)


@given(seen)
def test_every_answer_is_in_one_bin_and_all_figures_have_their_bounds(answers: list[tuple[float, bool]]) -> None:
    found = reliability(answers)
    assert found is not None
    assert found.count == len(answers) == sum(group.count for group in found.bins)
    assert 0 <= found.ece <= 1
    assert 0 <= found.brier <= 1
    assert found.log_loss >= 0
    assert [group.confidence for group in found.bins] == sorted(group.confidence for group in found.bins)
    drawn = picture("all", found)
    assert len({len(line) for line in drawn[1:-1]}) == 1
    assert len(drawn) == HEIGHT + 3


def test_who_is_sure_and_always_wrong_has_an_error_of_one() -> None:
    always = reliability([(1.0, False)] * 5)
    never = reliability([(1.0, True), (0.0, False)])
    assert always is not None
    assert never is not None
    assert (always.ece, never.ece) == (1, 0)
    assert reliability([]) is None


def test_confidence_that_is_meant_is_reliable() -> None:
    random = Random(3)
    drawn = [random.random() for _ in range(5000)]
    honest = reliability([(p, random.random() < p) for p in drawn])
    boastful = reliability([((p + 1) / 2, random.random() < p) for p in drawn])
    assert honest is not None
    assert boastful is not None
    assert honest.ece < 0.05
    assert boastful.ece > 0.2
    assert honest.log_loss < boastful.log_loss


def test_pictures_stand_side_by_side() -> None:
    found = reliability([(0.9, True), (0.2, False)])
    assert found is not None
    lines = list(side_by_side(picture("before", found), picture("after", found)))
    assert "before: ECE" in lines[0]
    assert "after: ECE" in lines[0]
    assert all(line == line.rstrip() for line in lines)


@pytest.mark.parametrize("name", ["plot.png", "plot.svg"])
def test_it_is_drawn(tmp_path: Path, name: str) -> None:
    found = reliability([(0.9, True), (0.2, False)])
    assert found is not None
    plot_reliability("held out", {"before": found, "after": found}, tmp_path / name)
    assert (tmp_path / name).stat().st_size > 1000
    with pytest.raises(EvaluationError, match=r"ends in .png or .svg"):
        plot_reliability("held out", {"before": found}, tmp_path / "plot.odd")
