"""Numbers and units in text: the one place that knows how a number may be written.

Finds figures ("1,000", "-3.5", "$80", "3/4", "1 1/2", "2.5 million", "3 × 10^8", "15%") and English number words
("forty-two", "one hundred and five").  It does not know ordinals, Roman numerals, decimal commas or arithmetic.
Values are exact decimals; a fraction is rounded to 28 digits.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_ONES = {w: n for n, w in enumerate("one two three four five six seven eight nine".split(), 1)}
_TEENS = {
    w: n
    for n, w in enumerate("ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split(), 10)
}
_TENS = {w: 10 * n for n, w in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), 2)}
_SMALL = {"zero": 0, "a": 1, **_ONES, **_TEENS, **_TENS}
_SCALES = {"dozen": 12, "hundred": 100, "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}

_UNITS = {
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
_PER_ONLY = {"s": "second", "person": "person"}  # "1990s" are no seconds

_SCALE = rf"(?:{'|'.join(_SCALES)})"
_FIGURE = re.compile(
    rf"""(?<![\w.])(?P<sign>[-−+])?(?:(?P<currency>[$€£¥₹])\s?)?
    (?P<figure>(?:[0-9]{{1,3}}(?:,[0-9]{{3}}){{1,9}}|[0-9]{{1,30}})(?:\.[0-9]{{1,30}})?|\.[0-9]{{1,30}}|(?=[¼½¾]))
    (?:e(?P<exponent>[-+]?[0-9]{{1,3}}))?(?P<vulgar>[¼½¾])?+
    (?![0-9]|(?:st|nd|rd|th)\b)
    (?:\s?[×x*]\s?10(?:\^{{?(?P<power>[-−]?[0-9]{{1,3}})\b}}?|(?P<raised>[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]{{1,4}})))?
    (?:[ ](?P<part>[0-9]{{1,3}})[/⁄](?P<whole>[0-9]{{1,3}})(?![\w/])|\s?[/⁄]\s?(?P<over>[0-9]{{1,9}})(?![\w/.,]\w))?
    (?:[ -](?P<scale>{_SCALE})\b)?""",
    re.IGNORECASE | re.VERBOSE,
)
_BELOW_100 = rf"(?:(?:{'|'.join(_TENS)})(?:[- ](?:{'|'.join(_ONES)}))?|{'|'.join(_TEENS)}|{'|'.join(_ONES)})"
_BELOW_1000 = (
    rf"(?:(?:a|{'|'.join(_ONES)}|{'|'.join(_TEENS)})[ ]hundred(?:[ ](?:and[ ])?{_BELOW_100}\b)?|zero|{_BELOW_100})"
)
_SPELLED = re.compile(
    rf"\b(?:{_BELOW_1000}|a(?=[ ]{_SCALE}\b))\b(?:[ ]{_SCALE}\b(?:,?[ ](?:and[ ])?{_BELOW_1000}\b)?){{0,5}}",
    re.IGNORECASE,
)
_UNIT = re.compile(
    r"[ -]?(?:degrees?\s)?(?:(?P<power>square|cubic)\s)?(?P<unit>per\s?cent\b|[%¢]|°\s?[cf]\b|[a-z]+)"
    r"(?P<raised>[²³]|\^\{?[23]\}?)?",
    re.IGNORECASE,
)
_RATE = re.compile(r"(?:\s?/\s?|\s(?:per|an?)\s)(?P<unit>[a-z]+)", re.IGNORECASE)
_RAISED = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
_SIGN = re.compile(
    r"(?:\b(?P<negative>negative)|(?:\A|\b(?:is|was|of|to|at|be|equals)|[=:])\s*\b(?P<minus>minus))\s\Z", re.IGNORECASE
)
_SIGN_CHARS = 16
_POWERS = {"²": "square", "³": "cubic", "2": "square", "3": "cubic"}
_MIN_DIGITS = 2


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number at `text[start:end]` (with its sign, currency and unit); `spelled` says that it is written in words.

    `unit` is the canonical name of a unit of measure or currency, perhaps per another ("mile/hour"); None without one.
    """

    value: Decimal
    unit: str | None
    start: int
    end: int
    spelled: bool


