"""Sums that a text states outright, computed exactly.

"15% of 240", "Subtract 214 from 783", "What is 17 times 6?" are read by a grammar of arithmetic in English; a story, or
a text with a word that is no part of a sum, is not.  What can be read in two ways with two results is not computed.
"""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction
from functools import cache, lru_cache
from itertools import product
from math import isqrt, prod
from typing import TYPE_CHECKING

from lark import Lark, Token, Tree
from lark.exceptions import LarkError

from services.voting.quantity import quantities

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MAX_CHARS = 200
_MAX_EXPONENT = 64
_MAX_BITS = 256  # of numerator or denominator: about 77 digits
_MAX_READINGS = 16
_DECIMALS = 6

_GRAMMAR = r"""
start: _LEAD* (_THE? _RESULT _OF)? _task _END*

_task: add | subtract | divide | multiply | raise_by | lower_by | sum
add: "add"i (("up"i | "together"i)? _list | sum "to"i sum)  "together"i?
subtract: ("subtract"i | "take"i "away"i? | "deduct"i) sum "away"i? "from"i sum
divide: "divide"i sum ("by"i | "with"i) sum
multiply: "multiply"i (_list | sum ("by"i | "with"i) sum) "together"i?
raise_by: ("increase"i | "raise"i) sum "by"i _percent
lower_by: ("decrease"i | "reduce"i | "lower"i) sum "by"i _percent

?sum: term
    | sum _PLUS term -> add
    | sum _MINUS term -> minus
?term: factor
    | term _TIMES factor -> multiply
    | term _OVER factor -> divide
    | term "mod"i factor -> mod
?factor: "-" factor -> negative
    | power
?power: atom
    | atom _TO_THE factor -> power
    | atom "squared"i -> square
    | atom "cubed"i -> cube
?atom: number
    | "(" sum ")"
    | _THE? "square"i "root"i _OF atom -> root
    | "√" atom -> root
    | "sqrt"i "(" sum ")" -> root
    | _THE? "square"i _OF atom -> square
    | _THE? "cube"i _OF atom -> cube
    | _share _OF? atom -> multiply
    | _percent _OF atom -> share
    | number _OVER number _OF atom -> fraction
    | _percent "off"i _OF? atom -> off
    | _THE? ("sum"i | "total"i) _OF _list -> add
    | _THE? "product"i _OF _list -> multiply
    | _THE? ("average"i | "mean"i) _OF _list -> mean
    | _THE? "difference"i ("between"i | _OF) sum "and"i sum -> difference
    | _THE? "quotient"i _OF sum "and"i sum -> divide
    | _THE? "remainder"i "when"i sum "is"i "divided"i "by"i sum -> mod
    | atom "subtracted"i "from"i atom -> subtract
    | atom "less"i "than"i atom -> subtract
    | atom "more"i "than"i atom -> add

_list: sum ("," sum)* ","? ("and"i | "with"i) sum
_percent: number _PERCENT
_share: half | third | quarter | two_thirds | three_quarters | twice | thrice
half: "half"i
third: ("a"i | "one"i) "third"i
quarter: ("a"i | "one"i) ("quarter"i | "fourth"i)
two_thirds: "two"i "thirds"i
three_quarters: "three"i ("quarters"i | "fourths"i)
twice: "twice"i | "double"i
thrice: "thrice"i | "triple"i

number: NUMBER SCALE?

_LEAD: /please|now|then|next|so|what['’]s|what\s+is|what\s+are|what\s+does|what\s+do\s+you\s+get\s+(if|when)\s+you/i
    | /how\s+(much|many)\s+(is|are)|calculate|compute|work\s+out|evaluate|find(\s+out)?|solve|determine/i
    | /(tell|give)\s+me|figure\s+out|(can|could|would)\s+you/i | /[:,]/
_THE: "the"i
_RESULT: /(exact\s+|numeric(al)?\s+|final\s+)?(result|value|answer|outcome)/i
_OF: "of"i
_END: /equals?|is\s+equal\s+to|makes?|gives?|come\s+to|please|exactly|[=?.!;:,]/i
_PLUS: "+" | "plus"i | "added"i /\s+/ "to"i
_MINUS: "-" | "−" | "–" | "minus"i | "less"i | "take"i /\s+/ "away"i
_TIMES: "*" | "×" | "·" | "x"i | "times"i | /multiplied\s+(by|with)/i
_OVER: "/" | "÷" | "over"i | /divided\s+by/i
_TO_THE: "^" | "**" | /(raised\s+)?to\s+the\s+power(\s+of)?/i
_PERCENT: "%" | /per\s?cent/i
SCALE: /hundred|thousand|million|billion|trillion/i
NUMBER: /[$€£]?(\d{1,3}(,\d{3})+|\d+)(\.\d+)?|[$€£]?\.\d+/

%ignore /\s+/
"""

