"""Find the pieces of a text that the words allow to cut out: list items, and the clauses of sentences.

It looks at each seam by itself: whether both sides could stand alone, as far as grammar shows.  What a piece needs from
the ones before it is for `references` and `facts` to tell.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.decomposer import grammar
from services.decomposer.announcements import is_lead_in, lead_in_chars, payload_announced_at, problem_lead_in_chars
from services.decomposer.facts import names, topic_words
from services.decomposer.grammar import Kind, Request, asks, request, request_offset
from services.decomposer.spans import Span, list_markers, sentences, trimmed
from services.voting.calculator import calculate

if TYPE_CHECKING:
    from collections.abc import Iterator

_LEFT_CHARS = 400
_RIGHT_CHARS = 160
_WRAPPED_CHARS = 50

_ORDINAL = r"first|second|third|fourth|fifth|sixth"
_COUNTED = r"(?:part|question|task|step|problem)\s+(?:\d|one|two|three|four|five|six)"
_THAT = r"(?:that|this|these|those)"
_THEN = (
    r"then|also|afterwards?|subsequently|finally|lastly|additionally|furthermore|moreover"
    r"|(?:after|following|on\s+top\s+of|(?:apart|aside)\s+from|besides|beyond|other\s+than|in\s+addition\s+to"
    rf"|as\s+well\s+as)\s+{_THAT}|in\s+addition|meanwhile|while\s+you(?:['’]re|\s+are)\s+at\s+it|with\s+{_THAT}\s+done"
    r"|(?:once|when)\s+(?:(?:(?:that|this|it)(?:['’]s|\s+is)|you(?:['’]re|\s+are))\s+)?(?:done|finished)"
    rf"(?:\s+with\s+{_THAT})?"
    rf"|(?:once|when)\s+you(?:\s+have|['’]ve)\s+(?:finished\b|(?:(?:done|found|answered)\s+)?{_THAT})"
    rf"|as\s+(?:a|the|my|your)\s+(?:next|final|last|{_ORDINAL})\s+(?:step|task|question|thing|part)"
    r"|to\s+(?:finish|end|conclude|close|begin|start)(?:\s+(?:off|up|with))?|last\s+but\s+not\s+least"
    rf"|(?:last|{_ORDINAL})\s+of\s+all"
)
_ADVERB = re.compile(r"\w+")
_NEXT = (
    rf"(?:(?:the|my|a)\s+(?=[\w\s]{{1,30}}[,:]))?(?:next|another|last|final|{_ORDINAL}|(?:one|on)\s+(?:more|last|final|other|another))"
    r"\s+(?:question|thing|note|task|step|part|problem)"
    rf"|{_COUNTED}|next\s+up|next|last|plus|besides|separately|as\s+well\s+as|(?:{_ORDINAL})(?:ly)?|by\s+the\s+way|ps"
)
_OPENING = re.compile(
    rf"(?P<space>\s*)(?:(?P<and>and|but|&)\b,?\s+)?(?:(?:(?P<then>{_THEN})|(?P<next>{_NEXT}))\b\s*(?P<stop>[,:])?\s+)?",
    re.IGNORECASE,
)
_BETWEEN = re.compile(
    rf"""
    (?P<strong>(?<!\s)\s*;)\s*(?:and\s+)?(?:(?:{_THEN}|{_NEXT})\b\s*[,:]?\s+)?
    | (?:(?<!\s)\s*[,—–]\s*|(?<!\s)\s+)(?:(?:and|&|but)\s+)?(?P<then>{_THEN})\b\s*[,:]?\s+
        (?:(?:{_THEN}|{_NEXT})\b\s*[,:]?\s+)?
    | (?:(?<!\s)\s*,\s*(?:and\s+)?|(?<!\s)\s+and\s+)(?P<next>{_NEXT})\b\s*[,:]?\s+
    | (?:(?<!\s)\s*[,—–]\s*|(?<!\s)\s+)(?P<and>and|AND|&|but|(?:and\s+)?plus|as\s+well\s+as|next(?!\s+and\b))\s+
    | (?<!\s)\s*,\s*(?P<followed>followed\s+by)\s+
    | (?<!\s)\s*(?P<comma>[,—–])\s+
    """,
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text that the words allow to cut out; `linked` by more than "and" to the one before."""

    span: Span
    text: str
    ask: Request | None
    linked: bool


