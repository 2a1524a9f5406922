from __future__ import annotations

import msgspec
import pytest

from schemas.records import Fitness, Presence, Record
from services.kinds.table import KINDS
from services.runtime.provision import FITNESS_HISTORY, FITNESS_MAX_BYTES
from services.runtime.wire import decode
from services.trainer.fitness import MAX_APPLIED, MAX_TOLD


@pytest.mark.parametrize("slots", [0, -1, 10**9])
def test_a_presence_without_a_sensible_number_of_slots_is_refused(slots: int) -> None:
    payload = (
        b'{"node":"n","cluster":"c","supercluster":"s","models":[],"slots":%d,"fitness":0.5,"started_at":1}' % slots
    )
    with pytest.raises(msgspec.ValidationError, match=r"\$\.slots"):
        decode(payload, Presence)


@pytest.mark.parametrize("field", ["evidence_right", "evidence_wrong", "latency_s", "count", "judged", "right"])
@pytest.mark.parametrize("value", ["-1", "1e308", "1e999", "NaN"])
def test_a_record_out_of_bounds_is_refused(field: str, value: str) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode(f'{{"fitness":0.5,"{field}":{value}}}'.encode(), Record)


def test_the_fitness_of_a_thousand_nodes_has_room() -> None:
    record = Record(
        fitness=0.123456789, count=10**6, judged=10**6, right=10**6, evidence_right=1.23456789, latency_s=9.9
    )
    told = [f"{'x' * 22}/{chunk % 10}" for chunk in range(MAX_TOLD)]
    kinds = {kind.name: record for kind in KINDS}
    fullest = Fitness(node="n" * 16, overall=record, kinds=kinds, applied=[10**8] * MAX_APPLIED, told=told)
    assert 1000 * FITNESS_HISTORY * len(msgspec.json.encode(fullest)) < FITNESS_MAX_BYTES
