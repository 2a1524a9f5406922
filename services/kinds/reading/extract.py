r"""The final answer inside a model's text, which is what votes compare.

Knows the ways in which small instruct models give one: `\boxed{}`, `#### 18`, "Answer: ...", "the answer is ...", a
list, a yes or no; what else a sum or a factual sentence tells is read by `result` and `statement`.
"""

from __future__ import annotations

import re

from services.kinds.reading.result import number_in, result
from services.kinds.reading.statement import statement
from services.voting.words import trim

_MARKUP = (
    (re.compile(r"^[ \t]*```[^\n]*$", re.MULTILINE), ""),
    (re.compile(r"^[ \t]*####[ \t]*(?=\S{0,3}[0-9])", re.MULTILINE), "Answer: "),
    (re.compile(r"^[ \t]*(?:#{1,6}|>|[-*•+])[ \t]+(?=\S)", re.MULTILINE), ""),
    (re.compile(r"\*\*|__|`"), ""),
    (re.compile(r"(?<![\w*])\*(?=\S)([^*\n]{1,200})(?<=\S)\*(?![\w*])"), r"\1"),
    (re.compile(r"(?<=[0-9])(?=\\[dt]?frac\{)"), " "),
    (re.compile(r"(?<=[0-9])\{,\}(?=[0-9])"), ","),
    (re.compile(r"\\[dt]?frac\{([^{}]{1,40})\}\{([^{}]{1,40})\}"), r"\1/\2"),
    (re.compile(r"\\(?:text|mathrm|mathbf)\{([^{}]{0,200})\}"), r"\1"),
    (re.compile(r"\\(?:[\[\]()]|left|right)"), " "),
    (re.compile(r"\\(?:times|cdot)"), "×"),
    (re.compile(r"\\([,;! %$])"), r"\1"),
    (re.compile(r"[ \t]{2,}"), " "),
    (re.compile(r"\A(?:sure|certainly|of course|absolutely)[!.]\s+", re.IGNORECASE), ""),
    (re.compile(r"</?(?:number|answer|result)>", re.IGNORECASE), " "),
    (re.compile(r"\b(?:the\s+)?(?:final\s+)?answer(?:\s+is)?\s*:\s*\Z", re.IGNORECASE), ""),
)
_BOXED = re.compile(r"\\boxed\{((?:[^{}]|\{[^{}]{0,200}\}){1,400})\}")
_ANNOUNCED = re.compile(
    r"\b(?:answer|result)(?:\s+to\b[^\n:.]{0,80}?)?(?:\s+is\b(?:\s*:)?|\s*[:=])\s*(?=\S)", re.IGNORECASE
)
_BULLET = re.compile(r"^[ \t]*(?:[-*•+]|[0-9]{1,2}[.)])[ \t]+(\S.*)$", re.MULTILINE)
_YES_NO = re.compile(r"\s*(yes|no|true|false)(?:[,.;:!]|\s*$)", re.IGNORECASE)


def final_number(text: str, question: str = "") -> str:
    """Return the result that `text` gives to a sum or a problem; empty only if it holds nothing but markup."""
    plain = plain_text(_unboxed(text))
    announced = _announced(plain)
    if announced:
        return number_in(announced, place=0) or announced
    return _yes_no(plain) or result(plain, question)


def final_fact(text: str, question: str = "") -> str:
    """Return the fact or the list that `text` gives to a question; empty only if it holds nothing but markup."""
    text = _unboxed(text)
    plain = plain_text(text)
    announced = _announced(plain)
    listed = [] if announced else _BULLET.findall(text)
    if len(listed) > 1:
        return ", ".join(trim(plain_text(item)) for item in listed)
    return _yes_no(announced or plain) or statement(announced or plain, question)


def _unboxed(text: str) -> str:
    boxed = _BOXED.findall(text)
    return f"Answer: {boxed[-1]}" if boxed else text


def plain_text(text: str) -> str:
    """Return `text` without Markdown and LaTeX markup; lines stay, runs of white space become one."""
    text = "\n".join(" ".join(line.split()) for line in text.splitlines())
    for pattern, replacement in _MARKUP:
        text = pattern.sub(replacement, text)
    return text.strip()


def _announced(text: str) -> str:
    """Return what follows the last "answer:" or "answer is", to its line's end."""
    *_, after = _ANNOUNCED.split(text)
    return trim(after.splitlines()[0]) if len(after) < len(text) else ""


def _yes_no(text: str) -> str:
    """Return the yes or no that a text begins with, as it is written."""
    match = _YES_NO.match(text)
    return match[1] if match else ""
