"""Find the clauses that grammar allows to cut out: list items, and the clauses of sentences.

It judges every seam by itself: whether the words on both sides could stand alone.  `ties` tells what a clause needs
from earlier ones.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from services.decomposer.cutting.asks import Ask, Mood, ask_at_head, ask_of, opens, words_of
from services.decomposer.cutting.leads import GREETING, PROBLEM_LEAD_IN, is_lead_in, lead_in_chars
from services.decomposer.cutting.masking import Span, list_markers, sentences, trimmed
from services.decomposer.cutting.rules import rule
from services.language import connectives, grammar, verbs
from services.language.grammar import either
from services.language.number_words import ONES
from services.language.patterns import INTERROGATIVE
from services.voting.calculator import calculate

if TYPE_CHECKING:
    from collections.abc import Iterator

_MAX_SEAMS = 64  # a sentence with more is a list of words
_WINDOW_CHARS = 400  # on either side of a seam

_ADVERB = either(connectives.ADVERBS)
_PHRASE = either(connectives.PHRASES).replace(" ", r"\s+")
_THEN = rf"{_ADVERB}|{_PHRASE}"
_NEXT = either(connectives.ANNOUNCERS).replace(" ", r"\s+") + rf"|(?:part|question|task|step)\s+(?:\d|{either(ONES)})"

# fmt: off
OPENING = rule("words that join a sentence to the one before",
    r"\s*(?P<and>(?:(?:oh,?\s+)?(?:and|but)\b,?\s+)?)"
    rf"(?:(?:(?P<adverb>{_ADVERB})|{_PHRASE}|{_NEXT})\b\s*[,:]?\s+)?", "Also, who won?")
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
ITEM = rule("bare item of a list", r"^(?:\w++\s+){1,4}(?:of|in|for)\s+\w", "boiling point of water")
INFINITIVE = rule("verb that a bare one may go on with",
    r"\bto\s+(?!(?:the|a|an)\b)[a-z]|\b[Ii]\s+(?!and|or|then)[a-z]|\b(?i:we|you|people|someone)\b", "how to peel",
    re.NOFLAG)
LISTED_QUESTION = rule("listed question", rf"^[^,]*+,\s+(?:and\s+)?(?:{INTERROGATIVE})\b", "who won, and who lost")
# fmt: on


@dataclass(frozen=True, slots=True)
class Clause:
    """A stretch of text that the words allow to cut out, and what it asks."""

    span: Span
    text: str
    ask: Ask | None

    @property
    def body(self) -> str:
        """What is left of the text from where it asks."""
        return self.text[self.ask.offset :] if self.ask else self.text


class _Seam(NamedTuple):
    start: int
    end: int
    name: str


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
    """Read a list item; a bare noun asks, too."""
    span = trimmed(masked, span)
    text = masked[span.start : span.end]
    asked = [ask for start, end in sentences(text) if (ask := ask_of(text[start:end].strip()))]
    bare = Ask(Mood.FRAGMENT, "", 0) if ITEM.pattern.match(text) else None
    return Clause(span, text, asked[0] if asked else bare)


def _clauses(masked: str, sentence: Span) -> Iterator[Clause]:
    start, end = _after_opening(masked, sentence), sentence.end
    if story := PROBLEM_LEAD_IN.pattern.match(masked, start, end):
        yield _clause(masked, Span(story.end(), end))
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
            yield _clause(masked, Span(start, seam.start), mark="?")
            start = seam.end
            asking = _asking_at(masked, start, end)
    yield _clause(masked, Span(start, end))


def _seams(masked: str, start: int, end: int) -> list[_Seam]:
    """Give where a sentence may be cut; of seams that overlap, the one that a row before the others tells."""
    found: list[_Seam] = []
    taken: set[int] = set()
    for kind in SEAMS:
        for match in kind.pattern.finditer(masked, start, end):
            if taken.isdisjoint(range(*match.span())):
                taken.update(range(*match.span()))
                found.append(_Seam(*match.span(), kind.name))
    return sorted(found)


def _is_governed(opening: str, right: str) -> bool:
    """Tell whether an opening ("In France, ") is of `right` too; figures go with no other sum, and with no person."""
    if not opens(opening):
        return False
    is_story = opening[:2].lower() == "if" and any(map(str.isdigit, opening))
    return not (is_story and (calculate(right) or right[:3].lower() == "who"))


def _asking_at(masked: str, start: int, end: int) -> int | None:
    ask = ask_of(masked[start:end])
    if ask is None or ask.mood is Mood.FRAGMENT:
        return None
    return start + (ask.offset if ask.late else 0)


def _clause(masked: str, span: Span, mark: str = "") -> Clause:
    """Read a clause; `mark` stands for the question mark of a later one."""
    span = trimmed(masked, span)
    text = masked[span.start : span.end]
    return Clause(span, text, ask_of(text + mark))


def _after_opening(masked: str, sentence: Span) -> int:
    """Skip the words that only join a sentence to the one before it."""
    opening = OPENING.pattern.match(masked, sentence.start, sentence.end)
    assert opening is not None
    at = opening.end()
    # "After that war" goes on, and "after that" alone does not.
    return at if opening["adverb"] or ask_at_head(masked[at : at + _WINDOW_CHARS]) else opening.end("and")


# --- whether both sides stand alone ----------------------------------------------------------------------------------


def _separates(masked: str, start: int, seam: _Seam, end: int) -> bool:
    """Tell whether both sides of `seam` stand alone, as far as grammar shows."""
    weak = seam.name in ("and", "comma")
    left = masked[max(start, seam.start - _WINDOW_CHARS) : seam.start]
    right = masked[seam.end : min(end, seam.end + _WINDOW_CHARS)]
    ask = ask_at_head(right, strict=weak)
    if ask is None:
        late = ask_of(right)  # "; if a shop sells 9 pens at $2 each, how much ..."
        return not weak and ((late is not None and late.late) or THING.pattern.match(right) is not None)
    words = right.split(maxsplit=2)
    if weak and (not words[1:] or (words[0][0].isupper() and words[1][0].isupper())):  # "Dude, Where's My Car?"
        return False
    if ask.mood is Mood.COMMAND:
        return not _continues_verb(left)
    return not weak or not _is_relative(left, right[ask.offset :], ask, comma=seam.name == "comma")


def _is_relative(left: str, right: str, ask: Ask, *, comma: bool) -> bool:
    """Tell whether a question word goes on with a subordinate clause of `left`."""
    if ask.word not in grammar.INTERROGATIVE or (comma and calculate(left) is not None):
        return False
    head = ask_of(left)
    goes_on = ask.word in grammar.RELATIVE and not LISTED_QUESTION.pattern.match(right)
    if comma and (goes_on or head is None or head.mood is Mood.COMMAND):
        return True
    return ask.word in words_of(left[head.offset :] if head else left)[1:]


def _continues_verb(left: str) -> bool:
    """Tell whether a bare verb goes on with a verb of `left` ("how to find ... and count ...")."""
    head = ask_of(left)
    return head is None or (head.word not in verbs.TARGETED and bool(INFINITIVE.pattern.search(left, head.offset)))
