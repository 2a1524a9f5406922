"""Find numbers and their units in text: the one place that knows how a number may be written.

It finds figures ("1,000", "-3.5", "$80", "3/4", "1 1/2", "2.5 million", "5k", "3 × 10^8", "15%") and English number
words ("forty-two", "one hundred and five", "two-thirds", "one and a half").  It knows no ordinals, Roman numerals,
decimal commas or arithmetic; a figure that is part of a term ("2x", "25π", "√5") is no number.  Values are exact
decimals; a fraction is rounded to 28 digits.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from services.language.measures import PER_ONLY, UNITS
from services.language.number_words import BELOW_100, FRACTIONS, ONES, SCALES, SMALL, TEENS, cardinal
from services.voting.units import conversion

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_SUFFIXES = {"k": 10**3, "m": 10**6, "bn": 10**9, "b": 10**9}
_SCALE = rf"(?:{'|'.join(SCALES)})"
_PART = rf"(?:{'|'.join(FRACTIONS)})"
_FIGURE = re.compile(
    rf"""(?<![\w.√π])(?<![a-z)]\^)(?P<sign>[-−+])?(?:(?P<currency>[$€£¥₹])\s?)?
    (?P<figure>(?:[0-9]{{1,3}}(?:,[0-9]{{3}}){{1,9}}|[0-9]{{1,30}})(?:\.[0-9]{{1,30}})?|\.[0-9]{{1,30}}|(?=[¼½¾]))
    (?:e(?P<exponent>[-+]?[0-9]{{1,3}}))?(?P<vulgar>[¼½¾])?+
    (?![0-9]|(?:st|nd|rd|th)\b)
    (?:\s?[×x*]\s?10(?:\^{{?(?P<power>[-−]?[0-9]{{1,3}})\b}}?|(?P<raised>[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]{{1,4}})))?
    (?:[ ](?P<part>[0-9]{{1,3}})[/⁄](?P<whole>[0-9]{{1,3}})(?![\w/])|\s?[/⁄]\s?(?P<over>[0-9]{{1,9}})(?![\w/.,]\w))?
    (?:[ ]and[ ]a[ ](?P<extra>{_PART})\b(?![ ]of\b))?
    (?:[ -](?P<scale>{_SCALE})\b|(?P<suffix>(?(currency)[km]|(?-i:k|M))|bn|(?(currency)b|(?!)))(?!\w))?""",
    re.IGNORECASE | re.VERBOSE,
)
_BELOW_1000 = rf"(?:(?:a|{'|'.join(ONES | TEENS)})[ ]hundred(?:[ ](?:and[ ])?{BELOW_100}\b)?|zero|{BELOW_100})"
_FRACTION = rf"(?:one[- ]{_PART}|(?:{'|'.join(list(ONES)[1:])})[- ](?:halve|{_PART})s)\b"
_SPELLED = re.compile(
    rf"""\b(?:(?P<part>{_FRACTION}|half[ ]an?(?=[ ](?:{"|".join(filter(str.isalpha, UNITS))}|{_SCALE})\b))
    |(?P<whole>(?:{_BELOW_1000}|a(?=[ ]{_SCALE}\b))\b(?:[ ]{_SCALE}\b(?:,?[ ](?:and[ ])?{_BELOW_1000}\b)?){{0,5}})
    (?:(?<!dozen)(?<!sand)(?<!llion)[ ]and[ ](?P<extra>a[ ]{_PART}\b|{_FRACTION})(?![ ]of\b))?)
    (?:(?<!llion)[ ](?P<scale>{_SCALE})\b)?""",
    re.IGNORECASE | re.VERBOSE,
)
_UNIT = re.compile(
    r"[ -]?(?:degrees?\s)?(?:(?P<power>square|cubic)\s)?(?P<unit>per\s?cent\b|[%¢]|°\s?[cf]\b|[a-z]+)"
    r"(?P<raised>[²³]|\^\{?[23]\}?)?",
    re.IGNORECASE,
)
_IN_TERM = re.compile(r"(?:[a-rt-z]|[xyz]{2,3})(?![^\W\d_])|\s?π|√")  # "1990s" and "5s" are numbers
_RATE = re.compile(r"(?:\s?/\s?|\s(?:per|an?)\s)(?P<unit>[a-z]+)", re.IGNORECASE)
_RAISED = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
_SIGN = re.compile(
    r"(?:\b(?P<negative>negative)|(?:\A|\b(?:is|was|of|to|at|be|equals)|[=:])\s*\b(?P<minus>minus))\s\Z", re.IGNORECASE
)
_SIGN_CHARS = 16
_JOINT = re.compile(r",?\s+(?:and\s+)?")
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


def compounds(text: str, found: list[Quantity]) -> list[Quantity]:
    """Join what is found where a smaller unit of the same measure follows: "1 hour and 30 minutes" is 90 minutes."""
    joined: list[Quantity] = []
    for quantity in found:
        before = joined[-1] if joined else None
        many = conversion(before.unit, quantity.unit) if before and before.unit and quantity.unit else None
        if before and many and many > 1 and _JOINT.fullmatch(text, before.end, quantity.start):
            value = before.value * many.numerator / many.denominator + quantity.value.copy_sign(before.value)
            joined[-1] = replace(quantity, value=value, start=before.start)
        else:
            joined.append(quantity)
    return joined


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
        value = _figure(group)
        unit, end = _unit(text, match.end(), group["currency"])
        if end == match.end() and _IN_TERM.match(text, end):
            continue
        yield Quantity(value, unit, match.start(), end, spelled=False)


def _figure(group: Mapping[str, str | None]) -> Decimal:
    value = Decimal((group["figure"] or "").replace(",", "") or 0)
    if group["vulgar"]:
        value += Decimal(str(unicodedata.numeric(group["vulgar"])))
    power = group["exponent"] or group["power"] or (group["raised"] or "").translate(_RAISED)
    if power and power.strip("-−+"):
        value = value.scaleb(int(power.replace("−", "-")))
    if group["part"] and group["whole"] and int(group["whole"]):
        value += Decimal(group["part"]) / Decimal(group["whole"])
    if group["over"] and int(group["over"]):
        value /= Decimal(group["over"])
    if group["extra"]:
        value += _part(group["extra"])
    value *= SCALES[group["scale"].lower()] if group["scale"] else 1
    value *= _SUFFIXES[group["suffix"].lower()] if group["suffix"] else 1
    return -value if group["sign"] in {"-", "−"} else value


def _spelled(text: str) -> Iterator[Quantity]:
    for match in _SPELLED.finditer(text):
        parts = (_part(words) for words in (match["part"], match["extra"]) if words)
        value = sum(parts, Decimal(cardinal(match["whole"] or "")))
        value *= SCALES[match["scale"].lower()] if match["scale"] else 1
        unit, end = _unit(text, match.end(), None)
        yield Quantity(value, unit, match.start(), end, spelled=True)


def _part(words: str) -> Decimal:
    """Return the value of "half", "a third", "two-thirds"."""
    said = re.findall(r"[a-z]+", words.lower())
    names = (word.replace("halves", "half").removesuffix("s") for word in said)
    return Decimal(SMALL.get(said[0], 1)) / next(FRACTIONS[name] for name in names if name in FRACTIONS)


def _signed(text: str, found: Quantity) -> Quantity:
    """Read a sign in words: any "negative", and a "minus" with nothing before it to be subtracted from."""
    window = max(0, found.start - _SIGN_CHARS)
    sign = _SIGN.search("." * (window > 0) + text[window : found.start])
    if not sign or found.value < 0:
        return found
    return replace(found, value=-found.value, start=found.start - (sign.end() - sign.start(sign.lastgroup or 0)))


def _unit(text: str, end: int, currency: str | None) -> tuple[str | None, int]:
    """Return the unit that follows at `end`, and where it ends."""
    name = UNITS[currency] if currency else None
    match = _UNIT.match(text, end)
    if match:
        alias = re.sub(r"\s", "", match["unit"].lower())
        if alias in UNITS:
            power = _POWERS[match["raised"].strip("^{}")] if match["raised"] else (match["power"] or "").lower()
            name = name or f"{power} {UNITS[alias]}".strip()
            end = match.end()
    rate = _RATE.match(text, end) if name else None
    per = (UNITS | PER_ONLY).get(rate["unit"].lower()) if rate else None
    return (f"{name}/{per}", rate.end()) if rate and per else (name, end)
