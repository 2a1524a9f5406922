"""What a program that is not trusted may compute with: values of bounded size, and what may be done with them.

Values are numbers, texts, dates and spans of days, and lists, tuples, sets and dicts of these.  An operation that could
make a large value from small ones looks first; whatever else comes out is checked.  What is too large, or of another
type, raises Unreadable.
"""

from __future__ import annotations

import ast
import math
import operator
import re
import statistics
from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from itertools import combinations, permutations, product
from typing import Any

MAX_BITS = 1024
MAX_CHARS = 1000
MAX_ITEMS = 6000  # all orders of seven things are 5,040
MAX_LEAVES = 50_000
_MAX_DIGITS = 20
_MAX_SEVERAL = 20
_MAX_OF = 300
_MAX_COUNT_BITS = 63
_MAX_FORMAT_CHARS = 40
_NUMBER_FORMAT = re.compile(r"[<>=^+-]?0?\d?\d?,?(?:\.\d\d?)?[bdefgsx%]?")
_DATE_FORMAT = re.compile(r"(?:%-?[a-zA-Z]|[^%])*")
_SIZED = (str, list, tuple, dict, set)


class Unreadable(Exception):  # noqa: N818
    """What no program may hold, or no value of bounded size."""


class Function:
    """A function that a program defines."""

    def __init__(self, call: Callable[..., Any]) -> None:
        self._call = call

    def __call__(self, *operands: Any) -> Any:
        """Carry the function out."""
        return self._call(*operands)


def number(value: Any) -> Any:
    """Give a number or a truth back.  Raises Unreadable if it is none, a very large one, or not finite."""
    if not isinstance(value, int | float):
        raise Unreadable("not a number")
    if isinstance(value, float) and not math.isfinite(value):
        raise Unreadable("not finite")
    if isinstance(value, int) and value.bit_length() > MAX_BITS:
        raise Unreadable("too large a number")
    return value


def checked(value: Any) -> Any:
    """Give a value back; what is lazy becomes a list.  Raises Unreadable if it is of no known type, or too large."""
    if value is None or isinstance(value, date | timedelta | Function):
        return value
    if isinstance(value, str):
        return _short(value, MAX_CHARS)
    if isinstance(value, list | tuple | dict | set):
        return _short(value, MAX_ITEMS)
    return number(value)


def leaves(value: Any) -> int:
    """Count what a value holds, itself and all that is in it.  Raises Unreadable beyond a bound, so also of a ring."""
    left, found = [value], 0
    while left:
        one = left.pop()
        found += 1
        if isinstance(one, dict):
            left += [*one, *one.values()]
        elif isinstance(one, list | tuple | set):
            left += one
        if found + len(left) > MAX_LEAVES:
            raise Unreadable("too large a value")
    return found


def written(value: Any, form: str = "") -> str:
    """Write a value as a text, in a format of Python's."""
    if isinstance(value, date):
        return _dated(value, form) if form else str(value)
    if isinstance(value, _SIZED) and not isinstance(value, str) and leaves(value) > MAX_CHARS:
        raise Unreadable("too long a text")
    if not _NUMBER_FORMAT.fullmatch(form):
        raise Unreadable("format")
    return f"{value:{form}}" if form else str(value)


def _short(value: Any, limit: int) -> Any:
    if len(value) > limit:
        raise Unreadable("too long")
    return value


def _listed(values: Iterable[Any]) -> list[Any]:
    """Make a list of what is lazy, as far as it may be long."""
    found = []
    for value in values:
        found.append(value)
        _short(found, MAX_ITEMS)
    return found


def _lazy(function: Callable[..., Iterable[Any]]) -> Callable[..., list[Any]]:
    return lambda *operands, **named: _listed(function(*operands, **named))


def _multiply(left: Any, right: Any) -> Any:
    for text, times in ((left, right), (right, left)):
        if isinstance(text, _SIZED) and (not isinstance(times, int) or times * len(text) > MAX_ITEMS):
            raise Unreadable("too long")
    return left * right


def _modulo(left: Any, right: Any) -> Any:
    if isinstance(left, str):
        raise Unreadable("format")
    return left % right


def _power(base: Any, exponent: Any) -> Any:
    if isinstance(base, int) and base.bit_length() * abs(exponent) > MAX_BITS:
        raise Unreadable("too large a power")
    return base**exponent