def find_pieces(masked: str) -> Iterator[Piece]:
    """Yield list items, or the clauses of sentences; nothing where a list needs the words before it."""
    markers = list_markers(masked)
    if markers and is_lead_in(masked[: markers[0].start]):
        ends = [*(marker.start for marker in markers[1:]), len(masked)]
        yield from (_item(masked, Span(marker.end, end)) for marker, end in zip(markers, ends, strict=True))
    if markers:
        return
    for sentence in _joined_lines(masked, lead_in_chars(masked)):
        yield from _clauses(masked, sentence)


def _item(masked: str, span: Span) -> Piece:
    """Read a list item; a bare noun asks, a statement with a full stop does not."""
    span = trimmed(masked, span)
    text = masked[span.start : span.end]
    found = [ask for start, end in sentences(text) if (ask := asks(text[start:end].strip()))]
    bare = None if text.endswith(".") else Request(Kind.QUESTION, "", 0)
    return Piece(span, text, found[0] if found else bare, linked=True)


def _joined_lines(masked: str, at: int) -> Iterator[Span]:
    """Yield sentences; a line that begins no request continues the one before, a payload runs to the end."""
    begun = at
    for start, end in sentences(masked[at:]):
        if payload_announced_at(masked[at + start : at + end]) is not None:
            yield Span(begun, len(masked))
            return
        if masked[at + end - 1] != "\n" or _is_new_line(masked, at + start, at + end):
            yield Span(begun, at + end)
            begun = at + end
    if masked[begun:].strip():
        yield Span(begun, len(masked))


def _is_new_line(masked: str, start: int, end: int) -> bool:
    """Tell whether what follows a line is more than its continuation, as it is where long lines are wrapped."""
    following = masked[end : end + _RIGHT_CHARS]
    begins = end - start < _WRAPPED_CHARS or following.lstrip()[:1].isupper()
    if following[:1] == "\n":
        return True
    at = _after_opening(following, trimmed(following, Span(0, len(following))))[0]
    return begins and request(following[at:]) is not None


def _clauses(masked: str, sentence: Span) -> Iterator[Piece]:
    start, linked = _after_opening(masked, sentence)
    end = sentence.end
    story = start + problem_lead_in_chars(masked[start:end])
    if story > start:
        yield Piece(trimmed(masked, Span(start, end)), masked[story:end].strip(), asks(masked[story:end]), linked)
        return
    asking, begun = _asking_at(masked, start, end), start
    payload = payload_announced_at(masked[start:end])
    for between in _BETWEEN.finditer(masked, start, end if payload is None else start + payload):
        if asking is None and not (start > begun and _THING.match(masked, start, end)):
            break
        opening, right = masked[start : asking or start], masked[between.end() : end]
        if (asking is not None and asking >= between.start()) or _is_governed(opening, right):
            continue
        if _separates(masked, start, between, end):
            yield _piece(masked, Span(start, between.start()), linked=linked, mark="?")
            start, linked = between.end(), between["and"] is None and between["comma"] is None
            asking = _asking_at(masked, start, end)
    yield _piece(masked, Span(start, end), linked=linked, bare=start > begun)


def _is_governed(opening: str, right: str) -> bool:
    """Tell whether an opening ("In France, ") is of `right` too; figures go with no other sum, and with no person."""
    if not grammar.opens(opening):
        return False
    if re.match(r"if\b.*\d", opening, re.IGNORECASE | re.DOTALL) is None:
        return True
    asks_person = re.match(r"who\b", right, re.IGNORECASE) and not names(opening)
    is_independent = calculate(right) or (asks_person and not topic_words(opening) & topic_words(right))
    return not is_independent


def _asking_at(masked: str, start: int, end: int) -> int | None:
    at = request_offset(masked[start:end])
    return None if at is None else start + at


def _piece(masked: str, span: Span, *, linked: bool, mark: str = "", bare: bool = False) -> Piece:
    """Read a piece; `mark` stands for the question mark of a later one, `bare` lets the name of a thing ask for it."""
    span = trimmed(masked, span)
    text = masked[span.start : span.end]
    ask = asks(text + mark) or (Request(Kind.FRAGMENT, "", 0) if bare and _THING.match(text) else None)
    return Piece(span, text, ask, linked)


def _after_opening(masked: str, sentence: Span) -> tuple[int, bool]:
    """Skip the words that only join a sentence to the one before it; tell whether they do more than "and" does."""
    opening = _OPENING.match(masked, sentence.start, sentence.end)
    assert opening is not None
    at = opening.end()
    joins = opening["then"] and _ADVERB.fullmatch(opening["then"])  # others may go on: "after that war", "to end it"
    named = opening["then"] or opening["next"]
    if joins or (named and (opening["stop"] or request(masked[at : at + _RIGHT_CHARS]))):
        return at, True
    return (opening.end("and") if opening["and"] else opening.end("space")), False


