"""Compute sums that a text states outright, exactly.

A grammar of arithmetic in English reads "15% of 240", "Subtract 214 from 783" and "What is 17 times 6?"; it reads no
story, and no text with a word that is no part of a sum.  The calculator outvotes models, so it leaves alone whatever
people might mean otherwise: functions in words take plain numbers, "multiply 2 by 3 plus 4" and dates are not computed,
nor is what the grammar reads in two ways with two results.
"""

from __future__ import annotations

import re
from decimal import Decimal, localcontext
from fractions import Fraction
from functools import lru_cache
from itertools import product
from math import isqrt, prod
from typing import TYPE_CHECKING

from lark import Lark, Token, Tree
from lark.exceptions import LarkError

from services.language.measures import CURRENCY_SIGNS
from services.language.number_words import FRACTIONS, MULTIPLES, POWERS_OF_TEN, SCALES
from services.voting.logic import truth
from services.voting.quantity import quantities

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MAX_CHARS = 160
_MAX_NUMBERS = 16
_MAX_EXPONENT = 64
_MAX_BITS = 256  # of numerator or denominator: about 77 digits
_MAX_READINGS = 16
_DECIMALS = 10
_DECIMALS_OF_ROUNDED = 6  # where an operand has so many decimals that it was rounded itself
_SIGNIFICANT = 6

_GRAMMAR = r"""
start: _LEAD* (_THE? _RESULT _OF)? (_task | sum) _END*

_task: add | subtract | divide | multiply | raise_by | lower_by | mod | root | square | cube | part | share
    | fraction_of | off | mean | difference | quotient | sum_of | product_of | less | more

add: "add"i (("up"i | "together"i)? _list | _signed "to"i _signed) "together"i?
subtract: ("subtract"i | "take"i "away"i? | "deduct"i) _signed "away"i? "from"i _signed
    | _plain "subtracted"i "from"i _plain
divide: "divide"i _signed ("by"i | "with"i) _signed
multiply: "multiply"i (_list | _signed ("by"i | "with"i) _signed) "together"i?
raise_by: ("increase"i | "raise"i) _plain "by"i _percent | _plain ("increased"i | "raised"i) "by"i _percent
lower_by: ("decrease"i | "reduce"i | "lower"i) _plain "by"i _percent
    | _plain ("decreased"i | "reduced"i | "lowered"i) "by"i _percent
mod: _THE? "remainder"i "when"i _plain "is"i "divided"i "by"i _plain
root: _THE? "square"i "root"i _OF _plain | ("√" | "sqrt"i) _plain
square: _THE? "square"i _OF _plain
cube: _THE? "cube"i _OF _plain
part: (half | third | quarter) _OF? _plain | (twice | thrice) _plain
share: _percent _OF (_plain | share)
fraction_of: fraction _OF _plain
off: _percent "off"i _OF? _plain
mean: _THE? ("average"i | "mean"i) _OF _list
sum_of: _THE? ("sum"i | "total"i) _OF _list
product_of: _THE? "product"i _OF _list
difference: _THE? "difference"i ("between"i | _OF) _plain "and"i _plain
quotient: _THE? "quotient"i _OF _plain "and"i _plain
less: number "less"i "than"i number
more: number "more"i "than"i number

?sum: term
    | sum _PLUS term -> add
    | sum _MINUS term -> minus
?term: factor
    | term _TIMES factor -> multiply
    | term _OVER factor -> divide
    | term "mod"i factor -> mod
?factor: _negative
    | power
?power: _plain
    | _plain _TO_THE _plain -> power
    | _plain "squared"i -> square
    | _plain "cubed"i -> cube

_negative: negative
negative: ("-" | "−" | "negative"i) number
_signed: _plain | _negative
_plain: number | fraction | "(" sum ")"
_list: _signed ("," _signed)* ","? ("and"i | "with"i) _signed
_percent: number _PERCENT
half: "half"i
third: "a"i "third"i
quarter: "a"i ("quarter"i | "fourth"i)
twice: "twice"i | "double"i
thrice: "thrice"i | "triple"i

number: NUMBER SCALE? | MIXED
fraction: FRACTION

_LEAD: /please|now|then|next|so|what['’]s|what\s+is|what\s+are|what\s+does|what\s+do\s+you\s+get\s+(if|when)\s+you/i
    | /how\s+(much|many)\s+(is|are)|calculate|compute|work\s+out|evaluate|find(\s+out)?|solve|determine/i
    | /(tell|give)\s+me|figure\s+out|(can|could|would)\s+you/i | /[:,]/
_THE: "the"i
_RESULT: /(exact\s+|numeric(al)?\s+|final\s+)?(result|value|answer|outcome)/i
_OF: "of"i
_END: /equals?|is\s+equal\s+to|makes?|gives?|come\s+to|please|exactly/i | /(?<!\d)!|[=?.;:,]/
_PLUS: "+" | "plus"i | /added\s+to/i
_MINUS: "-" | "−" | "–" | "minus"i | "less"i | /take\s+away/i
_TIMES: "*" | "×" | "·" | "x"i | "times"i | /multiplied\s+(by|with)/i
_OVER: "/" | "÷" | "over"i | /divided\s+by/i
_TO_THE: "^" | "**" | /(raised\s+)?to\s+the\s+power(\s+of)?/i
_PERCENT: "%" | /per\s?cent/i
SCALE: /SCALES/i
NUMBER: /[$€£]?(\d{1,3}(,\d{3})+|\d+)(\.\d+)?|[$€£]?\.\d+/
MIXED: /\d+\s+\d+\/\d+/
FRACTION: /\d+\/\d+/

%ignore /\s+/
""".replace("SCALES", "|".join(POWERS_OF_TEN))

