"""Work out the expressions of a program that is not trusted, on values of bounded size.

No code is compiled or run: the parsed text is walked, node by node.  A node that is not known makes the program
worthless, and so does more work than the budget allows.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from services.kinds.reading.values import FUNCTIONS, OPERATORS, Function, Unreadable, checked, leaves, member, written

MAX_WORK = 400_000  # nodes worked out, and a share of what the values hold that are made or looked through
_LEAVES_A_STEP = 2
_CALL_STEPS = 5
_MODULES = frozenset(("math", "statistics", "itertools", "datetime"))
_KEYS = frozenset(("str", "int", "float", "len"))  # functions that others take


class Expressions(ast.NodeVisitor):
    """Works expressions out by the names that are assigned so far, as far as the work that is left allows.

    Raises Unreadable, ArithmeticError, TypeError, ValueError or LookupError where one has no value here.
    """

    def __init__(self) -> None:
        self.names: dict[str, Any] = {"pi": math.pi}
        self._left = MAX_WORK

    def visit(self, node: ast.AST) -> Any:
        """Work a node out."""
        self.work(1)
        return super().visit(node)

    def generic_visit(self, node: ast.AST) -> Any:
        """Refuse what is not known."""
        raise Unreadable(type(node).__name__)

    def known(self, name: str) -> str | None:
        """Return a name as it was assigned: small models are not strict about capitals."""
        if name in self.names:
            return name
        return next((assigned for assigned in self.names if assigned.lower() == name.lower()), None)

    def work(self, amount: int) -> None:
        """Take from the budget of work."""
        self._left -= amount
        if self._left < 0:
            raise Unreadable("too much work")

    def weighed(self, value: Any) -> Any:
        """Return a value, and count its size as work."""
        if isinstance(value, list | tuple | dict | set):
            self.work(leaves(value) // _LEAVES_A_STEP)
        return value

    def iterated(self, expression: ast.expr) -> list[Any]:
        """Work out the members that a loop goes through."""
        values = self.visit(expression)
        if not isinstance(values, str | list | tuple | dict | set):
            raise Unreadable("loop")
        return list(values)

    def bind(self, target: ast.expr, value: Any) -> None:
        """Give a value to a name or to a place in a container, or its parts to several of these."""
        match target:
            case ast.Name(id=name):
                self.names[name] = value
            case ast.Tuple(elts=parts) | ast.List(elts=parts):
                for part, one in zip(parts, list(value), strict=True):
                    self.bind(part, one)
            case ast.Subscript(value=container, slice=key):
                within = self.visit(container)
                if not isinstance(within, list | dict):
                    raise Unreadable("target")
                within[self.visit(key)] = value
                self.weighed(checked(within))
            case _:
                raise Unreadable("target")

    @contextmanager
    def within(self, names: Mapping[str, Any]) -> Iterator[None]:
        """Give the body a scope of its own for names."""
        outside = self.names
        self.names = {**outside, **names}
        try:
            yield
        finally:
            self.names = outside

    # --- one method a node -------------------------------------------------------------------------------------------

    def visit_Constant(self, node: ast.Constant) -> Any:
        return checked(node.value)

    def visit_Name(self, node: ast.Name) -> Any:
        if (name := self.known(node.id)) is not None:
            return self.names[name]
        if node.id in _KEYS:
            return Function(FUNCTIONS[node.id])
        raise Unreadable("name")

    def visit_UnaryOp(self, node: ast.UnaryOp) -> Any:
        return self._operate(node.op, self.visit(node.operand))

    def visit_BinOp(self, node: ast.BinOp) -> Any:
        return self._operate(node.op, self.visit(node.left), self.visit(node.right))

    def visit_BoolOp(self, node: ast.BoolOp) -> Any:
        value: Any = None
        for part in node.values:
            value = self.visit(part)
            if bool(value) is isinstance(node.op, ast.Or):
                break
        return value

    def visit_Compare(self, node: ast.Compare) -> Any:
        left = self.visit(node.left)
        for op, comparator in zip(node.ops, node.comparators, strict=True):
            right = self.visit(comparator)
            if not self._operate(op, left, right):
                return False
            left = right
        return True

    def visit_IfExp(self, node: ast.IfExp) -> Any:
        return self.visit(node.body if self.visit(node.test) else node.orelse)

    def visit_List(self, node: ast.List) -> Any:
        return self._made(self._several(node.elts))

    def visit_Tuple(self, node: ast.Tuple) -> Any:
        return self._made(tuple(self._several(node.elts)))

    def visit_Set(self, node: ast.Set) -> Any:
        return self._made(set(self._several(node.elts)))

    def visit_Dict(self, node: ast.Dict) -> Any:
        made: dict[Any, Any] = {}
        for key, value in zip(node.keys, node.values, strict=True):
            if key is None:
                raise Unreadable("expression")
            made[self.visit(key)] = self.visit(value)
        return self._made(made)

    def visit_ListComp(self, node: ast.ListComp | ast.GeneratorExp) -> Any:
        return self._made(self._generated(node.generators, lambda: self.visit(node.elt)))

    visit_GeneratorExp = visit_ListComp

    def visit_SetComp(self, node: ast.SetComp) -> Any:
        return self._made(set(self._generated(node.generators, lambda: self.visit(node.elt))))

    def visit_DictComp(self, node: ast.DictComp) -> Any:
        pairs = self._generated(node.generators, lambda: (self.visit(node.key), self.visit(node.value)))
        return self._made(dict(pairs))

    def visit_Call(self, node: ast.Call) -> Any:
        function = self._called(node.func)
        operands = self._several(node.args)
        named = {keyword.arg: self.visit(keyword.value) for keyword in node.keywords if keyword.arg}
        if len(named) < len(node.keywords):
            raise Unreadable("arguments")
        self.work(_CALL_STEPS)
        for operand in operands:
            self.weighed(operand)
        value = self._made(function(*operands, **named))
        if isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name):
            self._made(self.names.get(node.func.value.id))  # it may have grown
        return value

    def visit_Lambda(self, node: ast.Lambda) -> Any:
        names = parameters(node.args)

        def call(*operands: Any) -> Any:
            with self.within(dict(zip(names, operands, strict=True))):
                return self.visit(node.body)

        return Function(call)

    def visit_Attribute(self, node: ast.Attribute) -> Any:
        match node:
            case ast.Attribute(value=ast.Name(id="math"), attr="pi"):
                return math.pi
        return checked(member(self.visit(node.value), node.attr))

    def visit_Subscript(self, node: ast.Subscript) -> Any:
        container = self.visit(node.value)
        if not isinstance(node.slice, ast.Slice):
            return container[self.visit(node.slice)]
        bounds = (node.slice.lower, node.slice.upper, node.slice.step)
        return self._made(container[slice(*(None if bound is None else self.visit(bound) for bound in bounds))])

    def visit_JoinedStr(self, node: ast.JoinedStr) -> str:
        return str(checked("".join(self.visit(part) for part in node.values)))

    def visit_FormattedValue(self, node: ast.FormattedValue) -> str:
        return written(self.visit(node.value), self.visit(node.format_spec) if node.format_spec else "")

    # --- what they share ---------------------------------------------------------------------------------------------

    def _made(self, value: Any) -> Any:
        return self.weighed(checked(value))

    def _operate(self, op: ast.AST, *operands: Any) -> Any:
        operation = OPERATORS.get(type(op))
        if operation is None:
            raise Unreadable("operator")
        for operand in operands:
            self.weighed(operand)
        return self._made(operation(*operands))

    def _several(self, expressions: Sequence[ast.expr]) -> list[Any]:
        values: list[Any] = []
        for expression in expressions:
            if isinstance(expression, ast.Starred):
                values += self.iterated(expression.value)
            else:
                values.append(self.visit(expression))
        return values

    def _generated(self, generators: Sequence[ast.comprehension], compute: Callable[[], Any]) -> list[Any]:
        with self.within({}):
            return [compute() for _ in self._turns(generators)]

    def _turns(self, generators: Sequence[ast.comprehension]) -> Iterator[None]:
        if not generators:
            yield
            return
        first, *rest = generators
        for value in self.iterated(first.iter):
            self.bind(first.target, value)
            if all(self.visit(condition) for condition in first.ifs):
                yield from self._turns(rest)

    def _called(self, function: ast.expr) -> Callable[..., Any]:
        """Return what a call calls: a function of the program's own, one that is known, or a method of a value."""
        match function:
            case ast.Name(id=name) if isinstance(self.names.get(name), Function):
                found: Callable[..., Any] = self.names[name]
            case ast.Name(id=name):
                found = FUNCTIONS.get(name, _refused)
            case ast.Attribute(value=ast.Name(id=module), attr=name) if module in _MODULES - self.names.keys():
                found = FUNCTIONS.get(name, _refused)
            case ast.Attribute(value=value, attr=name):
                found = member(self.weighed(self.visit(value)), name)
            case _:
                found = _refused
        return found if callable(found) else _refused


def parameters(arguments: ast.arguments) -> list[str]:
    """Return the names of a function's parameters, which have no defaults.  Raises Unreadable if one is more."""
    if arguments.vararg or arguments.kwarg or arguments.kwonlyargs or arguments.posonlyargs or arguments.defaults:
        raise Unreadable("parameters")
    return [argument.arg for argument in arguments.args]


def _refused(*_: Any, **__: Any) -> Any:
    raise Unreadable("function")
