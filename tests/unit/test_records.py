from __future__ import annotations

import msgspec
import pytest

from schemas.records import Presence, Record
from services.runtime.wire import decode


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