# --- whether both sides stand alone ----------------------------------------------------------------------------------

_THING = re.compile(
    r"(?i:the\s+(?!number|sum|total|age|price|cost|difference)(?:[a-z]+\s+){1,3}(?:of|in|for)\s+)(?:(?i:the)\s+)?[A-Z_]"
)
_ASKED_THING = re.compile(
    r"(?:what(?:['’]s|\s+is)|(?:(?:tell|give)\s+)me|name|give|say|state)\s+the\b|the\b", re.IGNORECASE
)
_STORY = re.compile(r"if\s+(?:an?|one|[A-Z][a-z]+)\s[^?]*\d")  # "if a shop sells 9 pens at $2 each, ..."
_SUM = re.compile(
    r"(?:what(?:['’]s|\s+is)|\w+(?:\s+(?:out|up))?)\s+(?:[\d.,%/*+^()×÷=-]|\s|\b(?:of|plus|minus|times|by|divided"
    r"|multiplied|from|to|the|power|squared|cubed|percent)\b)*\d[%)]*",
    re.IGNORECASE,
)
_DANGLING = frozenset("a an the and or than my your does do did can could will would".split())
_BE = frozenset("is are was were".split())
_EMBEDDED = re.compile(r"\s(?:what|who|which|where|when|how)\s+\w+\s", re.IGNORECASE)  # "tell me what entropy is"
_STRANDED = frozenset("of to in for with from by about on at".split())  # right only where a question ends ("stand for")
_OPEN_PAIR = re.compile(r"\b(?:between|both)\b(?!.*\band\b)", re.DOTALL)
_BARE_QUESTION = re.compile(r"(?:what|who|where)(?:['’]s|\s+(?:is|are|was|were))\s+the\s+\w+", re.IGNORECASE)
_NAMES = r"(?-i:[A-Z_][\w.'’-]*(?:\s+[A-Z_][\w.'’-]*)*)"
_BARE_DEED = re.compile(rf"who\s+(?!{grammar.AUX}\b)\w+", re.IGNORECASE)
_NAMED_DEED = re.compile(rf"(who\s+(?!(?:{grammar.AUX})\b)[a-z]+)\s+{_NAMES}", re.IGNORECASE)
_INFINITIVE = re.compile(r"\bto\s+(?!(?:the|a|an)\b)[a-z]|\b[Ii]\s+(?!and|or|then)[a-z]|\b(?i:we|you|people|someone)\b")
_TO_TARGET = frozenset("convert translate compare add change give send".split())
_LISTED_QUESTION = re.compile(rf"[^,]*,\s+(?:and\s+)?(?:{'|'.join(grammar.QUESTION_WORDS)})\b")
_TO_ME = re.compile(r"\w+\s+me\b")
# A bare verb cannot go on with one whose own verb is in another form: "the woman who sings", "the law that passed".
_RELATIVE = re.compile(r"\s(?:who|that|which)\b(?!\s+[a-z]+ed\b)")
_THIRD_PERSON = re.compile(r"\s(?:who|that|which)\s+[a-z]+[^s\W]s\b")
_SINGULAR_WHO = re.compile(
    r"\b(?:a|an|the)\s+(?:\w+\s+){0,2}?(?!people|men|women|children)\w+[^s\W]\s+who\s+"
    r"(?!(?:do|did|can|could|will|would|shall|should|may|might|must)\b)"
)
_HELPED_VERB = re.compile(
    rf"\b(?:do|does|did|can|could|should|would|will|may|might|must)\b|^(?:which|what)\s+\w{{2,}}[^s\W]s\s+"
    rf"(?!(?:{grammar.AUX}|{grammar.PREPOSITION}|when|if)\b)",
    re.IGNORECASE,
)