def quantities(text: str) -> list[Quantity]:
    """Return every number of `text`, in the order in which they stand."""
    figures = list(_figures(text))
    taken = {position for figure in figures for position in range(figure.start, figure.end)}
    spelled = [found for found in _spelled(text) if found.start not in taken]
    return [_signed(text, found) for found in sorted([*figures, *spelled], key=lambda quantity: quantity.start)]


def same(a: Decimal, b: Decimal) -> bool:
    """Whether two values are equal, or one is the other rounded to at least two decimals and two digits.

    So 0.33 is 1/3 and 3.14 is 3.14159, but 5 is not 5.2 and 0.01 is not 0.014.
    """
    if a == b:
        return True
    coarse = max(a, b, key=_step)
    return len(coarse.as_tuple().digits) >= _MIN_DIGITS and abs(a - b) <= _step(coarse) / 2 < Decimal("0.01")


def _step(value: Decimal) -> Decimal:
    """Return the value of the last digit that is written: 0.01 for 3.14."""
    exponent = value.as_tuple().exponent
    assert isinstance(exponent, int), "only finite numbers are made here"
    return Decimal(1).scaleb(exponent)


def _figures(text: str) -> Iterator[Quantity]:
    end = 0
    for match in _FIGURE.finditer(text):
        if match.start() < end:  # the power of a unit: "84 cm^2"
            continue
        group = match.groupdict()
        value = Decimal(group["figure"].replace(",", "") or 0)
        if group["vulgar"]:
            value += Decimal(str(unicodedata.numeric(group["vulgar"])))
        power = group["exponent"] or group["power"] or (group["raised"] or "").translate(_RAISED)
        if power and power.strip("-−+"):
            value = value.scaleb(int(power.replace("−", "-")))
        if group["whole"] and int(group["whole"]):
            value += Decimal(group["part"]) / Decimal(group["whole"])
        if group["over"] and int(group["over"]):
            value /= Decimal(group["over"])
        if group["scale"]:
            value *= _SCALES[group["scale"].lower()]
        if group["sign"] in {"-", "−"}:
            value = -value
        unit, end = _unit(text, match.end(), group["currency"])
        yield Quantity(value, unit, match.start(), end, spelled=False)


def _spelled(text: str) -> Iterator[Quantity]:
    for match in _SPELLED.finditer(text):
        total = current = 0
        for word in re.findall(r"[a-z]+", match.group().lower()):
            if word in _SMALL:
                current += _SMALL[word]
            elif word == "hundred":
                current = 100 * max(current, 1)
            elif word in _SCALES:
                total, current = total + _SCALES[word] * max(current, 1), 0
        unit, end = _unit(text, match.end(), None)
        yield Quantity(Decimal(total + current), unit, match.start(), end, spelled=True)


def _signed(text: str, found: Quantity) -> Quantity:
    """Read a sign in words: any "negative", and a "minus" with nothing before it to be subtracted from."""
    window = max(0, found.start - _SIGN_CHARS)
    sign = _SIGN.search("." * (window > 0) + text[window : found.start])
    if not sign or found.value < 0:
        return found
    return replace(found, value=-found.value, start=found.start - (sign.end() - sign.start(sign.lastgroup or 0)))


def _unit(text: str, end: int, currency: str | None) -> tuple[str | None, int]:
    """Return the unit that follows at `end`, and where it ends."""
    name = _UNITS[currency] if currency else None
    match = _UNIT.match(text, end)
    if match:
        alias = re.sub(r"\s", "", match["unit"].lower())
        if alias in _UNITS:
            power = _POWERS[match["raised"].strip("^{}")] if match["raised"] else (match["power"] or "").lower()
            name = name or f"{power} {_UNITS[alias]}".strip()
            end = match.end()
    rate = _RATE.match(text, end) if name else None
    per = (_UNITS | _PER_ONLY).get(rate["unit"].lower()) if rate else None
    return (f"{name}/{per}", rate.end()) if rate and per else (name, end)
