from __future__ import annotations

from math import exp
from random import Random

import pytest

from services.voting.curves import MAX_SLOPE, fit


def test_a_curve_is_found_again() -> None:
    random = Random(1)
    seen = []
    for _ in range(4000):
        logprob = -random.random()
        seen.append((logprob, random.random() < 1 / (1 + exp(-(2 + 4 * logprob)))))
    at_zero, slope = fit(seen)
    assert at_zero == pytest.approx(2, abs=0.3)
    assert slope == pytest.approx(4, abs=0.6)


def test_the_more_fluent_is_never_trusted_less_and_no_curve_is_a_step() -> None:
    assert fit([(-0.1, False), (-0.9, True)] * 40)[1] == 0
    assert fit([(-0.1, True), (-0.2, False)] * 400)[1] <= MAX_SLOPE
