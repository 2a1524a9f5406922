"""The value of a small program that a model wrote.

No code is run: the interpreter works the parsed text out on values of bounded size.  Whatever else a program holds, or
more work than its budget, makes it worthless, so that none can do harm, run long or take much memory.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from textwrap import dedent
from typing import Any

from services.kinds.reading.interpreter import Interpreter
from services.kinds.reading.values import Unreadable, number, written

MAX_CHARS = 4096
_ANSWER = "answer"
_FENCED = re.compile(r"```(?:[Pp]ython|py)?[ \t]*\n(.*?)(?:```|\Z)", re.DOTALL)
_STATEMENT = re.compile(
    r"\s*(?:#|(?:import|from|print|def|return)\b|(?:if|elif|else|for|while)\b.*:\s*$|(?:break|continue|pass)\s*$"
    r"|[A-Za-z_]\w*(?:\[[^\]\n]{1,60}\])?(?:\s*,\s*[A-Za-z_]\w*(?:\[[^\]\n]{1,60}\])?)*\s*(?::[^=]*)?(?:[-+*/%]|//|\*\*)?=(?!=)"
    r"|[A-Za-z_]\w*\.[a-z]+\(|[\])}])"
)
_DECIMALS = 6
_SMALL, _NOISE = 1e-3, 1e-10  # below the one decimals are not enough, below the other a rest of rounding is zero
_FAILURES = (Unreadable, ArithmeticError, TypeError, ValueError, LookupError, SyntaxError, RecursionError, MemoryError)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a program comes to.

    `value` is in figures, yes or no of a truth; empty where it is a text, which `text` holds.  `steps` are its
    assignments with their values.  `worked` says that the answer follows from something, and is not merely stated;
    `ambiguous` that it was found more than once, and not the same.
    """

    value: str
    steps: str
    text: str = ""
    worked: bool = True
    ambiguous: bool = False


def run(text: str) -> Outcome | None:
    """Compute a program: the number in `answer`, else what is printed or assigned last; None if it has none."""
    outcome = carry_out(text)
    return outcome if outcome and outcome.value else None


def carry_out(text: str) -> Outcome | None:
    """Compute a program: what is in `answer`, a text too, else what is printed or assigned last; None if nothing is."""
    program = _Program()
    try:
        return program.outcome(ast.parse(_source(text)).body)
    except _FAILURES:
        return None


def run_fenced(text: str) -> Outcome | None:
    """Compute the program that stands fenced in a longer text; None if none does."""
    return run(text) if _FENCED.search(text) else None


def before_fence(text: str) -> str:
    """Return what stands before a fenced program."""
    return _FENCED.split(text, maxsplit=1)[0].strip()


def _source(text: str) -> str:
    """Return the program in a text: what is fenced, else the first lines that may be of a program."""
    blocks = [dedent(block) for block in _FENCED.findall(text)]
    if blocks:
        programs = [block for block in blocks if _STATEMENT.match(block)] or blocks[:1]  # others show what is printed
        return "\n".join(programs)[:MAX_CHARS]
    lines: list[str] = []
    for line in text[:MAX_CHARS].splitlines():
        if not line.strip() or _STATEMENT.match(line):
            lines.append(line)
        elif any(map(str.strip, lines)):
            break
    return "\n".join(lines)


class _Program:
    """What a program assigned and printed so far."""

    def __init__(self) -> None:
        self._interpreter = Interpreter(self._assign, self._print)
        self._lines: dict[tuple[ast.stmt, str], tuple[ast.expr, Any]] = {}  # of what is repeated, the last value
        self._last: Any = None
        self._last_text = ""
        self._ambiguous = False

    def outcome(self, statements: Sequence[ast.stmt]) -> Outcome:
        """Carry the statements out and say what they come to."""
        top = set(statements)
        self._interpreter.carry_out(statements)
        name = self._interpreter.known(_ANSWER)
        value = self._last if name is None else self._interpreter.names[name]
        by = [(statement, expression) for (statement, given), (expression, _) in self._lines.items() if given == name]
        stated = bool(by) and by[-1][0] in top and isinstance(by[-1][1], ast.Constant)
        figures = _figures(number(value)) if isinstance(value, int | float) else ""
        text = "" if figures else (_text(value) if name is not None else self._last_text)
        if not figures and not text:
            raise Unreadable("answer")
        return Outcome(figures, self._told() or figures or text, text, worked=not stated, ambiguous=self._ambiguous)

    def _told(self) -> str:
        """Tell the assignments, a line each."""
        return "\n".join(_line(name, *computed) for (_, name), computed in self._lines.items())

    def _assign(self, statement: ast.stmt, name: str, expression: ast.expr, value: Any) -> None:
        if isinstance(value, int | float):
            number(value)
            self._last = value
        before = self._lines.get((statement, name))
        if name.lower() == _ANSWER and before and before[1] != value and isinstance(statement, ast.Assign):
            self._ambiguous = self._ambiguous or not _reads(expression, name)
        self._lines[statement, name] = expression, value

    def _print(self, parts: Sequence[ast.expr]) -> None:
        for value in _printed(parts):
            shown = self._interpreter.visit(value)
            if isinstance(shown, int | float):
                self._last = number(shown)
            else:
                self._last_text = _text(shown)
            return
        with suppress(Unreadable, TypeError):  # what a print says in words does not spoil a program
            self._last_text = " ".join(_text(self._interpreter.visit(part)) for part in parts)


def _reads(expression: ast.expr, name: str) -> bool:
    return any(isinstance(node, ast.Name) and node.id == name for node in ast.walk(expression))


def _text(value: Any) -> str:
    """Write an answer that is no number; empty if it is nothing, or many things."""
    if isinstance(value, list | tuple | set) and len(value) == 1:
        (value,) = value
    if isinstance(value, tuple):
        return ", ".join(map(_text, value))
    return written(value).strip() if isinstance(value, str | int | float | date | timedelta) else ""


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
    name, figures = target.replace("_", " "), _figures(value)
    return f"{name} = {told} = {figures}" if figures not in ("", told) else f"{name} = {told}"


def _figures(value: Any) -> str:
    """Write a number in figures, a truth as yes or no; empty if it is neither."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, int | float):
        return ""
    if isinstance(value, int):
        return str(value)
    if _NOISE < abs(value) < _SMALL:
        return f"{Decimal(f'{value:.{_DECIMALS}g}'):f}"
    text = f"{value:.{_DECIMALS}f}".rstrip("0").rstrip(".")
    return text if text != "-0" else "0"
