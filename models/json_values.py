"""GBNF of JSON values that hold no others, and of any value.  Pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from models.engine import GrammarError

if TYPE_CHECKING:
    from collections.abc import Mapping

BASE = {  # space is bounded, since a model that is held to a grammar may go on with it for ever
    "ws": r'( " " | "\n" [ \t]{0,24} )?',
    "char": r'[^"\\\x00-\x1f\x7f] | "\\" ( ["\\/bfnrt] | "u" [0-9a-fA-F]{4} )',
    "string": r'"\"" char* "\""',
    "natural": '"0" | [1-9] [0-9]{0,15}',
    "positive": "[1-9] [0-9]{0,15}",
    "integer": '"-"? natural',
    "fraction": '"." [0-9]{1,15}',
    "decimal": "natural fraction? ( [eE] [-+]? [0-9]{1,2} )?",
    "number": '"-"? decimal',
    "boolean": '"true" | "false"',
    "null": '"null"',
    "object": '"{" ws ( string ws ":" ws value ( ws "," ws string ws ":" ws value )* )? ws "}"',
    "array": '"[" ws ( value ( ws "," ws value )* )? ws "]"',
    "value": "object | array | string | number | boolean | null",
}
_DATE = '[0-9]{4} "-" ( "0" [1-9] | "1" [0-2] ) "-" ( "0" [1-9] | "1" [0-9] | "2" [0-8] )'  # days that every month has
_TIME = '( [01] [0-9] | "2" [0-3] ) ":" [0-5] [0-9] ":" [0-5] [0-9] ( "." [0-9]{1,6} )? ( "Z" | [-+] [01] [0-9] ":00" )'
FORMATS = {
    "date": _DATE,
    "time": _TIME,
    "date-time": f'{_DATE} "T" {_TIME}',
    "uuid": '[0-9a-f]{8} "-" [0-9a-f]{4} "-" [0-9a-f]{4} "-" [0-9a-f]{4} "-" [0-9a-f]{12}',
}
_MAX_LISTED = 256  # integers of a range, as alternatives
_PYTHON = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}


def written(rules: Mapping[str, str]) -> str:
    """Write a grammar: its rules, and those of JSON."""
    return "\n".join(f"{name} ::= {rule}" for name, rule in {**rules, **BASE}.items())


def literal(value: object) -> str:
    """Return what derives this very value."""
    text = json.dumps(value, ensure_ascii=False)
    plain = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{plain}"'


def types_of(value: object) -> set[str]:
    """Return the JSON types of a value; an integer is a number too."""
    name = "null" if value is None else _PYTHON[type(value)]
    return {name, "number"} if name == "integer" else {name}


def string(form: object, shortest: int, longest: int | None) -> str:
    """Return what derives strings of a length, or of a format: one that is not among `FORMATS` binds nobody."""
    if isinstance(form, str) and form in FORMATS:
        return f'"\\"" {FORMATS[form]} "\\""'
    return f'"\\"" char{times(shortest, longest)} "\\""'


def times(fewest: int, most: int | None) -> str:
    """Return the suffix of what is repeated."""
    return f"{{{fewest},{'' if most is None else most}}}"


def ranged(type_: str, bounds: Mapping[str, Any], place: str) -> str:
    """Return what derives integers, or numbers, of a range.

    Raises:
        GrammarError: the range is none that can be written as few alternatives.

    """
    if any(types_of(value) - {"integer", "number"} for value in bounds.values()):
        raise GrammarError(f"{place}: its range is not of numbers")
    if type_ == "integer":
        lows = [bounds[key] + step for key, step in (("minimum", 0), ("exclusiveMinimum", 1)) if key in bounds]
        highs = [bounds[key] - step for key, step in (("maximum", 0), ("exclusiveMaximum", 1)) if key in bounds]
        if lows in ([0], [1]) and not highs:
            return "natural" if lows == [0] else "positive"
    else:
        if bounds == {"minimum": 0}:
            return "decimal"
        lows, highs = ([bounds[key]] if key in bounds else [] for key in ("minimum", "maximum"))
        if bounds.keys() - {"minimum", "maximum"} or (lows and lows[0] < 0):
            lows = []
    if lows and highs and all(float(value).is_integer() for value in (*lows, *highs)):
        low, high = int(max(lows)), int(min(highs))
        if low <= high < low + _MAX_LISTED:
            whole = [f'"{number}"' for number in range(low, high)]
            if type_ == "number":
                whole = [f"{number} fraction?" for number in whole]
            return " | ".join([*whole, f'"{high}"'])
    raise GrammarError(
        f"{place}: its range cannot be said in a grammar; from 0 on, or up to {_MAX_LISTED} integers, can"
    )
