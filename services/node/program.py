"""The value of a small program that a model wrote: assignments and arithmetic, nothing else.

No code is run.  The text is parsed, and each right side is computed by a safe evaluator of expressions that knows the
names assigned before it, numbers of bounded size, and nothing else.  Whatever else a program holds (a loop, a function,
an attribute, a text) makes it worthless, so that none can do harm, run long or take much memory.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import ceil, floor, isfinite, pi, sqrt
from typing import Any

from simpleeval import InvalidExpression, SimpleEval

MAX_CHARS = 4096
_ANSWER = "answer"
_FENCED = re.compile(r"```(?:[Pp]ython|py)?[ \t]*\n(.*?)(?:```|\Z)", re.DOTALL)
_STATEMENT = re.compile(r"\s*(?:#|(?:import|from|print)\b|[A-Za-z_]\w*\s*(?::[^=]*)?[-+*/]?=(?!=))")
_MODULE = re.compile(r"\bmath\.(?=[a-z])")  # what is known of it goes by its bare name
_DECIMALS = 6
_MAX_BITS = 1024
_MAX_DIGITS = 20


class _Unreadable(InvalidExpression):  # type: ignore[misc]
    """What is neither an assignment nor a print, or no number of bounded size."""


def _number(value: Any) -> Any:
    """Give a number back.  Raises _Unreadable if it is none, or a very large one."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _Unreadable("value", "not a number")
    if isinstance(value, int) and value.bit_length() > _MAX_BITS:
        raise _Unreadable("value", "too large")
    return value


def _bounded(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let a function take and give numbers of bounded size only."""
    return lambda *operands: _number(function(*map(_number, operands)))


def _power(base: Any, exponent: Any) -> Any:
    if isinstance(base, int) and base.bit_length() * abs(exponent) > _MAX_BITS:
        raise _Unreadable("power", "too large")
    return base**exponent


def _round(value: Any, digits: Any = 0) -> Any:
    if abs(digits) > _MAX_DIGITS:
        raise _Unreadable("round", "too many digits")
    return round(value, digits) if digits else round(value)


_KNOWN_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "abs": abs, "ceil": ceil, "float": float, "floor": floor, "int": int, "max": max, "min": min, "round": _round,
    "sqrt": sqrt,
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
}
_FUNCTIONS = {name: _bounded(function) for name, function in _KNOWN_FUNCTIONS.items()}
_OPERATORS = {node: _bounded(function) for node, function in _KNOWN_OPERATORS.items()}
_NODES = (ast.BinOp, ast.UnaryOp, ast.Constant, ast.Name, ast.Call, ast.Load, ast.operator, ast.unaryop)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a program comes to: its value in figures, and its `steps`, a line each, with their values."""

    value: str
    steps: str


def run(text: str) -> Outcome | None:
    """Compute a program: the value of `answer`, else of what is printed or assigned last; None if it has none."""
    try:
        statements = ast.parse(_source(text)).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    names: dict[str, Any] = {"pi": pi}
    lines: list[str] = []
    last: Any = None
    evaluator = SimpleEval(operators=_OPERATORS, names=names, functions=_FUNCTIONS)
    try:
        for target, expression in _steps(statements):
            if not all(isinstance(node, _NODES) for node in ast.walk(expression)):
                return None
            last = _number(evaluator.eval("", previously_parsed=expression))
            if target:
                names[target] = last
                lines.append(_line(target, expression, _written(last)))
        value = _written(names.get(_ANSWER, last))
    except (InvalidExpression, ArithmeticError, TypeError, ValueError, RecursionError, MemoryError):
        return None
    return Outcome(value, "\n".join(lines) or value) if value else None


def run_fenced(text: str) -> Outcome | None:
    """Compute the program that stands fenced in a longer text; None if none does."""
    return run(text) if _FENCED.search(text) else None


def before_fence(text: str) -> str:
    """Return what stands before a fenced program."""
    return _FENCED.split(text, maxsplit=1)[0].strip()


def _source(text: str) -> str:
    """Return the program in a text: what is fenced, else the first lines that may be of a program."""
    block = _FENCED.search(text)
    if block:
        return _MODULE.sub("", block[1][:MAX_CHARS])
    lines: list[str] = []
    for line in text[:MAX_CHARS].splitlines():
        if not line.strip() or _STATEMENT.match(line):
            lines.append(line)
        elif any(map(str.strip, lines)):
            break
    return _MODULE.sub("", "\n".join(lines))


def _steps(statements: list[ast.stmt]) -> Iterator[tuple[str | None, ast.expr]]:
    """Yield (name, expression): what is assigned to a name, or printed."""
    for statement in statements:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                yield name, value
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                yield name, value
            case ast.AugAssign(target=ast.Name(id=name), op=op, value=value):
                yield name, ast.BinOp(left=ast.Name(id=name, ctx=ast.Load()), op=op, right=value)
            case ast.Expr(value=ast.Call(func=ast.Name(id="print"), args=[*_, value])):
                yield from ((None, each) for each in _printed(value))
            case ast.Expr(value=ast.Constant(value=str())) | ast.Import() | ast.ImportFrom():
                continue
            case _:
                raise _Unreadable("statement", "neither an assignment nor a print")


def _printed(value: ast.expr) -> list[ast.expr]:
    """Return what a print tells: an f-string tells its last value, a plain text nothing."""
    if isinstance(value, ast.JoinedStr):
        return [each.value for each in value.values if isinstance(each, ast.FormattedValue)][-1:]
    return [] if isinstance(value, ast.Constant) and isinstance(value.value, str) else [value]


def _line(target: str, expression: ast.expr, value: str) -> str:
    told = ast.unparse(expression)
    told = re.sub(r"(?<=[A-Za-z0-9])_(?=[A-Za-z0-9])", " ", told)
    name = target.replace("_", " ")
    return f"{name} = {value}" if told == value else f"{name} = {told} = {value}"


def _written(value: Any) -> str:
    """Write a number in figures; empty if it is none."""
    if value is None or not isfinite(value):
        return ""
    if isinstance(value, int):
        return str(value)
    text = f"{value:.{_DECIMALS}f}".rstrip("0").rstrip(".")
    return text if text != "-0" else "0"
