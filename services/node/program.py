"""The value of a small program that a model wrote: assignments and arithmetic, nothing else.

No code is run.  The text is parsed, and each right side is computed by a safe evaluator of expressions that knows the
names assigned before it.  Whatever else a program holds (a loop, a function, an attribute) makes it worthless, so that
none can do harm or run long.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import ceil, floor, isfinite, sqrt
from typing import Any

from simpleeval import InvalidExpression, SimpleEval

MAX_CHARS = 4096
_ANSWER = "answer"
_FENCED = re.compile(r"```(?:[Pp]ython|py)?[ \t]*\n(.*?)(?:```|\Z)", re.DOTALL)
_STATEMENT = re.compile(r"\s*(?:#|(?:import|from|print)\b|[A-Za-z_]\w*\s*(?::[^=]*)?[-+*/]?=(?!=))")
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "abs": abs, "ceil": ceil, "float": float, "floor": floor, "int": int, "max": max, "min": min, "round": round,
    "sqrt": sqrt,
}  # fmt: skip
_OPERAND = (int, float)
_DECIMALS = 6


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
    names: dict[str, Any] = {}
    lines: list[str] = []
    last: Any = None
    evaluator = SimpleEval(names=names, functions=_FUNCTIONS)
    try:
        for target, expression in _steps(statements):
            last = evaluator.eval("", previously_parsed=expression)
            if not isinstance(last, _OPERAND):
                return None
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


class _Unreadable(InvalidExpression):  # type: ignore[misc]
    """A statement that is neither an assignment nor a print."""


def _source(text: str) -> str:
    """Return the program in a text: what is fenced, else the lines up to the first that is none of a program."""
    block = _FENCED.search(text)
    if block:
        return block[1][:MAX_CHARS]
    lines = []
    for line in text[:MAX_CHARS].strip().splitlines():
        if line.strip() and not _STATEMENT.match(line):
            break
        lines.append(line)
    return "\n".join(lines)


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
    if isinstance(value, bool) or not isinstance(value, _OPERAND) or not isfinite(value):
        return ""
    text = f"{value:.{_DECIMALS}f}"
    return text.rstrip("0").rstrip(".")
