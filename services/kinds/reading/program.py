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
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from textwrap import dedent
from typing import Any

from simpleeval import InvalidExpression, SimpleEval

from services.kinds.reading.arithmetic import FUNCTIONS, OPERATORS, Unreadable, checked, number

MAX_CHARS = 4096
_ANSWER = "answer"
_FENCED = re.compile(r"```(?:[Pp]ython|py)?[ \t]*\n(.*?)(?:```|\Z)", re.DOTALL)
_STATEMENT = re.compile(
    r"\s*(?:#|(?:import|from|print)\b|(?:if|elif|else|for|while)\b.*:\s*$|(?:break|continue|pass)\s*$"
    r"|[A-Za-z_]\w*(?:\s*,\s*[A-Za-z_]\w*)*\s*(?::[^=]*)?(?:[-+*/%]|//|\*\*)?=(?!=))"
)
_MODULE = re.compile(r"\b(?:math|statistics)\.(?=[a-z])")  # what is known of these goes by its bare name
_DECIMALS = 6
_SMALL, _NOISE = 1e-3, 1e-10  # below the one decimals are not enough, below the other a rest of rounding is zero
_MAX_WORK = 50_000  # statements, nodes of expressions and items of lists, repeated ones counted each time
_NODES = (
    ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.IfExp, ast.Constant, ast.Name, ast.Call, ast.List, ast.Tuple,
    ast.Subscript, ast.Load, ast.operator, ast.unaryop, ast.boolop, ast.cmpop,
)  # fmt: skip


class _Break(Unreadable):
    """A loop is left; outside of one it makes a program worthless."""


class _Continue(Unreadable):
    """A loop's turn is cut short; outside of one it makes a program worthless."""


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
        return Outcome(value, program.told() or value)
    except (InvalidExpression, ArithmeticError, TypeError, ValueError, LookupError, SyntaxError):
        return None
    except (RecursionError, MemoryError):
        return None


def run_fenced(text: str) -> Outcome | None:
    """Compute the program that stands fenced in a longer text; None if none does."""
    return run(text) if _FENCED.search(text) else None


def before_fence(text: str) -> str:
    """Return what stands before a fenced program."""
    return _FENCED.split(text, maxsplit=1)[0].strip()


