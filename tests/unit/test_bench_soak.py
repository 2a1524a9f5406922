import pytest

from tests.bench.soak import Sample, growth


def test_memory_before_the_warm_ups_end_does_not_count() -> None:
    samples = [Sample(500, 10), Sample(1000, 100), Sample(1500, 110), Sample(2000, 120)]
    grown, slope = growth(samples, 1000)
    assert grown == pytest.approx(0.2)
    assert slope == pytest.approx(0.02)
    assert growth([Sample(500, 100), Sample(1000, 100), Sample(1500, 100)], 1000) == (0.0, 0.0)
