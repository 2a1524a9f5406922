"""Find the clauses of a text that the words allow to cut out: list items, and the clauses of sentences.

It looks at each seam by itself: whether both sides could stand alone, as far as grammar shows.  `ties` tells what a
clause needs from those before it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.decomposer.cutting.asks import (
    AUX,
    INTERROGATIVE,
    Ask,
    Mood,
    ask_at_head,
    ask_of,
    ask_offset,
    asks_quantity,
    opens,
)
from services.decomposer.cutting.leads import GREETING, PROBLEM_LEAD_IN, is_lead_in, lead_in_chars
from services.decomposer.cutting.masking import Span, list_markers, sentences, trimmed
from services.decomposer.cutting.rules import rule
from services.language import connectives, grammar, verbs
from services.language.grammar import either
from services.voting.calculator import calculate

if TYPE_CHECKING:
    from collections.abc import Iterator

_MAX_SEAMS = 64  # a sentence with more is a list of words
_LEFT_CHARS = 400
_RIGHT_CHARS = 160

_ADVERB = either(connectives.ADVERBS)
_PHRASE = either(connectives.PHRASES).replace(" ", r"\s+")
_THEN = rf"{_ADVERB}|{_PHRASE}"
_NEXT = either(connectives.ANNOUNCERS).replace(" ", r"\s+") + r"|(?:part|question|task|step)\s+(?:\d|one|two|three)"

# fmt: off
OPENING = rule("words that join a sentence to the one before",
    r"(?P<space>\s*)(?:(?P<and>(?:oh,?\s+)?(?:and|but))\b,?\s+)?"
    rf"(?:(?:(?P<adverb>{_ADVERB})|(?P<named>{_PHRASE}|{_NEXT}))\b\s*(?P<stop>[,:])?\s+)?", "Also, who won?")
SEAMS = (
    rule("semicolon", rf"(?<!\s)\s?;\s*(?:and\s+)?(?:(?:{_THEN}|{_NEXT})\b\s*[,:]?\s+)?", "who won; who lost"),
    rule("then", rf"(?:(?<!\s)\s?[,—–]\s*|(?<!\s)\s+)(?:(?:and|&|but)\s+)?(?:{_THEN})\b\s*[,:]?\s+"
        rf"(?:(?:{_THEN}|{_NEXT})\b\s*[,:]?\s+)?", "who won and then who lost"),
    rule("next", rf"(?:(?<!\s)\s?,\s*(?:and\s+)?|(?<!\s)\s+and\s+)(?:{_NEXT})\b\s*[,:]?\s+",
        "who won, second who lost"),
    rule("and", r"(?:(?<!\s)\s?[,—–]\s*|(?<!\s)\s+)(?:and|&|but|(?:and\s+)?plus|as\s+well\s+as|next(?!\s+and\b))\s+",
        "who won and who lost"),
    rule("comma", r"(?<!\s)\s?[,—–]\s+", "who won, who lost"),
)
THING = rule("name of a thing",
    r"(?i:the\s+(?!number|sum|total|age|price|cost|difference)(?:[a-z]+\s+){1,3}(?:of|in|for)\s+)(?:(?i:the)"
    r"\s+)?[A-Z_]", "the capital of Peru", re.NOFLAG)
ASKED_THING = rule("thing that is asked for",
    r"(?:what(?:['’]s|\s+is)|(?:(?:tell|give)\s+)me|name|give|say|state)\s+the\b|the\b", "what is the currency of Peru")
ITEM = rule("bare item of a list", r"^(?:\w++\s+){1,4}(?:of|in|for)\s+\w", "boiling point of water")
INFINITIVE = rule("verb that a bare one may go on with",
    r"\bto\s+(?!(?:the|a|an)\b)[a-z]|\b[Ii]\s+(?!and|or|then)[a-z]|\b(?i:we|you|people|someone)\b", "how to peel",
    re.NOFLAG)
LISTED_QUESTION = rule("listed question", rf"^[^,]*+,\s+(?:and\s+)?(?:{INTERROGATIVE})\b", "who won, and who lost")
# fmt: on
_DANGLING = frozenset("a an the and or than my your does do did can could will would is are was were".split())
_STRANDED = frozenset("of to in for with from by about on at".split())  # right only where a question ends ("stand for")
_TO_TARGET = frozenset("convert translate compare add change give send round".split())


@dataclass(frozen=True, slots=True)
class Clause:
    """A stretch of text that the words allow to cut out; `linked` by more than "and" to the one before."""

    span: Span
    text: str
    ask: Ask | None
    linked: bool


@dataclass(frozen=True, slots=True)
class _Seam:
    name: str
    start: int
    end: int
    text: str


def find_clauses(masked: str) -> list[Clause]:
    """Give list items, or the clauses of sentences; nothing where a list needs the words before it."""
    markers = list_markers(masked)
    if markers:
        if not is_lead_in(masked[: markers[0].start]):
            return []
        ends = [*(marker.start for marker in markers[1:]), len(masked)]
        return [_item(masked, Span(marker.end, end)) for marker, end in zip(markers, ends, strict=True)]
    at = lead_in_chars(masked)
    spans = [trimmed(masked, Span(at + start, at + end)) for start, end in sentences(masked[at:])]
    asking = [span for span in spans if not GREETING.pattern.fullmatch(masked, *span)]
    return [clause for span in asking for clause in _clauses(masked, span)]


def _item(masked: str, span: Span) -> Clause:
    """Read a list item; a bare noun asks, a statement with a full stop does not."""
    span = trimmed(masked, span)
    text = masked[span.start : span.end]
    asked = [ask for start, end in sentences(text) if (ask := ask_of(text[start:end].strip()))]
    bare = Ask(Mood.FRAGMENT, "", 0) if ITEM.pattern.match(text) and not text.endswith(".") else None
    return Clause(span, text, asked[0] if asked else bare, linked=True)


def _clauses(masked: str, sentence: Span) -> Iterator[Clause]:
    start, linked = _after_opening(masked, sentence)
    end = sentence.end
    if story := PROBLEM_LEAD_IN.pattern.match(masked, start, end):
        yield _clause(masked, Span(story.end(), end), linked=linked)
        return
    asking, begun = _asking_at(masked, start, end), start
    seams = _seams(masked, start, end)
    for seam in seams if len(seams) <= _MAX_SEAMS else ():
        if asking is None and not (start > begun and THING.pattern.match(masked, start, end)):
            break
        opening, right = masked[start : asking or start], masked[seam.end : end]
        if seam.start < start or (asking is not None and asking >= seam.start) or _is_governed(opening, right):
            continue
        if _separates(masked, start, seam, end):
            yield _clause(masked, Span(start, seam.start), linked=linked, mark="?")
            start, linked = seam.end, seam.name not in ("and", "comma")
            asking = _asking_at(masked, start, end)
    yield _clause(masked, Span(start, end), linked=linked, bare=start > begun)


def _seams(masked: str, start: int, end: int) -> list[_Seam]:
    """Give where a sentence may be cut; of seams that overlap, the one that a row before the others tells."""
    found: list[_Seam] = []
    taken: set[int] = set()
    for kind in SEAMS:
        for match in kind.pattern.finditer(masked, start, end):
            if taken.isdisjoint(range(*match.span())):
                taken.update(range(*match.span()))
                found.append(_Seam(kind.name, match.start(), match.end(), match[0]))
    return sorted(found, key=lambda seam: seam.start)


def _is_governed(opening: str, right: str) -> bool:
    """Tell whether an opening ("In France, ") is of `right` too; figures go with no other sum, and with no person."""
    if not opens(opening):
        return False
    is_story = opening[:2].lower() == "if" and any(map(str.isdigit, opening))
    return not (is_story and (calculate(right) or right[:3].lower() == "who"))


def _asking_at(masked: str, start: int, end: int) -> int | None:
    at = ask_offset(masked[start:end])
    return None if at is None else start + at


def _clause(masked: str, span: Span, *, linked: bool, mark: str = "", bare: bool = False) -> Clause:
    """Read a clause; `mark` stands for the question mark of a later one, `bare` lets the name of a thing ask for it."""
    span = trimmed(masked, span)
    text = masked[span.start : span.end]
    ask = ask_of(text + mark) or (Ask(Mood.FRAGMENT, "", 0) if bare and THING.pattern.match(text) else None)
    return Clause(span, text, ask, linked)


def _after_opening(masked: str, sentence: Span) -> tuple[int, bool]:
    """Skip the words that only join a sentence to the one before it; tell whether they do more than "and" does."""
    opening = OPENING.pattern.match(masked, sentence.start, sentence.end)
    assert opening is not None
    at = opening.end()
    # "After that war" goes on, and "after that" alone does not.
    if opening["adverb"] or (opening["named"] and (opening["stop"] or ask_at_head(masked[at : at + _RIGHT_CHARS]))):
        return at, True
    return (opening.end("and") if opening["and"] else opening.end("space")), False


# --- whether both sides stand alone ----------------------------------------------------------------------------------


def _separates(masked: str, start: int, seam: _Seam, end: int) -> bool:
    """Tell whether both sides of `seam` stand alone, as far as grammar shows."""
    weak = seam.name in ("and", "comma")
    left = masked[max(start, seam.start - _LEFT_CHARS) : seam.start]
    right = masked[seam.end : min(end, seam.end + _RIGHT_CHARS)]
    ask = ask_at_head(right, strict=weak)
    if _is_unfinished(left):
        return False
    if ask is None:
        return not weak and (_is_late(masked[seam.end : end][:_LEFT_CHARS]) or _is_thing(left, right, seam))
    words = right.split(maxsplit=2)
    if weak and (not words[1:] or (words[0][0].isupper() and words[1][0].isupper())):  # "Dude, Where's My Car?"
        return False
    if ask.mood is Mood.COMMAND and seam.name != "semicolon":
        return not _continues_verb(left, ask)
    return not weak or not _is_relative(left, right[ask.offset :], ask, comma=seam.name == "comma")


def _is_late(right: str) -> bool:
    """Tell whether a story with its own question follows ("; if a shop sells 9 pens at $2 each, how much ...")."""
    asked = ask_of(right)
    return asked is not None and asked.late


def _is_thing(left: str, right: str, seam: _Seam) -> bool:
    """Tell whether the bare name of a thing after a seam is asked for."""
    return THING.pattern.match(right) is not None and (seam.name == "next" or bool(ASKED_THING.pattern.match(left)))


def _is_unfinished(left: str) -> bool:
    """Tell whether `left` breaks off, or stops at a verb that a second one may join ("read and write")."""
    words = left.lower().split()
    if not words[1:] or words[-1] in _DANGLING:
        return True
    head = ask_of(left)
    return words[-1] in _STRANDED and (head is None or head.mood is Mood.COMMAND)


def _is_relative(left: str, right: str, ask: Ask, *, comma: bool) -> bool:
    """Tell whether a question word goes on with a subordinate clause of `left`."""
    if ask.word not in grammar.INTERROGATIVE or (comma and calculate(left) is not None):
        return False
    if comma and ask.word in grammar.RELATIVE and not LISTED_QUESTION.pattern.match(right):
        return True
    head = ask_of(left)
    if comma and (head is None or head.mood is Mood.COMMAND):
        return True
    body = left[head.offset :] if head else left
    inverted = "" if ask.word in grammar.RELATIVE else rf"\s+{AUX}\b"  # no subordinate clause is
    continued = rf"\W{ask.word}{inverted if re.match(rf'{ask.word}{inverted}', right, re.IGNORECASE) else ''}\b"
    return re.search(continued, body, re.IGNORECASE) is not None


def _continues_verb(left: str, ask: Ask) -> bool:
    """Tell whether a bare verb goes on with a verb of `left` ("how do I find ... and count ...")."""
    head = ask_of(left)
    if head is None or left.lower().split()[-1] in verbs.ASKING - verbs.AMBIGUOUS:
        return True
    body = left[head.offset :]
    if INFINITIVE.pattern.search(body):
        return head.word not in _TO_TARGET
    asks_how = head.mood is Mood.QUESTION and head.word not in grammar.INTERROGATIVE - {"how", "why"}
    return asks_how and ask.word not in verbs.TO_ASSISTANT and not asks_quantity(body)
