"""Find where a text must not be cut, and where its lists and sentences lie.

It works on shapes: quotes, brackets, addresses, list markers; `sentencex` finds the ends of sentences.  It knows no
grammar.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import sentencex

from services.decomposer.cutting.rules import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

MASKED = "_"

# Each pattern is possessive, excludes its own terminator or starts only where a run starts: linear on any input.
# fmt: off
PROTECTED = (
    rule("address", r"\bhttps?://[^\s<>\"]*[^\s<>\".,;:!?)\]]|(?<![\w.+-])[\w.+-]++@[\w-]++(?:\.[\w-]++)++",
        "https://example.org/a;b?q=and"),
    rule("quotes", r'"[^"]*"|“[^“”]*”|„[^„“”]*[“”]|«[^«»]*»', 'say "ready, and go"'),
    rule("single quotes", r"‘(?:[^‘’\n]|(?<=\w)’(?=\w))*+’|(?<!\w)'(?=\S)(?:[^'\n]|(?<=\w)'(?=\w))++'(?!\w)",
        "say 'ready, and go'"),
    rule("brackets", r"\((?!\w{1,2}\))[^()]*+\)|\[[^\[\]]*+\]|\{[^{}]*+\}",
        "Georgia (the country, and not the state)"),
)
# Where `sentencex` takes the end of a sentence for an abbreviation, or the other way round.
LAST_LETTER = rule("letter at the end", r"(?<=[\s\d/])[a-z](?=\.\s+[A-Z])", "solve it for x. Who won?", re.NOFLAG)
CLOCK = rule("half of the day", r"\b[ap]\.m\.(?=\s+\w)(?!\s+(?:[WH]|Is|Are|Do|Can|Then|Also|Next)\w*\b)",
    "at 6 p.m. Eastern", re.NOFLAG)
LIST_MARKERS = (
    rule("bullet", r"^[ \t]*+[-*•‣·–][ \t]++(?=\S)", "- an atom\n- an ion", re.MULTILINE),
    rule("number", r"(?<!\S)\(?(\d{1,2})[.)]\s++(?=\S)", "1. an atom 2. an ion"),
    rule("letter", r"(?<!\S)(?:\(([a-h])\)|([a-h])[.)]|([A-H])\))\s++(?=\S)", "a) an atom b) an ion", re.NOFLAG),
    rule("numbered word", r"(?<!\S)(?:Q|(?:Question|Part|Step) )(\d{1,2}) ?[.):]\s++(?=\S)", "Q1: an atom Q2: an ion"),
)
# fmt: on


class Span(NamedTuple):
    """A half-open range of a text."""

    start: int
    end: int


def trimmed(text: str, span: Span) -> Span:
    """Leave out the white space at both ends of a span."""
    inner = text[span.start : span.end]
    start = span.start + len(inner) - len(inner.lstrip())
    return Span(start, start + len(inner.strip()))


def mask(text: str) -> str:
    """Copy `text` with what must not be cut, or read as grammar, replaced by `MASKED`; offsets stay the same."""
    for protected in PROTECTED:
        text = protected.pattern.sub(lambda found: MASKED * len(found[0]), text)
    return text


def sentences(masked: str) -> Iterator[Span]:
    """Yield sentences and lines, each with its closing punctuation."""
    start = 0
    text = CLOCK.pattern.sub("p_m_", LAST_LETTER.pattern.sub("0", masked))
    for line in text.splitlines(keepends=True):
        for sentence in sentencex.segment("en", line):
            if sentence.strip():
                yield Span(start, start + len(sentence))
            start += len(sentence)


def list_markers(masked: str) -> list[Span]:
    """Return the markers of the outermost list, two at least, or nothing."""
    lists = [[Span(*marker.span()) for marker in LIST_MARKERS[0].pattern.finditer(masked)]]
    lists += [_sequence(kind.pattern, masked) for kind in LIST_MARKERS[1:]]
    return min((markers for markers in lists if len(markers) > 1), default=[])


def _sequence(pattern: re.Pattern[str], masked: str) -> list[Span]:
    """Find markers that count upwards by one; the first opens the text, a line, or follows a stop or a colon."""
    markers: list[Span] = []
    expected = 0
    for marker in pattern.finditer(masked):
        label = next(filter(None, marker.groups()))
        number = int(label) if label.isdigit() else ord(label)
        before = masked[max(0, marker.start() - 80) : marker.start()].rstrip(" \t")
        opens = not markers and before[-1:] in ("", "\n", ":", ".", "?", "!", ";")
        if opens or (markers and number == expected):
            markers.append(Span(*marker.span()))
            expected = number + 1
    return markers
