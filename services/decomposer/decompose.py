"""Cut a query into its independent parts.

A cut falls where one request ends and another begins; what points back, or shares the facts of a word problem, stays
with what it needs.  In doubt the text stays whole.  Rules of English only: other languages are not cut, two requests
that are about the same thing without saying so are, and what a title without quotes hides is not always seen.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from schemas.messages import Chunk
from services.decomposer import grammar
from services.decomposer.grammar import Kind, Request
from services.decomposer.operation import classify
from services.decomposer.spans import Span, list_markers, mask, sentences

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MAX_CHUNKS = 32
_MAX_ROUNDS = 8
_LEFT_WINDOW = 400
_RIGHT_WINDOW = 160

# --- words between parts ---------------------------------------------------------------------------------------------

_THEN = r"then|also|after\s+that|afterwards?|finally|lastly|additionally|furthermore|moreover|in\s+addition"
_NEXT = (
    r"next|last|plus|besides|separately|as\s+well\s+as|(?:first|second|third|fourth|fifth|sixth)(?:ly)?"
    r"|(?:on\s+)?another\s+(?:question|thing|note)|one\s+(?:more|last|other)\s+(?:question|thing)|by\s+the\s+way|btw|ps"
)
_OPENING = re.compile(
    rf"\s*(?:(?P<and>and|but|&)\b,?\s+)?(?P<link>(?:(?P<then>{_THEN})|(?P<next>{_NEXT}))\b\s*(?P<stop>[,:])?\s+)?",
    re.IGNORECASE,
)
_BETWEEN = re.compile(
    rf"""
    (?<!\s)\s*;\s*(?P<strong>)(?:(?:and\s+)?(?:(?:{_THEN}|{_NEXT})\b\s*[,:]?\s+)?)
    | (?:(?<!\s)\s*[,—–]\s*|(?<!\s)\s+)(?:and\s+|&\s+|but\s+)?(?P<then>{_THEN}|plus|as\s+well\s+as)\b\s*[,:]?\s+
        (?:(?:{_THEN}|{_NEXT})\b\s*[,:]?\s+)?
    | (?:(?<!\s)\s*,\s*(?:and\s+)?|(?<!\s)\s+and\s+)(?P<next>{_NEXT})\b\s*[,:]?\s+
    | (?:(?<!\s)\s*[,—–]\s*|(?<!\s)\s+)(?P<and>and|AND|&|but)\s+
    | (?<!\s)\s*(?P<comma>[,—–])\s+
    """,
    re.VERBOSE,
)
_LEAD_WORDS = frozenset(
    "please kindly answer solve do can could would you help me with i have need want to these those this the following"
    " my some a few couple of all each both two three four five six several questions question tasks task things parts"
    " problems here are is below in order hi hello hey and for".split()
)
_DIRECTIVE = re.compile(
    r"\s*(?:please\s+)?(?:answer(?!s|\s+(?:the|these|my|all|both|each|following)\b)|respond|reply|act\s+as|pretend|don['’]t|do\s+not|avoid|limit|keep\s+(?:it|your|the|each)"
    r"|be\s+(?:brief|concise|short|precise|polite|specific|quick))\b",
    re.IGNORECASE,
)
_PAYLOAD = re.compile(
    r"\b(?:this|these|following|below)\b[^.?!\n:]{0,80}:\s+(?=[^_\s])"
    r"|^(?:\w+\s+){0,2}?(?:translate|rewrite|correct|summari[sz]e|proofread|paraphrase|fix|edit)\b[^.?!\n:]{0,80}:\s+(?=[^_\s])",
    re.IGNORECASE,
)
_FOREIGN = frozenset(
    "der die das und ist wer wie wo wann warum welche von ein eine nicht el la los las es qué cuál cuáles quién cómo y del"
    " le les est et qui que quel quelle où une il che è chi come quale di het een wat van och är vad hvad hvem o os é".split()
)
_ENGLISH = frozenset(
    "the is are of and in what who which when where why how does did to for with an on you me find write explain".split()
)

# --- what the left side of a cut must not be -------------------------------------------------------------------------

_DANGLING = frozenset("a an the and or than my your is are was were does do did can could will would".split())
_STRANDED = frozenset("of to in for with from by about on at".split())  # right only where a question ends ("stand for")
_INFINITIVE = re.compile(r"\bto\s+(?!(?:the|a|an)\b)[a-z]|\b(?i:i|we|you|people|someone)\b")
_RELATIVE = re.compile(r"\b(?:who|that|which)\b")
_HELPED_VERB = re.compile(
    r"\b(?:do|does|did|can|could|should|would|will|may|might|must)\b|^(?:which|what)\s+\w+s\s", re.IGNORECASE
)
_OPEN_PAIR = re.compile(r"\b(?:between|both)\b(?!.*\band\b)", re.DOTALL)
_BARE_QUESTION = re.compile(r"(?:what|who|where)(?:['’]s|\s+(?:is|are|was|were))\s+the\s+\w+", re.IGNORECASE)
_TO_TARGET = frozenset("convert translate compare add change give send".split())

# --- what ties a part to the facts before it -------------------------------------------------------------------------

_QUANTITY = re.compile(
    r"\bhow\s+(?:many|much|far|long|old|tall|deep|fast|heavy|high|often)\b|\b(?:percent|fraction|total|average)", re.I
)
_STILL = re.compile(r"\b(?:left|remain\w*|altogether|in\s+total|in\s+all|now)\b", re.IGNORECASE)
_SPEAKERS = re.compile(r"\b(?:i|my|we|our|us|mine|you|your)\b", re.IGNORECASE)
_THIRD_PERSON = re.compile(r"\b(?:he|she|it|they|his|her|its|their|them|him)\b", re.IGNORECASE)
_NAME = re.compile(r"\b[A-Z][a-z]+\b")
_CONTENT = re.compile(r"\b[^\W\d_]{4,}\b")
_NO_CONTENT = frozenset(
    "have many much does what which with from they their there then that this were will would when".split()
)
_NO_NAME = frozenset(
    "The A An If In On At How What Which Who When Where Why Is Are Do Does Did Can After Before Then Also Each Every He She It"
    " They His Her Their There This That These Those For And But So With Two Three Four Five One Some".split()
)


@dataclass(frozen=True, slots=True)
class _Piece:
    span: Span
    text: str
    ask: Request | None
    linked: bool


@dataclass(slots=True)
class _Draft:
    """A chunk in the making: facts wait in it until something is asked."""

    start: int
    end: int
    last: str = ""
    asked: bool = False
    names: set[str] = field(default_factory=set)
    content: set[str] = field(default_factory=set)
    has_figures: bool = False
    has_persons: bool = False

    def take(self, piece: _Piece) -> None:
        """Add a piece; what it states, rather than asks, is remembered."""
        self.end, self.last = piece.span.end, piece.text
        if piece.ask is None or grammar.request_offset(piece.text):
            self.names |= _names(piece.text)
            self.content |= _content(piece.text)
            self.has_figures |= any(map(str.isdigit, piece.text))
            self.has_persons |= _SPEAKERS.search(piece.text) is not None
        self.asked |= piece.ask is not None

    def absorb(self, other: _Draft) -> None:
        """Add the draft that follows."""
        self.end, self.last = other.end, other.last
        self.names |= other.names
        self.content |= other.content
        self.has_figures |= other.has_figures
        self.has_persons |= other.has_persons


def decompose(query: str) -> list[Chunk]:
    """Cut `query` into at most `MAX_CHUNKS` chunks, in order; blank text has none."""
    spans = [_trimmed(query, Span(0, len(query)))]
    for _ in range(_MAX_ROUNDS):
        tail = spans[MAX_CHUNKS - 1 :]
        finer = [inner for span in spans[: MAX_CHUNKS - 1] for inner in _cut(query, span)] + tail
        if finer == spans:
            break
        spans = finer
    if len(spans) > MAX_CHUNKS:
        spans[MAX_CHUNKS - 1 :] = [Span(spans[MAX_CHUNKS - 1].start, spans[-1].end)]
    texts = [query[span.start : span.end] for span in spans]
    return [Chunk(index=i, text=text, operation=classify(text)) for i, text in enumerate(texts) if text]


def _trimmed(text: str, span: Span) -> Span:
    start, end = span
    while end > start and text[end - 1].isspace():
        end -= 1
    while start < end and text[start].isspace():
        start += 1
    return Span(start, end)


def _cut(query: str, span: Span) -> list[Span]:
    text = query[span.start : span.end]
    masked = mask(text)
    if _is_foreign(masked):
        return [span]
    if any(_DIRECTIVE.match(masked, sentence.start) for sentence in sentences(masked)):
        return [span]
    drafts = _fold(_pieces(masked))
    if len(drafts) > MAX_CHUNKS:
        drafts[-1].end = len(masked)
    if len(drafts) < 2:
        return [span]
    return [_trimmed(query, Span(span.start + draft.start, span.start + draft.end)) for draft in drafts]


def _is_foreign(masked: str) -> bool:
    words = [word.lower() for word in re.findall(r"[^\W\d_]+", masked)]
    return sum(word in _FOREIGN for word in words) > sum(word in _ENGLISH for word in words)


# --- finding pieces --------------------------------------------------------------------------------------------------


def _pieces(masked: str) -> Iterator[_Piece]:
    """Split where the words allow a cut, whether or not the parts are independent."""
    markers = list_markers(masked)
    if markers:
        if not _is_lead_in(masked[: markers[0].start]):
            return
        ends = [marker.start for marker in markers[1:]] + [len(masked)]
        for marker, end in zip(markers, ends, strict=True):
            yield _item(masked, Span(marker.end, end))
        return
    lead = re.match(r"[^:.?!]{0,80}[:.]\s+", masked)
    at = lead.end() if lead and _is_lead_in(lead[0]) and len(lead[0].split()) > 1 else 0
    for sentence in _joined_lines(masked, at):
        yield from _clauses(masked, sentence)


def _is_lead_in(text: str) -> bool:
    return all(word.lower() in _LEAD_WORDS for word in re.findall(r"\w+", text))


def _item(masked: str, span: Span) -> _Piece:
    span = _trimmed(masked, span)
    text = masked[span.start : span.end]
    asked = [ask for sentence in sentences(text) if (ask := grammar.asks(text[sentence.start : sentence.end].strip()))]
    noun = None if text.endswith(".") else Request(Kind.QUESTION, "", 0)
    return _Piece(span, text, asked[0] if asked else noun, linked=True)


def _joined_lines(masked: str, start: int) -> Iterator[Span]:
    """Yield sentences; a line that begins no request continues the one before, a payload runs to the end."""
    begun: int | None = None
    for sentence in sentences(masked[start:]):
        first, end = sentence.start + start, sentence.end + start
        begun = first if begun is None else begun
        if _PAYLOAD.search(masked[first:end]):
            yield Span(begun, len(masked))
            return
        following = masked[end : end + _RIGHT_WINDOW]
        if masked[end - 1] == "\n" and not following.startswith("\n") and not grammar.request(following.lstrip()):
            continue
        yield Span(begun, end)
        begun = None
    if begun is not None:
        yield Span(begun, len(masked))


def _clauses(masked: str, sentence: Span) -> Iterator[_Piece]:
    start, linked = _after_opening(masked, sentence)
    asking = _first_request(masked, start, sentence.end)
    for between in _BETWEEN.finditer(masked, start, sentence.end):
        if asking is None:
            break
        if asking >= between.start() or not _separates(masked, start, between, sentence.end):
            continue
        yield _piece(masked, Span(start, between.start()), linked=linked, mark="?")
        start, linked = between.end(), between["and"] is None and between["comma"] is None
        asking = _first_request(masked, start, sentence.end)
    yield _piece(masked, Span(start, sentence.end), linked=linked)


def _piece(masked: str, span: Span, *, linked: bool, mark: str = "") -> _Piece:
    """Read a piece; `mark` is the question mark that stays with a later piece of the sentence."""
    span = _trimmed(masked, span)
    text = masked[span.start : span.end]
    return _Piece(span, text, grammar.asks(text + mark), linked)


def _first_request(masked: str, start: int, end: int) -> int | None:
    at = grammar.request_offset(masked[start:end])
    return None if at is None else start + at


def _after_opening(masked: str, sentence: Span) -> tuple[int, bool]:
    """Skip the words that only join a sentence to the one before it."""
    opening = _OPENING.match(masked, sentence.start, sentence.end)
    assert opening is not None
    rest = masked[opening.end() : min(sentence.end, opening.end() + _RIGHT_WINDOW)]
    if opening["link"] and (opening["stop"] or opening["then"] or grammar.request(rest)):
        return opening.end(), True
    if opening["and"]:
        return opening.end("and") + 1, False
    return sentence.start + len(opening[0]) - len(opening[0].lstrip()), False


def _separates(masked: str, start: int, between: re.Match[str], end: int) -> bool:
    """Tell whether both sides of `between` stand alone, as far as grammar shows."""
    weak = between["and"] is not None or between["comma"] is not None
    left = masked[max(start, between.start() - _LEFT_WINDOW) : between.start()]
    right = masked[between.end() : min(end, between.end() + _RIGHT_WINDOW)]
    ask = grammar.request(right, strict=weak)
    if ask is None:
        return weak and between["and"] is not None and grammar.is_parallel_yes_no(left, right)
    if _is_unfinished(left):
        return False
    if between["strong"] is not None:
        return True
    if right[0].isupper() and not re.match(r"\S+\s+[a-z\d]", right):  # the next word of a title
        return False
    if _BARE_QUESTION.fullmatch(left) and re.search(r"\b(?:of|in|for)\b", right):  # the two share what follows
        return False
    if ask.kind is Kind.QUESTION:
        return not weak or not _is_relative(left, ask, comma=between["comma"] is not None)
    return grammar.is_arithmetic(right, ask) or not _continues_verb(left, ask, weak=weak)


def _is_unfinished(left: str) -> bool:
    """Tell whether `left` breaks off, or pairs two things of which only one has come."""
    words = left.lower().split()
    if len(words) < 2 or words[-1] in _DANGLING or _OPEN_PAIR.search(left):
        return True
    head = grammar.asks(left)
    return words[-1] in _STRANDED and (head is None or head.kind is Kind.COMMAND)


def _is_relative(left: str, ask: Request, *, comma: bool) -> bool:
    """Tell whether a question word goes on with a subordinate clause of `left`."""
    head = grammar.asks(left)
    if comma and (ask.word in grammar.RELATIVES or head is None or head.kind is Kind.COMMAND):
        return True
    body = left[head.offset :] if head else left
    return re.search(rf"\W{ask.word}\b", body, re.IGNORECASE) is not None


def _continues_verb(left: str, ask: Request, *, weak: bool) -> bool:
    """Tell whether a bare verb goes on with a verb of `left` ("how do I peel ... and cut ...")."""
    head = grammar.asks(left)
    body = left[head.offset :] if head else left
    if weak and left.split()[-1].lower() in grammar.VERBS:
        return True
    if _INFINITIVE.search(body) and not (head and head.word in _TO_TARGET):
        return True
    if weak and _RELATIVE.search(body.partition(" ")[2]):
        return True
    question = head is not None and head.kind is Kind.QUESTION
    return question and ask.word not in grammar.ASSISTANT_VERBS and _HELPED_VERB.search(body) is not None


# --- joining what belongs together -----------------------------------------------------------------------------------


def _fold(pieces: Iterable[_Piece]) -> list[_Draft]:
    """Join pieces to chunks; stop when there are too many."""
    drafts: list[_Draft] = []
    for piece in pieces:
        if not drafts or _starts_anew(drafts[-1], piece):
            drafts.append(_Draft(*piece.span))
        draft = drafts[-1]
        settles = bool(not draft.asked and piece.ask and draft.content)
        draft.take(piece)
        if settles and len(drafts) > 1 and not _is_own_problem(drafts[-2], draft):
            drafts[-2].absorb(drafts.pop())
        if len(drafts) > MAX_CHUNKS and draft.asked:
            return drafts
    if len(drafts) > 1 and not drafts[-1].asked:
        drafts[-2].absorb(drafts.pop())
    return drafts


def _starts_anew(draft: _Draft, piece: _Piece) -> bool:
    if not draft.asked:
        return False
    return not grammar.refers_back(piece.text, piece.ask, draft.last) and not _needs_facts(draft, piece)


def _is_own_problem(before: _Draft, draft: _Draft) -> bool:
    """Tell whether facts and the question after them belong together rather than to the part before them."""
    if before.names & draft.names:
        return False
    asked = draft.last
    if _QUANTITY.search(asked) or _THIRD_PERSON.search(asked):
        return True
    return bool(draft.content & _content(asked) or draft.names & _names(asked))


def _needs_facts(draft: _Draft, piece: _Piece) -> bool:
    """Tell whether a request after a word problem, or after its asker's own story, is about that."""
    if not draft.content or piece.ask is None:
        return False
    if draft.names & _names(piece.text):
        return True
    body = piece.text[piece.ask.offset :]
    if draft.has_persons and (_SPEAKERS.search(body) or not (piece.linked or draft.has_figures)):
        return True
    if not _QUANTITY.search(body) and piece.ask.word not in grammar.MATH_VERBS:
        return False
    if _names(body) - draft.names:
        return False
    return bool(_STILL.search(body)) or len(draft.content & _content(body)) > int(piece.linked)


def _names(text: str) -> set[str]:
    return set(_NAME.findall(text)) - _NO_NAME


def _content(text: str) -> set[str]:
    return {word.lower().rstrip("s") for word in _CONTENT.findall(text)} - _NO_CONTENT
