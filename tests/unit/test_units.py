from __future__ import annotations

from fractions import Fraction

import pytest

from services.voting.units import conversion


@pytest.mark.parametrize(
    ("a", "b", "many"),
    [
        ("hour", "minute", 60),
        ("minute", "hour", Fraction(1, 60)),
        ("kilometre/hour", "metre/second", Fraction(5, 18)),
        ("square metre", "square centimetre", 10_000),
        ("cubic yard", "cubic foot", 27),
        ("dollar", "cent", 100),
        ("dollar", "dollar/day", 1),
        ("celsius", "celsius", 1),
        (None, "hour", 1),
        ("month", "day", None),
        ("metre", "square metre", None),
        ("dollar", "euro", None),
        ("pound", "gram", None),
        ("dollar/day", "dollar/month", None),
    ],
)
def test_how_many_of_one_unit_another_makes(a: str | None, b: str | None, many: Fraction | int | None) -> None:
    assert conversion(a, b) == many
