"""Where a text must not be cut, and where its lists and sentences lie.

Works on shapes alone: quotes, brackets, code, addresses, abbreviations, list markers, full stops.  It knows nothing of
grammar, so it cannot tell a request from a statement, nor a title without quotes from a clause.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

MASKED = "_"

# Every loop below is possessive, excludes its own terminator or starts only where a run starts: linear on any input.
_PROTECTED = re.compile(
    r"""
    (?P<code> ```.*?(?:```|\Z) | `[^`\n]*` )
    | (?P<address> \b(?:https?|ftp)://[^\s<>"]*[^\s<>".,;:!?)\]] | (?<![\w.+-])[\w.+-]++@[\w-]+(?:\.[\w-]+)+ )
    | (?P<quote> "[^"]*" | “[^“”]*” | „[^„“”]*[“”] | «[^«»]*»
        | ‘(?:[^‘’\n]|(?<=\w)’(?=\w))*+’ | (?<!\w)'(?=\S)(?:[^'\n]|(?<=\w)'(?=\w))++'(?!\w) )
    | (?P<bracket> \((?!\w{1,2}\)|iii\))(?:[^()]|\([^()]*\))*+\) | \[[^\[\]]*\] | \{[^{}]*\} )
    """,
    re.VERBOSE | re.DOTALL,
)
_TITLE = (
    r"(?i:dr|mr|mrs|ms|mt|prof|st|gen|sen|rep|gov|capt|lt|col|sgt|rev|hon|vs|e\.g|i\.e|cf|approx|fig"
    r"|(?:no|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec)(?=\.\s*\d))\."
)
_SHORT_FORM = r"(?i:[ap]\.m|etc|inc|ltd|corp|co|jr|sr|ph\.d|al|est|dept|vol)\.|(?:[A-Z]\.){2,}"
_NEW_SENTENCE = r"(?:Who|What|Which|When|Where|Why|How|Is|Are|Do|Does|Did|Can|Then|Also|Next|After|Finally|And)\b"
_ABBREVIATION = re.compile(
    rf"(?<![\w.])(?:{_TITLE}(?=\s)|(?:{_SHORT_FORM})(?!\s+{_NEW_SENTENCE})"
    rf"|(?:(?<=[A-Z]\w\s)|(?<=\w\w\s)|(?<![^\n]))[A-Z]\.(?=\s+[A-Z])(?!\s+{_NEW_SENTENCE}))",
)

_SENTENCE_END = re.compile(r"(?<![.!?])[.!?]++(?=\s|\Z|(?<=[?!])[A-Z])|\n")
_LONE_MARKER = re.compile(r"\(?\w{1,2}[.)]")
_BULLET = re.compile(r"^[ \t]*[-*•‣·–][ \t]+(?=\S)", re.MULTILINE)
_ORDERED = (
    re.compile(r"(?<!\S)\(?(\d{1,2})[.)]\s+(?=\S)"),
    re.compile(r"(?<!\S)(?:\(([a-h])\)|([a-h])[.)]|([A-H])\))\s+(?=\S)"),
    re.compile(r"(?<!\S)(?:Q|Question )(\d{1,2}) ?[.):]\s+(?=\S)"),
    re.compile(r"^([A-H])[._]\s+(?=\S)", re.MULTILINE),  # `mask` took the stop for that of an initial
    re.compile(r"(?<!\S)\(?(i{1,3}|i?[vx]|vi{1,3})[.)]\s+(?=\S)"),
)
_ROMAN = {label: n for n, label in enumerate("i ii iii iv v vi vii viii ix x".split(), start=1)}


class Span(NamedTuple):
    """A half-open range of a text."""

    start: int
    end: int


def trimmed(text: str, span: Span) -> Span:
    """Leave out the white space at both ends of a span."""
    start, end = span
    while end > start and text[end - 1].isspace():
        end -= 1
    while start < end and text[start].isspace():
        start += 1
    return Span(start, end)


def mask(text: str) -> str:
    """Copy `text` with what must not be cut, or read as grammar, replaced by `MASKED`; offsets stay the same."""
    return _ABBREVIATION.sub(_hide_stops, _PROTECTED.sub(_hide, text))


def _hide(match: re.Match[str]) -> str:
    found = match[0]
    hidden = MASKED * len(found)
    ends_sentence = match["quote"] and found[-2] in ".!?" and re.match(r"\s+[A-Z]", match.string[match.end() :][:9])
    return hidden[:-1] + "." if ends_sentence else hidden


def _hide_stops(match: re.Match[str]) -> str:
    return match[0].replace(".", MASKED)


def sentences(masked: str) -> Iterator[Span]:
    """Yield sentences and lines, each with its closing punctuation."""
    start = 0
    for match in _SENTENCE_END.finditer(masked):
        found = masked[start : match.end()].strip()
        if _LONE_MARKER.fullmatch(found):
            continue
        if found:
            yield Span(start, match.end())
        start = match.end()
    if masked[start:].strip():
        yield Span(start, len(masked))


def list_markers(masked: str) -> list[Span]:
    """Return the markers of the outermost list, two at least, or nothing."""
    lists = [[Span(*match.span()) for match in _BULLET.finditer(masked)]]
    lists += [_sequence(pattern, masked) for pattern in _ORDERED]
    return min((markers for markers in lists if len(markers) > 1), default=[])


def _sequence(pattern: re.Pattern[str], masked: str) -> list[Span]:
    """Find markers that count upwards by one; the first opens the text, a line, or follows a stop or a colon."""
    markers: list[Span] = []
    expected = 0
    for match in pattern.finditer(masked):
        label = next(filter(None, match.groups()))
        number = int(label) if label.isdigit() else _ROMAN.get(label) or ord(label)
        before = masked[max(0, match.start() - 80) : match.start()].rstrip(" \t")
        opens = not markers and before[-1:] in ("", "\n", ":", ".", "?", "!", ";")
        if opens or (markers and number == expected):
            markers.append(Span(*match.span()))
            expected = number + 1
    return markers
