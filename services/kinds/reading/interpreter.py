"""Carry out a program that is not trusted, statement by statement, without running it.

What is not known (a class, a file, an attribute of the machine) makes the program worthless, and so does more work than
its budget.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any

from services.kinds.reading.expressions import Expressions, parameters
from services.kinds.reading.values import Function, Unreadable

_MAX_DEPTH = 40  # of calls of the program's own functions


class _Break(Unreadable):
    """A loop is left; outside of one it makes a program worthless."""


class _Continue(Unreadable):
    """A loop's turn is cut short; outside of one it makes a program worthless."""


class _Return(Unreadable):
    """A function is left with a value; outside of one it makes a program worthless."""

    def __init__(self, value: Any) -> None:
        super().__init__("return")
        self.value = value


class Interpreter(Expressions):
    """Carries statements out, and reports each assignment to a name and each print."""

    def __init__(
        self,
        assigned: Callable[[ast.stmt, str, ast.expr, Any], None],
        printed: Callable[[Sequence[ast.expr]], None],
    ) -> None:
        super().__init__()
        self._tell_assigned = assigned
        self._tell_printed = printed
        self._depth = 0

    def carry_out(self, statements: Sequence[ast.stmt]) -> None:
        """Carry out statements in their order; raises as expressions do."""
        for statement in statements:
            self.visit(statement)

    # --- one method a statement --------------------------------------------------------------------------------------

    def visit_Assign(self, node: ast.Assign) -> None:
        value = self.visit(node.value)
        for target in node.targets:
            self.bind(target, value)
            self._tell(node, target, node.value, value)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            value = self.visit(node.value)
            self.bind(node.target, value)
            self._tell(node, node.target, node.value, value)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        expression = ast.BinOp(left=_read(node.target), op=node.op, right=node.value)
        value = self.visit(expression)
        self.bind(node.target, value)
        self._tell(node, node.target, expression, value)

    def visit_Expr(self, node: ast.Expr) -> None:
        match node.value:
            case ast.Call(func=ast.Name(id="print"), args=parts):
                self._tell_printed(parts)
            case ast.Call():
                self.visit(node.value)
            case ast.Constant(value=str()):
                return
            case _:
                raise Unreadable("statement")

    def visit_If(self, node: ast.If) -> None:
        self.carry_out(node.body if self.visit(node.test) else node.orelse)

    def visit_For(self, node: ast.For) -> None:
        self._repeat(node, self._for(node))

    def visit_While(self, node: ast.While) -> None:
        self._repeat(node, self._while(node.test))

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        if node.decorator_list:
            raise Unreadable("decorator")
        names = parameters(node.args)

        def call(*operands: Any) -> Any:
            if self._depth >= _MAX_DEPTH:
                raise Unreadable("too deep")
            self._depth += 1
            try:
                with self.within(dict(zip(names, operands, strict=True))):
                    self.carry_out(node.body)
            except _Return as left:
                return left.value
            finally:
                self._depth -= 1
            return None

        self.names[node.name] = Function(call)

    def visit_Return(self, node: ast.Return) -> None:
        raise _Return(None if node.value is None else self.visit(node.value))

    def visit_Break(self, _: ast.Break) -> None:
        raise _Break

    def visit_Continue(self, _: ast.Continue) -> None:
        raise _Continue

    def visit_Pass(self, _: ast.Pass) -> None:
        """Do nothing."""

    def visit_Import(self, _: ast.Import) -> None:
        """Do nothing: what is known is known without it."""

    def visit_ImportFrom(self, _: ast.ImportFrom) -> None:
        """Do nothing, as above."""

    # --- what they share ---------------------------------------------------------------------------------------------

    def _repeat(self, loop: ast.For | ast.While, turns: Iterator[object]) -> None:
        if loop.orelse:
            raise Unreadable("else of a loop")
        with suppress(_Break):
            for _ in turns:
                with suppress(_Continue):
                    self.carry_out(loop.body)

    def _for(self, loop: ast.For) -> Iterator[None]:
        for value in self.iterated(loop.iter):
            self.bind(loop.target, value)
            yield

    def _while(self, test: ast.expr) -> Iterator[None]:
        while self.visit(test):
            yield

    def _tell(self, node: ast.stmt, target: ast.expr, expression: ast.expr, value: Any) -> None:
        """Tell of an assignment, of each part of several apart."""
        match target:
            case ast.Name(id=name):
                self._tell_assigned(node, name, expression, value)
            case ast.Tuple(elts=parts) | ast.List(elts=parts):
                apart = expression.elts if isinstance(expression, ast.Tuple | ast.List) else [expression] * len(parts)
                for part, by, one in zip(parts, apart, value, strict=True):
                    self._tell(node, part, by, one)


def _read(target: ast.expr) -> ast.expr:
    """Return the expression that reads what a target is."""
    match target:
        case ast.Name(id=name):
            return ast.Name(id=name, ctx=ast.Load())
        case ast.Subscript(value=container, slice=key):
            return ast.Subscript(value=container, slice=key, ctx=ast.Load())
    raise Unreadable("target")
