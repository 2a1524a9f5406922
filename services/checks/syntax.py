"""Whether the code of an answer can be read by its language's parser."""

from __future__ import annotations

import ast
import json
import re
import tomllib
import warnings
from collections.abc import Callable
from xml.etree import ElementTree as ET

import yaml

from services.checks.demand import Demand

MAX_CODE_CHARS = 64 * 1024

_FENCED = re.compile(r"^[ \t]{0,3}```[ \t]*([\w+#.-]*)[^\n]*\n(.*?)(?:^[ \t]{0,3}```|\Z)", re.MULTILINE | re.DOTALL)


def code_blocks(answer: str) -> list[tuple[str, str]]:
    """List the fenced blocks of an answer: language in lower case, "" if none is named, and code."""
    return [(language.lower(), code) for language, code in _FENCED.findall(answer[: 4 * MAX_CODE_CHARS])]


def python_code(answer: str) -> str:
    """Return an answer's Python: all its blocks in that language, else its first block, else the whole answer."""
    blocks = code_blocks(answer)
    python = [code for language, code in blocks if language in ("python", "py", "python3")]
    unnamed = [code for language, code in blocks if not language]
    return "\n\n".join(python or unnamed[:1]) if blocks else answer


def _python(code: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ast.parse(code.removeprefix(">>> ") if code.startswith(">>> ") else code)


def _xml(code: str) -> None:
    if "<!ENTITY" in code or "<!DOCTYPE" in code:
        return  # not read: entities may grow without bounds
    ET.fromstring(code.strip())  # noqa: S314  no entity is defined


def _yaml(code: str) -> None:
    for _ in yaml.parse(code, Loader=yaml.SafeLoader):  # events only: nothing is built, no alias is followed
        pass


_PARSERS: dict[str, Callable[[str], object]] = {
    "python": _python,
    "py": _python,
    "python3": _python,
    "json": json.loads,
    "toml": tomllib.loads,
    "yaml": _yaml,
    "yml": _yaml,
    "xml": _xml,
}


def _unread(answer: str) -> str | None:
    for language, code in code_blocks(answer):
        parse = _PARSERS.get(language)
        if parse is None or len(code) > MAX_CODE_CHARS:
            continue
        try:
            parse(code)
        except (SyntaxError, ValueError, yaml.YAMLError, ET.ParseError, RecursionError, MemoryError) as error:
            told = " ".join(str(error).split())[:120]
            return f"its {language} cannot be parsed: {told or type(error).__name__}"
    return None


PARSES = Demand(family="syntax", told="code that its language's parser reads", verify=_unread)