def _source(text: str) -> str:
    """Return the program in a text: what is fenced, else the first lines that may be of a program."""
    blocks = [dedent(each) for each in _FENCED.findall(text)]
    if blocks:
        programs = [each for each in blocks if _STATEMENT.match(each)] or blocks[:1]  # others show what is printed
        return _MODULE.sub("", "\n".join(programs)[:MAX_CHARS])
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
        self._assigned: dict[tuple[ast.stmt, str], tuple[ast.expr, Any]] = {}  # of what is repeated, the last value
        self._last: Any = None
        self._left = _MAX_WORK
        functions = {name: self._counted(function) for name, function in FUNCTIONS.items()}
        self._evaluator = SimpleEval(operators=OPERATORS, names=self._names, functions=functions)
        self._evaluator.nodes[ast.List] = self._evaluator.nodes[ast.Tuple] = self._items
        self._evaluator.nodes[ast.Name] = self._named

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
                case ast.Expr(value=ast.Call(func=ast.Name(id="print"), args=args)):
                    for each in _printed(args):
                        self._last = self._compute(each)
                case ast.If(test=test, body=body, orelse=orelse):
                    self.carry_out(body if self._compute(test) else orelse)
                case ast.For(orelse=[]) | ast.While(orelse=[]):
                    self._repeat(statement)
                case ast.Break():
                    raise _Break
                case ast.Continue():
                    raise _Continue
                case ast.Expr(value=ast.Constant(value=str())) | ast.Import() | ast.ImportFrom() | ast.Pass():
                    continue
                case _:
                    raise Unreadable("statement", "not known")

    def value(self) -> Any:
        """Return the number, or truth, that the program comes to."""
        return number(self._last if (name := self._known(_ANSWER)) is None else self._names[name])

    def told(self) -> str:
        """Tell the assignments, a line each."""
        return "\n".join(_line(name, *computed) for (_, name), computed in self._assigned.items())

    def _assign(self, statement: ast.Assign | ast.AnnAssign | ast.AugAssign) -> None:
        match statement:
            case ast.Assign(targets=[ast.Tuple(elts=names)], value=ast.Tuple(elts=expressions)):
                pairs = list(zip(names, expressions, strict=True))
            case ast.Assign(targets=[name], value=value) | ast.AnnAssign(target=name, value=ast.expr() as value):
                pairs = [(name, value)]
            case ast.AugAssign(target=ast.Name(id=written) as name, op=op, value=value):
                pairs = [(name, ast.BinOp(left=ast.Name(id=written, ctx=ast.Load()), op=op, right=value))]
            case _:
                raise Unreadable("assignment", "not known")
        for (name, expression), value in zip(pairs, [self._compute(each) for _, each in pairs], strict=True):
            self._names[_name(name)] = self._last = value
            self._assigned[statement, _name(name)] = expression, value

    def _repeat(self, loop: ast.For | ast.While) -> None:
        with suppress(_Break):
            for _ in self._turns(loop):
                with suppress(_Continue):
                    self.carry_out(loop.body)

    def _turns(self, loop: ast.For | ast.While) -> Iterator[None]:
        if isinstance(loop, ast.While):
            while self._compute(loop.test):
                yield
        else:
            for each in _listed(self._compute(loop.iter)):
                self._names[_name(loop.target)] = each
                yield

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

    def _weighed(self, value: Any) -> Any:
        """Give a value back, its items counted as work: each of them is looked at wherever the value is used."""
        self._work(len(value) if isinstance(value, list) else 0)
        return value

    def _counted(self, function: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *operands: self._weighed(function(*operands))

    def _named(self, node: ast.Name) -> Any:
        if (name := self._known(node.id)) is None:
            raise Unreadable("name", "not known")
        return self._weighed(self._names[name])

    def _known(self, name: str) -> str | None:
        """Return the name as it was assigned: small models are not strict about capitals."""
        if name in self._names:
            return name
        return next((each for each in self._names if each.lower() == name.lower()), None)

    def _items(self, node: ast.List | ast.Tuple) -> list[Any]:
        return [number(self._evaluator.eval("", previously_parsed=each)) for each in node.elts]


def _name(target: ast.expr) -> str:
    if not isinstance(target, ast.Name):
        raise Unreadable("target", "not a name")
    return target.id


def _listed(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise Unreadable("loop", "not over a list")
    return value


def _printed(parts: Sequence[ast.expr]) -> list[ast.expr]:
    """Return what a print tells: the last value that stands between its texts, if any does."""
    values = [value for part in parts for value in (part.values if isinstance(part, ast.JoinedStr) else [part])]
    plain = [value.value if isinstance(value, ast.FormattedValue) else value for value in values]
    return [value for value in plain if not _holds_text(value)][-1:]


def _holds_text(expression: ast.expr) -> bool:
    return any(isinstance(node, ast.Constant) and isinstance(node.value, str) for node in ast.walk(expression))


def _line(target: str, expression: ast.expr, value: Any) -> str:
    told = ast.unparse(expression)
    told = re.sub(r"(?<=[A-Za-z0-9])_(?=[A-Za-z0-9])", " ", told)
    name, written = target.replace("_", " "), _written(value)
    return f"{name} = {told} = {written}" if written not in ("", told) else f"{name} = {told}"


def _written(value: Any) -> str:
    """Write a number in figures, a truth as yes or no; empty if it is a list."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ""
    if isinstance(value, int):
        return str(value)
    if _NOISE < abs(value) < _SMALL:
        return f"{Decimal(f'{value:.{_DECIMALS}g}'):f}"
    text = f"{value:.{_DECIMALS}f}".rstrip("0").rstrip(".")
    return text if text != "-0" else "0"