# What looks like a sum and is none, or may be another one: dates, ranges, phone numbers, idioms, a factorial, a
# hexadecimal, a list whose commas may stand between thousands, a sign before a power.
_TIGHT = r"(?<=\d)[-–/](?=\d)"
_OTHERWISE = re.compile(
    rf"{_TIGHT}\d+{_TIGHT}|\d{{4,}}{_TIGHT}|{_TIGHT}(?:\d{{4}}|0\d|\d+\s*(?:%|per\s?cent))|\b0\d*{_TIGHT}"
    r"|^\W*what(?:['’]s|\s+is|\s+are)\s+(?:an?\s+|the\s+)?"
    r"(?:9/11|24/7|10-4|80/20|(?P<same>\d+)/(?P=same))(?:\s+rule)?\W*$|\d\s*!|\b0x"
    r"|\b(?:add|sum|total|average|mean|product|multiply)\b.*(?<!\d)\d{3},\d{3}(?!\d)"
    r"|[-−–]\s*[\d.]+\s*(?:squared|cubed|\^|\*\*|(?:raised\s+)?to\s+the\s+power)",
    re.IGNORECASE,
)
_IN_WORD = re.compile(r"[^\W_][-–]\Z")
_HYPHEN = re.compile(r"[-–][^\W_]")
_MAX_PARTS = 1000
_DIVIDED = re.compile(r"÷|divided\s+by", re.IGNORECASE)  # beside which the slash of a proper fraction is no division
_SLASH = re.compile(r"(?<![\d./])(\d)/(\d)(?![\d./])")
_ROUNDED = re.compile(rf"\.\d{{{_DECIMALS - 1},}}")

_SHARES = {name: Fraction(1, under) for name, under in FRACTIONS.items()} | {
    name: Fraction(times) for name, times in MULTIPLES.items()
}
_SMALL = Decimal("0.001")  # what is smaller keeps six digits rather than ten decimals


class _Uncomputable(ArithmeticError):  # noqa: N818  the name says the cause
    """A division by zero, or a value beyond what anybody asks for."""


@lru_cache(maxsize=1024)
def calculate(text: str) -> str | None:
    """Return the value of the sum that `text` states, in figures; None if it states none that can be computed.

    Of an expression of truths it is True or False.  A value with more decimals than ten is rounded to ten (six, if it
    comes of such a rounded one).
    """
    if (true_or_false := truth(text)) is not None:
        return true_or_false
    figures = _in_figures(text.strip()) if len(text) <= MAX_CHARS else None
    if figures is None or not 1 <= len(re.findall(r"\d+", figures)) <= _MAX_NUMBERS or _OTHERWISE.search(figures):
        return None
    if sum(sign in figures for sign in CURRENCY_SIGNS) > 1:
        return None
    try:
        tree = _PARSER.parse(figures)
        if not any(node.data in _OPERATIONS for node in tree.iter_subtrees()):
            return None
        values = _values(tree)
    except (LarkError, _Uncomputable):
        return None
    decimals = _DECIMALS_OF_ROUNDED if _ROUNDED.search(figures) else _DECIMALS
    return _written(values.pop(), decimals) if len(values) == 1 else None


_PARSER = Lark(_GRAMMAR, parser="earley", lexer="dynamic", ambiguity="explicit")  # not when the first query waits