def _round(value: Any, digits: Any = 0) -> Any:
    if abs(digits) > _MAX_DIGITS:
        raise Unreadable("too many digits")
    return round(value, digits) if digits else round(value)


def _chosen(choose: Callable[[int, int], int]) -> Callable[..., int]:
    def choices(of: int, several: int) -> int:
        if of > _MAX_OF:
            raise Unreadable("too many choices")
        return choose(of, several)

    return choices


def _factorial(value: int) -> int:
    return _chosen(math.perm)(value, value)


def _whole(value: Any = 0) -> int:
    return int(_short(value, MAX_CHARS)) if isinstance(value, str) else int(value)


def _dated(value: date, form: str) -> str:
    if len(form) > _MAX_FORMAT_CHARS or not _DATE_FORMAT.fullmatch(form):
        raise Unreadable("format")
    return value.strftime(form)


def _parsed(text: str, form: str) -> datetime:
    if len(text) + len(form) > 2 * _MAX_FORMAT_CHARS:
        raise Unreadable("format")
    return datetime.strptime(text, form)  # noqa: DTZ007


def _several(choose: Callable[..., Iterable[Any]]) -> Callable[..., list[Any]]:
    """Bound the size of the selections that `choose` makes: it reserves memory for a whole one at once."""

    def chosen(values: Any, *size: int) -> list[Any]:
        if any(number(several) > _MAX_SEVERAL for several in size):
            raise Unreadable("too many at once")
        return _listed(choose(values, *size))

    return chosen


def _product(*values: Any, repeat: int = 1) -> list[Any]:
    if repeat > _MAX_SEVERAL:
        raise Unreadable("too many at once")
    return _listed(product(*values, repeat=repeat))


def _range(*bounds: Any) -> list[int]:
    if any(bound.bit_length() > _MAX_COUNT_BITS for bound in bounds):
        raise Unreadable("too far a range")
    return _listed(range(*bounds))


def _sum(values: Any, start: Any = 0) -> Any:
    return sum(values, number(start))


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "abs": abs, "all": all, "any": any, "bool": bool, "ceil": math.ceil, "comb": _chosen(math.comb),
    "combinations": _several(combinations), "date": date, "datetime": datetime, "dict": dict,
    "enumerate": _lazy(enumerate), "factorial": _factorial, "filter": _lazy(filter),
    "float": float, "floor": math.floor, "gcd": math.gcd,
    "int": _whole, "lcm": math.lcm, "len": len, "list": _lazy(list), "map": _lazy(map), "max": max,
    "mean": statistics.mean, "median": statistics.median, "min": min, "perm": _chosen(math.perm),
    "permutations": _several(permutations), "pow": _power, "prod": math.prod, "product": _product,
    "range": _range, "reversed": _lazy(reversed), "round": _round, "set": set, "sorted": sorted,
    "sqrt": math.sqrt, "str": written, "strptime": _parsed, "sum": _sum, "timedelta": timedelta, "tuple": tuple,
    "zip": _lazy(zip),
}  # fmt: skip
OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: _multiply,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: _modulo,
    ast.Pow: _power,
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
    ast.BitXor: operator.xor,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Not: operator.not_,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
    ast.In: lambda item, container: item in container,
    ast.NotIn: lambda item, container: item not in container,
}
METHODS: dict[type, frozenset[str]] = {
    str: frozenset(
        "capitalize count endswith find index isalpha isdigit islower isupper join lower lstrip replace rfind rstrip"
        " split startswith strip title upper".split()
    ),
    list: frozenset("append copy count extend index insert pop remove reverse sort".split()),
    tuple: frozenset(("count", "index")),
    dict: frozenset("copy get items keys pop setdefault update values".split()),
    set: frozenset("add copy difference discard intersection issubset issuperset pop remove union update".split()),
    date: frozenset(("day", "isoweekday", "month", "replace", "strftime", "weekday", "year")),
    datetime: frozenset(
        "date day hour isoweekday minute month replace second strftime weekday year".split()
    ),
    timedelta: frozenset(("days", "seconds", "total_seconds")),
}  # fmt: skip


def member(value: Any, name: str) -> Any:
    """Return a member of a value that a program may use, a method or a figure."""
    if name not in METHODS.get(type(value), ()):
        raise Unreadable("no such member")
    if name == "strftime":
        return lambda form: _dated(value, form)
    found = getattr(value, name)
    return _lazy(found) if isinstance(value, dict) and name in ("items", "keys", "values") else found