def _separates(masked: str, start: int, between: re.Match[str], end: int) -> bool:
    """Tell whether both sides of `between` stand alone, as far as grammar shows."""
    weak = between["and"] is not None or between["comma"] is not None
    left = masked[max(start, between.start() - _LEFT_CHARS) : between.start()]
    right = masked[between.end() : min(end, between.end() + _RIGHT_CHARS)]
    ask = request(right, strict=weak)
    if ask is None and not weak:
        whole = asks(masked[between.end() : min(end, between.end() + _LEFT_CHARS)])
        ask = whole if whole and (whole.late or between["strong"]) else None
    if ask is None:
        if between["and"] and _STORY.match(right) and not any(map(str.isdigit, left)):
            whole = asks(masked[between.end() : min(end, between.end() + _LEFT_CHARS)])
            return "," in between[0] and whole is not None and whole.late
        if _THING.match(right) and not _is_unfinished(left):
            joined = between["then"] or between["strong"]
            return _is_counted(between) or bool(
                ("," in between[0] and _SUM.fullmatch(left)) or (joined and _ASKED_THING.match(left))
            )
        return between["and"] is not None and grammar.are_both_yes_no(left, right)
    is_title = right[0].isupper() and not re.match(r"\S+\s+[a-z\d]", right)
    shares_rest = _BARE_QUESTION.fullmatch(left) and re.search(r"\b(?:of|in|for)\b", right)
    if is_title or shares_rest or _is_unfinished(left) or _shares_tail(left, right):
        return False
    if ask.kind is not Kind.COMMAND or between["strong"]:
        return not weak or not _is_relative(left, right[ask.offset :], ask, comma=between["comma"] is not None)
    return grammar.is_arithmetic(right, ask) or not _continues_verb(left, right, ask, between)


def _is_counted(between: re.Match[str]) -> bool:
    """Tell whether `between` is "second", "third", ..., so that a bare name of a thing asks for it."""
    return between["next"] is not None and re.match(_ORDINAL, between["next"], re.IGNORECASE) is not None


def _is_unfinished(left: str) -> bool:
    """Tell whether `left` breaks off, or pairs two things of which only one has come."""
    words = left.lower().split()
    if not words[1:] or words[-1] in _DANGLING or _OPEN_PAIR.search(left):
        return True
    head = asks(left)
    if words[-1] in _BE:
        return head is None or not _EMBEDDED.search(left, 1)
    return words[-1] in _STRANDED and (head is None or head.kind is Kind.COMMAND)


def _shares_tail(left: str, right: str) -> bool:
    """Tell whether `left` needs what ends `right` ("who wrote and who published ...", "who played A and who ...")."""
    whole = _BARE_DEED.fullmatch(left)
    if whole:
        return re.match(r"who\s+\w+\s+\w", right, re.IGNORECASE) is not None
    named = _NAMED_DEED.fullmatch(left)
    tail = rf"\s+(?:the\s+)?{_NAMES}\s+(?:in|of|from)\b"
    again = named and re.match(re.escape(named[1]) + tail, right, re.IGNORECASE)
    return again is not None


def _is_relative(left: str, right: str, ask: Request, *, comma: bool) -> bool:
    """Tell whether a question word goes on with a subordinate clause of `left`."""
    if ask.word not in grammar.QUESTION_WORDS:
        return False
    head = asks(left)
    if comma and _SUM.fullmatch(left):
        return False
    if comma and ask.word in grammar.RELATIVES and not _LISTED_QUESTION.match(right):
        return True
    if comma and (head is None or head.kind is Kind.COMMAND):
        return True
    body = left[head.offset :] if head else left
    inverted = "" if ask.word in grammar.RELATIVES else rf"\s+{grammar.AUX}\b"  # no subordinate clause is
    continued = rf"\W{ask.word}{inverted if re.match(rf'{ask.word}{inverted}', right, re.IGNORECASE) else ''}\b"
    return re.search(continued, body, re.IGNORECASE) is not None


def _shares_relative(body: str, head: Request | None, ask: Request, between: re.Match[str]) -> bool:
    """Tell whether a bare verb may belong to a relative clause in `body` ("tools that sort rows and print them")."""
    if head is not None and head.word == ask.word:
        return False
    if "," in between[0] and ask.word in grammar.ASSISTANT_VERBS:
        body = _THIRD_PERSON.sub("", body)
    return _RELATIVE.search(_SINGULAR_WHO.sub("", body)) is not None


def _continues_verb(left: str, right: str, ask: Request, between: re.Match[str]) -> bool:
    """Tell whether a bare verb goes on with a verb of `left` ("how do I peel ... and cut ...")."""
    head = asks(left)
    body = left[head.offset :] if head else left
    if between["then"] is None and (_shares_relative(body, head, ask, between) or grammar.ends_in_verb(body)):
        return True
    if _INFINITIVE.search(body):
        return head is None or head.word not in _TO_TARGET
    if ask.word in grammar.ASSISTANT_VERBS or _TO_ME.match(right, ask.offset) or "," in between[0]:
        return False
    if head is None or head.kind is Kind.COMMAND or body.split()[-1] in _STRANDED:
        return False
    return _HELPED_VERB.search(body) is not None
