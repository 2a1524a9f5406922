"""An answer in its pieces: words, sentences, paragraphs, lines, items, stanzas.

Words are counted in two ways, by spaces and by runs of letters and digits as the published checkers do; sentences end
where `sentencex` ends them.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import sentencex

_RUN = re.compile(r"\w+")
_BLANK = re.compile(r"\n[ \t]*\n\s*")
_BULLET = re.compile(r"^[ \t]*(?:[*•+‣◦–-])[ \t]+\S|^[ \t]*[*•][^*\s]", re.MULTILINE)
_NUMBERED = re.compile(r"^[ \t]*(?:\*\*)?\(?\d{1,3}[.)](?:\*\*)?[ \t]+\S", re.MULTILINE)
_MARKER = re.compile(r"^[ \t]*(?:[*•+‣◦–-]|\(?\d{1,3}[.)])[ \t]+", re.MULTILINE)
_TITLE = re.compile(
    r"(?:#{1,6} [^\n]*|\*\*[^\n*]+\*\*|<<[^\n]+>>|\"[^\n\"]{1,80}\"|(?:title|subject)\b[^\n]*|[^\n.!?,;:]{1,60})",
    re.IGNORECASE,
)
_RULE = re.compile(r"[ \t]*(?:[*_=~-][ \t]*){3,}")
_SPOKEN = re.compile(r"[\"“]([^\"“”]{120,})[\"”]")
"""A quotation so long that its sentences count; the splitter takes a quotation for part of one sentence."""


def new_paragraph(_: str = "") -> str:
    """Return with what a text goes on to its next paragraph."""
    return "\n\n"


def words(text: str) -> list[str]:
    """Return the words between spaces that hold a letter or digit."""
    return [word for word in text.split() if any(sign.isalnum() for sign in word)]


def num_words(text: str) -> tuple[int, ...]:
    """Count words by spaces and by runs; the smaller count first."""
    return tuple(sorted((len(words(text)), len(_RUN.findall(text)))))


def sentences(text: str) -> list[str]:
    """Return the sentences; list markers and rules are none."""
    found: list[str] = []
    text = _SPOKEN.sub(r"\1", _MARKER.sub("", text))
    for block in _BLANK.split(text):
        found += [part.strip() for part in sentencex.segment("en", block) if _RUN.search(part)]
    return found


def num_sentences(text: str) -> tuple[int, ...]:
    """Count sentences by their closing marks, and lines without any as one more way of counting."""
    by_marks = len(sentences(text))
    by_lines = sum(len(sentences(line)) for line in lines(text))
    return (by_marks, by_lines, by_marks)


def paragraphs(text: str) -> list[str]:
    """Return what blank lines divide, rules and titles left out; single lines where no line is blank."""
    blocks = [block.strip() for block in _BLANK.split(text.strip())]
    if len(blocks) == 1:
        blocks = [line.strip() for line in text.strip().split("\n")]
    return [block for block in blocks if block and not _RULE.fullmatch(block)]


def without_title(blocks: list[str]) -> list[str]:
    """Return the blocks after a title."""
    return blocks[1:] if len(blocks) > 1 and _TITLE.fullmatch(blocks[0]) else blocks


def either_way(blocks: list[str]) -> tuple[int, ...]:
    """Count blocks without and with a title."""
    return (len(without_title(blocks)), len(blocks), len(without_title(blocks)))


def lines(text: str) -> list[str]:
    """Return the lines that are not blank."""
    return [line.strip() for line in text.split("\n") if line.strip() and not _RULE.fullmatch(line)]


def num_lines(text: str) -> tuple[int, ...]:
    """Count lines, without a title that a blank line sets off."""
    whole = lines(text)
    first = _BLANK.split(text.strip(), maxsplit=1)
    titled = len(first) > 1 and _TITLE.fullmatch(first[0]) is not None
    return (len(whole) - titled, len(whole), len(whole) - titled)


def stanzas(text: str) -> list[str]:
    """Return what blank lines divide."""
    return [
        block.strip() for block in _BLANK.split(text.strip()) if block.strip() and not _RULE.fullmatch(block.strip())
    ]


def bullets(text: str) -> list[str]:
    """Return the lines that a bullet begins."""
    return [line.strip() for line in text.split("\n") if _BULLET.match(line) and not _RULE.fullmatch(line)]


def next_bullet(text: str) -> str:
    """Return with what a text goes on to its next bullet, of the same sign as the last."""
    found = bullets(text)
    return f"\n{found[-1][0]} " if found else "\n\n* "


def numbered(text: str) -> list[str]:
    """Return the lines that a number begins."""
    return [line.strip() for line in text.split("\n") if _NUMBERED.match(line)]


def items(text: str) -> list[str]:
    """Return the items of a list at its outermost level."""
    found = [
        line
        for line in text.split("\n")
        if (_BULLET.match(line) or _NUMBERED.match(line)) and not _RULE.fullmatch(line)
    ]
    depths = [len(line) - len(line.lstrip()) for line in found]
    return [line.strip() for line, depth in zip(found, depths, strict=True) if depth <= min(depths) + 1]


SPLIT: dict[str, Callable[[str], list[str]]] = {
    "word": words,
    "sentence": sentences,
    "paragraph": lambda text: without_title(paragraphs(text)),
    "line": lines,
    "item": items,
    "stanza": lambda text: without_title(stanzas(text)),
}
"""How an answer is split into each unit of `services.language.orders.UNITS`."""


def plain(text: str) -> str:
    """Return a piece without list marker and without marks of emphasis around it."""
    return _MARKER.sub("", text.strip(), count=1).strip("*_#> \t\n")
