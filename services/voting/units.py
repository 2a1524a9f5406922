"""Units of measure and currency: their names, and how many of one make another.

What has two meanings is not converted: a pound of weight is 16 ounces, but no number of grams or dollars.
"""

from __future__ import annotations

from fractions import Fraction

UNITS = {
    alias: name
    for name, aliases in {
        "dollar": "$ dollar dollars usd",
        "cent": "cent cents ¢",
        "euro": "€ euro euros eur",
        "pound": "£ pound pounds gbp lb lbs",
        "yen": "¥ yen",
        "rupee": "₹ rupee rupees",
        "percent": "% percent",
        "second": "second seconds sec secs",
        "minute": "minute minutes min mins",
        "hour": "hour hours hr hrs h",
        "day": "day days",
        "week": "week weeks",
        "month": "month months",
        "year": "year years yr yrs",
        "millimetre": "millimetre millimetres millimeter millimeters mm",
        "centimetre": "centimetre centimetres centimeter centimeters cm",
        "metre": "metre metres meter meters m",
        "kilometre": "kilometre kilometres kilometer kilometers km kms",
        "inch": "inch inches",
        "foot": "foot feet ft",
        "yard": "yard yards yd",
        "mile": "mile miles mi",
        "mile/hour": "mph",
        "gram": "gram grams g",
        "kilogram": "kilogram kilograms kg kgs",
        "milligram": "milligram milligrams mg",
        "ton": "ton tons tonne tonnes",
        "ounce": "ounce ounces oz",
        "millilitre": "millilitre millilitres milliliter milliliters ml",
        "litre": "litre litres liter liters l",
        "gallon": "gallon gallons gal",
        "celsius": "celsius °c",
        "fahrenheit": "fahrenheit °f",
        "kelvin": "kelvin kelvins k",
    }.items()
    for alias in aliases.split()
}
PER_ONLY = {"s": "second", "person": "person"}  # "1990s" are no seconds
_MEASURES = {
    "second": {"minute": "60", "hour": "3600", "day": "86400", "week": "604800"},
    "month": {"year": "12"},
    "metre": {
        "millimetre": "0.001",
        "centimetre": "0.01",
        "kilometre": "1000",
        "inch": "0.0254",
        "foot": "0.3048",
        "yard": "0.9144",
        "mile": "1609.344",
    },
    "gram": {"milligram": "0.001", "kilogram": "1000"},
    "ounce": {"pound": "16"},
    "litre": {"millilitre": "0.001"},
    "dollar": {"cent": "0.01"},
}
_IN_BASE = {
    unit: (base, Fraction(many)) for base, units in _MEASURES.items() for unit, many in {base: "1", **units}.items()
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
