"""How many of one unit of measure or currency make another."""

from __future__ import annotations

from fractions import Fraction

from services.language.measures import IN_BASE_UNITS

_IN_BASE = {
    unit: (base, Fraction(many)) for base, units in IN_BASE_UNITS.items() for unit, many in {base: "1", **units}.items()
}
_EXPONENTS = {"": 1, "square": 2, "cubic": 3}


def conversion(a: str | None, b: str | None) -> Fraction | None:
    """Return how many of unit `b` one of unit `a` makes: 1 if either is missing, None if they measure different things.

    A part that one of them leaves out contradicts nothing: "dollar" may be "dollar/day", not "euro/day".
    """
    many = Fraction(1)
    if a is None or b is None:
        return many
    for place, (one, other) in enumerate(zip(a.split("/"), b.split("/"), strict=False)):
        part = _measure(one, other)
        if part is None:
            return None
        many = many / part if place else many * part
    return many


def _measure(a: str, b: str) -> Fraction | None:
    (power, _, one), (other_power, _, other) = a.rpartition(" "), b.rpartition(" ")
    if power != other_power:
        return None
    if one == other:
        return Fraction(1)
    (base, many), (other_base, other_many) = _IN_BASE.get(one, (one, 1)), _IN_BASE.get(other, (other, 1))
    return Fraction(many, other_many) ** _EXPONENTS[power] if base == other_base else None