def _in_figures(text: str) -> str | None:
    """Write spelled numbers in figures; None where one counts ("twelve miles") or is part of a word ("7-Eleven")."""
    for number in reversed(quantities(text)):
        if number.spelled:
            is_part = _IN_WORD.search(text[: number.start]) or _HYPHEN.match(text, number.end)
            if is_part or number.unit not in (None, "percent"):
                return None
            value = Fraction(number.value).limit_denominator(_MAX_PARTS)
            figure = str(value) + ("%" if number.unit else "")
            text = f"{text[: number.start]} {figure} {text[number.end :]}"
    return _SLASH.sub(_bracketed, text) if _DIVIDED.search(text) else text


def _bracketed(slash: re.Match[str]) -> str:
    return f"({slash[0]})" if slash[1] < slash[2] else slash[0]


def _values(node: Tree[Token]) -> set[Fraction]:
    """Return the values of all readings."""
    if node.data == "_ambig":
        return set().union(*(_values(child) for child in node.children if isinstance(child, Tree)))
    if node.data == "number":
        return {_number([str(child) for child in node.children])}
    if node.data == "fraction":
        over, under = str(node.children[0]).split("/")
        return {_bounded(lambda a, b: a / b, (Fraction(over), Fraction(under)))}
    if node.data in _SHARES:
        return {_SHARES[node.data]}
    if node.data == "start":
        return _values(node.children[0])  # type: ignore[arg-type]
    readings = [_values(child) for child in node.children if isinstance(child, Tree)]
    if prod(map(len, readings)) > _MAX_READINGS:
        raise _Uncomputable
    return {_bounded(_OPERATIONS[node.data], operands) for operands in product(*readings)}


def _number(parts: Sequence[str]) -> Fraction:
    if "/" in parts[0]:
        whole, over, under = re.findall(r"\d+", parts[0])
        return int(whole) + _bounded(lambda a, b: a / b, (Fraction(over), Fraction(under)))
    value = Fraction(parts[0].lstrip(CURRENCY_SIGNS).replace(",", ""))
    return value * SCALES[parts[1].lower()] if len(parts) > 1 else value


def _bounded(apply: Callable[..., Fraction], operands: Sequence[Fraction]) -> Fraction:
    try:
        value = apply(*operands)
    except ZeroDivisionError:
        raise _Uncomputable from None
    if max(value.numerator.bit_length(), value.denominator.bit_length()) > _MAX_BITS:
        raise _Uncomputable
    return value


def _power(base: Fraction, exponent: Fraction) -> Fraction:
    if exponent.denominator != 1 or abs(exponent) > _MAX_EXPONENT:
        raise _Uncomputable
    return base ** int(exponent)


def _root(value: Fraction) -> Fraction:
    if value < 0:
        raise _Uncomputable
    scale = 10 ** (_DECIMALS + 2)
    root = Fraction(isqrt(value.numerator), isqrt(value.denominator))
    return root if root**2 == value else Fraction(isqrt(int(value * scale**2)), scale)


_OPERATIONS: dict[str, Callable[..., Fraction]] = {
    "add": lambda *values: sum(values, Fraction(0)),
    "sum_of": lambda *values: sum(values, Fraction(0)),
    "more": lambda a, b: a + b,
    "minus": lambda a, b: a - b,
    "subtract": lambda a, b: b - a,
    "less": lambda a, b: b - a,
    "multiply": lambda *values: prod(values, start=Fraction(1)),
    "product_of": lambda *values: prod(values, start=Fraction(1)),
    "part": lambda share, whole: share * whole,
    "divide": lambda a, b: a / b,
    "quotient": lambda a, b: a / b,
    "mod": lambda a, b: a % b,
    "negative": lambda a: -a,
    "power": _power,
    "square": lambda a: a**2,
    "cube": lambda a: a**3,
    "root": _root,
    "off": lambda percent, whole: whole * (1 - percent / 100),
    "raise_by": lambda whole, percent: whole * (1 + percent / 100),
    "lower_by": lambda whole, percent: whole * (1 - percent / 100),
    "mean": lambda *values: sum(values, Fraction(0)) / len(values),
    "difference": lambda a, b: abs(a - b),
    "share": lambda percent, whole: percent / 100 * whole,
    "fraction_of": lambda fraction, whole: fraction * whole,
}


def _written(value: Fraction, decimals: int) -> str | None:
    """Write a value in figures: a whole number exactly, another rounded, None if nothing would be left of it."""
    if value.denominator == 1:
        return str(value.numerator)
    with localcontext(prec=2 * _MAX_BITS):
        exact = Decimal(value.numerator) / Decimal(value.denominator)
        places = max(decimals, -exact.adjusted() - 1 + _SIGNIFICANT if abs(exact) < _SMALL else 0)
        text = f"{round(exact, places):f}"
    return text.rstrip("0").rstrip(".")
