"""A short run of what `make fuzz` does at length."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings

from tests.fuzz.inputs import wild
from tests.fuzz.targets import TARGETS, Target

NUM_EXAMPLES = 40


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_a_bad_input_is_told_once(target: Target) -> None:
    @settings(max_examples=NUM_EXAMPLES, suppress_health_check=list(HealthCheck))
    @given(payload=wild(target.seeds))
    def feed(payload: bytes) -> None:
        target.feed(payload)

    feed()


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_what_the_inputs_are_made_of_is_good(target: Target) -> None:
    for seed in target.seeds:
        target.feed(seed)
