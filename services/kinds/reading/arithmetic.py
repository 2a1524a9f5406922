"""Arithmetic on values that cannot grow beyond bounds: numbers, and short lists of numbers.

Operators take and give numbers, functions lists too; what is too large, or of another kind, raises Unreadable.
"""

from __future__ import annotations

import ast
import math
import operator
import statistics
from collections.abc import Callable
from typing import Any

from simpleeval import InvalidExpression

_MAX_BITS = 1024
_MAX_DIGITS = 20
_MAX_ITEMS = 1000


class Unreadable(InvalidExpression):  # type: ignore[misc]
    """What no program may hold, no value of bounded size, or too much work."""


def number(value: Any) -> Any:
    """Give a number back.  Raises Unreadable if it is none, a very large one, or not finite."""
    if not isinstance(value, int | float):
        raise Unreadable("value", "not a number")
    if isinstance(value, float) and not math.isfinite(value):
        raise Unreadable("value", "not finite")
    if isinstance(value, int) and value.bit_length() > _MAX_BITS:
        raise Unreadable("value", "too large")
    return value


def checked(value: Any) -> Any:
    """Give a number, or a list of numbers, back.  Raises Unreadable if it is neither, or too large."""
    if not isinstance(value, list):
        return number(value)
    if len(value) > _MAX_ITEMS:
        raise Unreadable("list", "too long")
    return [number(each) for each in value]


def _bounded(function: Callable[..., Any], check: Callable[[Any], Any]) -> Callable[..., Any]:
    """Let a function take and give values of bounded size only."""
    return lambda *operands: check(function(*map(check, operands)))


def _power(base: Any, exponent: Any) -> Any:
    if isinstance(base, int) and base.bit_length() * abs(exponent) > _MAX_BITS:
        raise Unreadable("power", "too large")
    return base**exponent


def _round(value: Any, digits: Any = 0) -> Any:
    if abs(digits) > _MAX_DIGITS:
        raise Unreadable("round", "too many digits")
    return round(value, digits) if digits else round(value)


def _range(*bounds: Any) -> list[int]:
    found = range(*bounds)
    if len(found) > _MAX_ITEMS:
        raise Unreadable("range", "too long")
    return list(found)


def _chosen(choose: Callable[[int, int], int]) -> Callable[..., int]:
    def choices(of: int, several: int) -> int:
        if of > _MAX_ITEMS:
            raise Unreadable("choices", "too many")
        return choose(of, several)

    return choices


def _factorial(value: int) -> int:
    return _chosen(math.perm)(value, value)


_KNOWN_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "abs": abs, "ceil": math.ceil, "comb": _chosen(math.comb), "factorial": _factorial, "float": float,
    "floor": math.floor, "gcd": math.gcd, "int": int, "lcm": math.lcm, "len": len, "list": list, "max": max,
    "mean": statistics.mean, "median": statistics.median, "min": min, "perm": _chosen(math.perm), "pow": _power,
    "prod": math.prod, "range": _range, "round": _round, "sorted": sorted, "sqrt": math.sqrt, "sum": sum,
}  # fmt: skip
_KNOWN_OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: _power,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Not: operator.not_,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
FUNCTIONS = {name: _bounded(function, checked) for name, function in _KNOWN_FUNCTIONS.items()}
OPERATORS = {node: _bounded(function, number) for node, function in _KNOWN_OPERATORS.items()}
