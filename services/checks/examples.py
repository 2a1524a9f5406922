"""Examples in a request for code: calls and what they should give, and a program that tries them.  Pure."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Sequence
from dataclasses import dataclass

MAX_EXAMPLES = 16

_DOCTEST = re.compile(
    r"^[ \t]*>>>[ \t]*(?P<call>[^\n]{1,300})\n[ \t]*(?P<value>(?!>>>)[^\n]{1,300}?)[ \t]*$", re.MULTILINE
)
_VALUE = (
    r"`?(?P<value>-?\d++(?:\.\d++)?+|True|False|None|\[[^\n\]]{0,200}\]|\([^\n()]{0,200}\)|\{[^\n}]{0,200}\}"
    r"|\"[^\"\n]{0,200}\"|'[^'\n]{0,200}')(?![\w\"'])"
)
_EQUATION = re.compile(
    r"(?P<call>\b[A-Za-z_]\w{0,60}\((?:[^()\n]|\([^()\n]{0,80}\)){0,200}\))`?\s*(?:={1,3}>|={1,2}|[-−]+>|➞|→|#\s?=>?|should\s+(?:return|be|give)"
    rf"|returns?|gives?|evaluates\s+to)\s*{_VALUE}"
)
_PAIR = re.compile(
    rf"^[ \t]*input:[ \t]*(?P<given>[^\n]{{1,300}})\n\s*output:[ \t]*{_VALUE}", re.IGNORECASE | re.MULTILINE
)
_IMPORT = re.compile(r"^[ \t]*((?:from[ \t]+[\w.]{1,60}[ \t]+)?import[ \t]+[\w.*, \t]{1,200})$", re.MULTILINE)
_DEFINED = re.compile(r"^[ \t]*def[ \t]+(\w+)[ \t]*\(", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Example:
    """An expression, and the literal that it should be equal to, both as source."""

    call: str
    value: str

    @property
    def function(self) -> str:
        """The name of what is called."""
        return self.call.partition("(")[0].strip()


def find_examples(request: str) -> list[Example]:
    """List the examples that a request states as source.

    They are doctests, equations such as `f(1) == 2`, and "Input: a = 1" with "Output: 3" of the one function that
    the request begins.
    """
    found = [
        Example(match["call"].strip(), match["value"].strip())
        for pattern in (_DOCTEST, _EQUATION)
        for match in pattern.finditer(request)
    ]
    defined = _DEFINED.findall(request)
    if len(defined) == 1:
        found += [Example(f"{defined[0]}({pair['given']})", pair["value"]) for pair in _PAIR.finditer(request)]
    return list(dict.fromkeys(example for example in found if _is_source(example)))[:MAX_EXAMPLES]


def applicable(examples: Sequence[Example], request: str, code: str) -> list[Example]:
    """List those examples that are about what the code is to define.

    A function of Python's own shows how something is meant (`ord('a') == 0`), and where a request begins functions of
    its own, a call of one that neither it nor the code defines is a slip of the pen.
    """
    begun = _DEFINED.findall(request)
    known = {*begun, *_DEFINED.findall(code)}
    return [
        example
        for example in examples
        if example.function in known or not (begun or hasattr(builtins, example.function))
    ]


def imports(request: str) -> str:
    """Return what the code in a request imports, for an answer that leaves it out."""
    found = [match[1].strip() for match in _IMPORT.finditer(request)]
    return "\n".join(dict.fromkeys(line for line in found if _parses(line)))


def trial(code: str, examples: list[Example]) -> str:
    """Return a program that ends with code 0 if every example holds, and else tells the first that does not.

    A number may differ by rounding.
    """
    tried = [(example.call, example.value) for example in examples]
    return f"""{code}

def _trial_same(_given, _wanted):
    if isinstance(_given, float) or isinstance(_wanted, float):
        return abs(_given - _wanted) <= 1e-6 * max(1.0, abs(_wanted))
    return _given == _wanted

import sys as _trial_sys
for _trial_call, _trial_value in {tried!r}:
    _trial_given, _trial_wanted = eval(_trial_call, globals()), eval(_trial_value, globals())
    if not _trial_same(_trial_given, _trial_wanted):
        _trial_sys.exit(f"{{_trial_call}} gave {{_trial_given!r}}, not {{_trial_wanted!r}}"[:200])
"""


def _parses(line: str) -> bool:
    try:
        ast.parse(line)
    except SyntaxError:
        return False
    return True


def _is_source(example: Example) -> bool:
    """Whether both sides are expressions, the first of them a call, and the second a literal."""
    try:
        call = ast.parse(example.call, mode="eval").body
        ast.literal_eval(example.value)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return isinstance(call, ast.Call)
