"""Compute the truth of an expression that a text states outright: `not (True and False) or True is`."""

from __future__ import annotations

import ast
import re

_MAX_CHARS = 400
_STATED = re.compile(
    r"\s*(?:(?:what\s+is|evaluate|compute)\s*:?\s+)?(?P<expression>(?:true|false|and|or|not|[()]|\s){3,})"
    r"(?:is|=|equals)?[\s?.:]*",
    re.IGNORECASE,
)
_WORD = re.compile(r"[a-z]+", re.IGNORECASE)


def truth(text: str) -> str | None:
    """Return "True" or "False"; None where the text states no expression of truths with at least one operator."""
    stated = _STATED.fullmatch(text) if len(text) <= _MAX_CHARS else None
    if stated is None:
        return None
    words = _WORD.sub(
        lambda word: word[0].title() if word[0].lower() in ("true", "false") else word[0].lower(), stated["expression"]
    )
    try:
        tree = ast.parse(words.strip(), mode="eval").body
        return str(_value(tree)) if not isinstance(tree, ast.Constant) else None
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _value(node: ast.expr) -> bool:
    match node:
        case ast.Constant(value=bool() as value):
            return value
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return not _value(operand)
        case ast.BoolOp(op=ast.And(), values=values):
            return all(map(_value, values))
        case ast.BoolOp(op=ast.Or(), values=values):
            return any(map(_value, values))
        case _:
            raise ValueError("no expression of truths")