_SCALES = {"hundred": 2, "thousand": 3, "million": 6, "billion": 9, "trillion": 12}
_SHARES = {
    "half": Fraction(1, 2),
    "third": Fraction(1, 3),
    "quarter": Fraction(1, 4),
    "two_thirds": Fraction(2, 3),
    "three_quarters": Fraction(3, 4),
    "twice": Fraction(2),
    "thrice": Fraction(3),
}


class _Uncomputable(ArithmeticError):  # noqa: N818  the name says the cause
    """A division by zero, or a value beyond what anybody asks for."""


@lru_cache(maxsize=1024)
def calculate(text: str) -> str | None:
    """Return the value of the sum that `text` states, in figures; None if it states none that can be computed.

    A value with more decimals than six is rounded to six.
    """
    figures = _in_figures(text.strip())
    if figures is None or len(figures) > MAX_CHARS or not re.search(r"\d", figures):
        return None
    try:
        tree = _parser().parse(figures)
        if not any(each.data in _OPERATIONS for each in tree.iter_subtrees()):
            return None
        values = _values(tree)
    except (LarkError, _Uncomputable):
        return None
    return _written(values.pop()) if len(values) == 1 else None


@cache
def _parser() -> Lark:
    return Lark(_GRAMMAR, parser="earley", lexer="dynamic", ambiguity="explicit")


def _in_figures(text: str) -> str | None:
    """Write spelled numbers in figures; None where one counts something ("twelve miles")."""
    for each in reversed(quantities(text)):
        if each.spelled:
            if each.unit not in (None, "percent"):
                return None
            figure = f"{each.value:f}" + ("%" if each.unit else "")
            text = f"{text[: each.start]} {figure} {text[each.end :]}"
    return text


def _values(node: Tree[Token]) -> set[Fraction]:
    """Return the values of all readings."""
    if node.data == "_ambig":
        return set().union(*(_values(each) for each in node.children if isinstance(each, Tree)))
    if node.data == "number":
        return {_number([str(each) for each in node.children])}
    if node.data in _SHARES:
        return {_SHARES[node.data]}
    if node.data == "start":
        return _values(node.children[0])  # type: ignore[arg-type]
    readings = [_values(each) for each in node.children if isinstance(each, Tree)]
    if prod(map(len, readings)) > _MAX_READINGS:
        raise _Uncomputable
    return {_bounded(_OPERATIONS[node.data], operands) for operands in product(*readings)}


def _number(parts: Sequence[str]) -> Fraction:
    value = Fraction(parts[0].lstrip("$€£").replace(",", ""))
    return value * 10 ** _SCALES[parts[1].lower()] if len(parts) > 1 else value


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
    "minus": lambda a, b: a - b,
    "subtract": lambda a, b: b - a,
    "multiply": lambda *values: prod(values, start=Fraction(1)),
    "divide": lambda a, b: a / b,
    "mod": lambda a, b: a % b,
    "negative": lambda a: -a,
    "power": _power,
    "square": lambda a: a**2,
    "cube": lambda a: a**3,
    "root": _root,
    "share": lambda percent, whole: percent / 100 * whole,
    "fraction": lambda over, under, whole: over / under * whole,
    "off": lambda percent, whole: whole * (1 - percent / 100),
    "raise_by": lambda whole, percent: whole * (1 + percent / 100),
    "lower_by": lambda whole, percent: whole * (1 - percent / 100),
    "mean": lambda *values: sum(values, Fraction(0)) / len(values),
    "difference": lambda a, b: abs(a - b),
}


def _written(value: Fraction) -> str:
    exact = Decimal(value.numerator) / Decimal(value.denominator)
    rounded = exact.quantize(Decimal(1).scaleb(-_DECIMALS)) if abs(value) < 10**20 else exact.to_integral_value()
    text = f"{rounded:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
