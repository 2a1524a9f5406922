"""The value of a small program that a model wrote: assignments, arithmetic, `if` and loops, nothing else.

No code is run.  The text is parsed, its statements are carried out one by one, and each expression is computed by a
safe evaluator that knows the names assigned before it, numbers and lists of bounded size, and a few functions on them.
Whatever else a program holds (a definition, an attribute, a text) or more work than its budget makes it worthless, so
that none can do harm, run long or take much memory.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from simpleeval import InvalidExpression, SimpleEval

from services.node.arithmetic import FUNCTIONS, OPERATORS, Unreadable, checked, number

MAX_CHARS = 4096
_ANSWER = "answer"
_FENCED = re.compile(r"```(?:[Pp]ython|py)?[ \t]*\n(.*?)(?:```|\Z)", re.DOTALL)
_STATEMENT = re.compile(
    r"\s*(?:#|(?:import|from|print)\b|(?:if|elif|else|for|while)\b.*:\s*$|[A-Za-z_]\w*\s*(?::[^=]*)?[-+*/]?=(?!=))"
)
_MODULE = re.compile(r"\b(?:math|statistics)\.(?=[a-z])")  # what is known of these goes by its bare name
_DECIMALS = 6
_MAX_WORK = 10_000  # statements and nodes of expressions, repeated ones counted each time
_NODES = (
    ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.IfExp, ast.Constant, ast.Name, ast.Call, ast.List, ast.Tuple,
    ast.Subscript, ast.Load, ast.operator, ast.unaryop, ast.boolop, ast.cmpop,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a program comes to: its value in figures (yes or no of a truth), and its `steps` with their values."""

    value: str
    steps: str


def run(text: str) -> Outcome | None:
    """Compute a program: the value of `answer`, else of what is printed or assigned last; None if it has none."""
    program = _Program()
    try:
        program.carry_out(ast.parse(_source(text)).body)
        value = _written(program.value())
    except (InvalidExpression, ArithmeticError, TypeError, ValueError, LookupError, SyntaxError):
        return None
    except (RecursionError, MemoryError):
        return None
    return Outcome(value, program.told() or value) if value else None


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


class _Program:
    """Carries out statements, as far as the work that is `_left` allows."""

    def __init__(self) -> None:
        self._names: dict[str, Any] = {"pi": math.pi}
        self._lines: dict[ast.stmt, str] = {}  # of a statement that is repeated, its last value
        self._last: Any = None
        self._left = _MAX_WORK
        self._evaluator = SimpleEval(operators=OPERATORS, names=self._names, functions=FUNCTIONS)
        self._evaluator.nodes[ast.List] = self._evaluator.nodes[ast.Tuple] = self._items

    def carry_out(self, statements: Sequence[ast.stmt]) -> None:
        """Carry out statements in their order.

        Raises:
            InvalidExpression, ArithmeticError, TypeError, ValueError, LookupError: one of them cannot be.

        """
        for statement in statements:
            self._work(1)
            match statement:
                case ast.Assign() | ast.AnnAssign() | ast.AugAssign():
                    self._assign(statement)
                case ast.Expr(value=ast.Call(func=ast.Name(id="print"), args=[*_, value])):
                    for each in _printed(value):
                        self._last = self._compute(each)
                case ast.If(test=test, body=body, orelse=orelse):
                    self.carry_out(body if self._compute(test) else orelse)
                case ast.For() | ast.While():
                    self._repeat(statement)
                case ast.Expr(value=ast.Constant(value=str())) | ast.Import() | ast.ImportFrom() | ast.Pass():
                    continue
                case _:
                    raise Unreadable("statement", "not known")

    def value(self) -> Any:
        """Return the number, or truth, that the program comes to."""
        return number(self._names.get(_ANSWER, self._last))

    def told(self) -> str:
        """Tell the assignments, a line each."""
        return "\n".join(self._lines.values())

    def _assign(self, statement: ast.Assign | ast.AnnAssign | ast.AugAssign) -> None:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                expression = value
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                expression = value
            case ast.AugAssign(target=ast.Name(id=name), op=op, value=value):
                expression = ast.BinOp(left=ast.Name(id=name, ctx=ast.Load()), op=op, right=value)
            case _:
                raise Unreadable("assignment", "not to one name")
        self._names[name] = self._last = self._compute(expression)
        self._lines[statement] = _line(name, expression, _written(self._last))

    def _repeat(self, statement: ast.For | ast.While) -> None:
        match statement:
            case ast.For(target=ast.Name(id=name), iter=items, body=body, orelse=[]):
                for each in _listed(self._compute(items)):
                    self._names[name] = each
                    self.carry_out(body)
            case ast.While(test=test, body=body, orelse=[]):
                while self._compute(test):
                    self.carry_out(body)
            case _:
                raise Unreadable("loop", "not known")

    def _compute(self, expression: ast.expr) -> Any:
        nodes = list(ast.walk(expression))
        self._work(len(nodes))
        if not all(isinstance(node, _NODES) for node in nodes):
            raise Unreadable("expression", "not known")
        return checked(self._evaluator.eval("", previously_parsed=expression))

    def _work(self, amount: int) -> None:
        self._left -= amount
        if self._left < 0:
            raise Unreadable("program", "too much work")

    def _items(self, node: ast.List | ast.Tuple) -> list[Any]:
        return [number(self._evaluator.eval("", previously_parsed=each)) for each in node.elts]


def _listed(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise Unreadable("loop", "not over a list")
    return value


def _printed(value: ast.expr) -> list[ast.expr]:
    """Return what a print tells: an f-string tells its last value, a plain text nothing."""
    if isinstance(value, ast.JoinedStr):
        return [each.value for each in value.values if isinstance(each, ast.FormattedValue)][-1:]
    return [] if isinstance(value, ast.Constant) and isinstance(value.value, str) else [value]


def _line(target: str, expression: ast.expr, value: str) -> str:
    told = ast.unparse(expression)
    told = re.sub(r"(?<=[A-Za-z0-9])_(?=[A-Za-z0-9])", " ", told)
    name = target.replace("_", " ")
    return f"{name} = {told} = {value}" if value not in ("", told) else f"{name} = {told}"


def _written(value: Any) -> str:
    """Write a number in figures, a truth as yes or no; empty if it is neither."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, int | float) or not math.isfinite(value):
        return ""
    if isinstance(value, int):
        return str(value)
    text = f"{value:.{_DECIMALS}f}".rstrip("0").rstrip(".")
    return text if text != "-0" else "0"
