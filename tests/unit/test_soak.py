"""What a soak takes for growth."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from tests.bench.curve import Change, Sample, changes, draw, write_csv
from tests.bench.soak_pipeline import of_stream


def samples(name: str, *values: float) -> list[Sample]:
    return [Sample(at_s=60.0 * number, figures={name: value}) for number, value in enumerate(values)]


def only(name: str, *values: float, warm_up_s: float = 0) -> Change:
    (change,) = changes(samples(name, *values), warm_up_s)
    return change


def test_memory_that_grew_by_more_than_three_percent_is_a_fault() -> None:
    assert only("node private MiB", 100, 100, 101, 103.5).is_fault
    assert not only("node private MiB", 100, 100, 101, 102.5).is_fault
    assert not only("node private MiB", 100, 100, 90, 80).is_fault


def test_memory_before_the_warm_ups_end_does_not_count() -> None:
    assert only("node private MiB", 10, 100, 100, 100, warm_up_s=60).grown == 0


def test_one_high_sample_is_no_growth() -> None:
    values = [100.0] * 12
    values[-1] = 200.0
    assert not only("node private MiB", *values).is_fault


def test_tasks_that_are_never_given_back_are_a_fault_and_those_under_way_are_not() -> None:
    assert only("gateway tasks", 20, 25, 30, 30).is_fault
    assert not only("gateway tasks", 20, 20, 20, 40, 20, 20, 40, 20).is_fault
    assert not only("gateway tasks", 20, 20, 22, 22).is_fault


def test_what_the_streams_keep_is_told_by_what_was_done() -> None:
    state = {"messages": 300, "bytes": 6000, "consumer_count": 2}
    assert of_stream("SOAK_CLAIMS", state, num_kept=100) == {
        "SOAK_CLAIMS consumers": 2,
        "SOAK_CLAIMS messages an act": 3,
        "SOAK_CLAIMS bytes an act": 60,
    }
    assert of_stream("KV_soak_fitness", state, num_kept=100)["KV_soak_fitness messages"] == 300


@pytest.mark.parametrize("name", ["DELLM messages an act", "KV_soak_answers messages"])
def test_messages_that_stay_are_a_fault(name: str) -> None:
    assert only(name, 10, 12, 14, 16).is_fault


def test_the_curve_is_written_as_numbers_and_as_a_picture(tmp_path: Path) -> None:
    taken = [Sample(0, {"a private MiB": 1.0}), Sample(60, {"a private MiB": 2.0, "b files": 3})]
    write_csv(taken, tmp_path / "soak.csv")
    with (tmp_path / "soak.csv").open() as file:
        assert list(csv.reader(file)) == [["seconds", "a private MiB", "b files"], ["0", "1.0", ""], ["60", "2.0", "3"]]
    draw(taken, tmp_path / "soak.svg", 0)
    assert (tmp_path / "soak.svg").read_text().count("<svg") == 1
