"""The sentences of a request that order something, or say what the answer is to be.

Quoted, pasted and exemplary text is left out.  One character of the private use area (`QUOTE`) stands for each
quotation, so that a pattern can ask for one, and `quoted` gives its words back.  A story that tells of word counts, and
a question about them, demand nothing.  English only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

import sentencex

from services.language.grammar import either
from services.language.number_words import FEW
from services.language.orders import ANSWER, CODE, DOCUMENT, UNITS, VERBS

QUOTE = "[\ue000-\uf8ff]"
_FIRST, _MOST_QUOTES = 0xE000, 0x1900
_LONGEST = 700

_CURLY = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "„": '"', "\u00a0": " ", "\t": " "})
_PRIVATE = re.compile(QUOTE)
_FENCED = re.compile(r"^[ ]{0,3}(```|~~~).*?(?:^[ ]{0,3}\1[ ]*$|\Z)", re.DOTALL | re.MULTILINE)
_QUOTED = re.compile(
    r"(?<!\w)\"([^\"\n]{1,2000})\"|(?<![\w'])'((?:[^'\n]|(?<=\w)'(?=\w)){1,300})'(?!\w)|`"
    r"([^`\n]{1,300})`|«([^»\n]{1,500})»"
)
_EXAMPLE = re.compile(
    r"[,(;:]?\s*\b(?:for example|for instance|e\.g\.|i\.e\.|such as|examples? ?:|as follows)", re.IGNORECASE
)
_LEAD = re.compile(
    r"^(?:(?:please|kindly|then|also|and|but|so|now|next|firstly|first|finally|in addition|"
    r"additionally|however|okay|ok|hi|"
    r"hey|hello|note|important|remember|importantly|furthermore|moreover|lastly|again|always|in particular|"
    r"(?:rules?|requirements?|constraints?|instructions?|format)(?=:)|ps|basically|afterwards|\d{1,2}|"
    r"once done|for this)\b"
    r"[,:.)]*\s*(?:that\s+)?){1,4}",
    re.IGNORECASE,
)
_VERB = rf"(?:{'|'.join(sorted(VERBS, key=len, reverse=True))})"
_ORDER = re.compile(
    rf"(?:{_VERB}\b(?!-)(?! (?:is|are|was|were|has)\b)|(?:can|could|would|will) you\b|i(?:'d| would) "
    r"(?:like|love|want)\b|i (?:need|want)\b|"
    r"let's\b|you (?:must|should|need to|have to|are to|may|can(?:not|'t)?|shall|will)\b|(?:make|be) sure\b|it is "
    r"(?:important|essential|required)\b|under no circumstances\b|you are (?:not )?(?:allowed|required|asked)\b)",
    re.IGNORECASE,
)
_LATER_ORDER = re.compile(
    rf"[,;:–—)-]\s+(?:(?:and|but|then|please|also|so|just|simply|only|[a-z]{{2,15}}ly)\s+){{0,4}}{_ORDER.pattern}",
    re.IGNORECASE,
)
_MODAL = (
    r"(?:must|should|shall|needs? to|ha(?:s|ve) to|is to|are to|may only|may not|can only|can(?:not|'t| "
    r"not)|mustn't|shouldn't|ought to|will|doesn't|does not|don't|do not|is not|are not|isn't|aren't)"
)
_SUBJECT = re.compile(
    rf"\b(?:{ANSWER}|{DOCUMENT}|{'|'.join(UNITS.values())}|it|they|there|sections?|titles?|letters?|"
    rf"{QUOTE}|names?|versions?|keywords?|words? \S+|"
    r"phrases?|advertisements?|responses?|digits?|numbers?|commas?|comments?|quotes|marks|brackets|"
    rf"double quotes)\b[^,;]{{0,60}}?\s{_MODAL}\b|\b(?:your|the|this) (?:entire |whole |final |full |"
    rf"complete )?{ANSWER} (?:contains?|includes?|is|has|ends?|starts?|begins?)\b|"
    r"\b(?:is|are) (?:strictly )?(?:not allowed|forbidden|banned|prohibited|off limits|required|"
    r"limited)\b|^the number of \w+ (?:in|of)\b|^(?:the )?(?:word|character) (?:count|limit)",
    re.IGNORECASE,
)
_REPORTED = re.compile(
    r"\b(?:said|says|told|asked|thinks?|thought|claims?|claimed|wrote|used to|my (?:teacher|boss|"
    r"professor)|he|she|we)\b"
    r"(?! (?:write|answer|use))",
    re.IGNORECASE,
)
_FRAGMENT = re.compile(
    r"^(?:no|not|only|max|maximum|minimum|min|under|over|at most|at least|exactly|precisely|about|"
    r"around|roughly|approximately|"
    rf"less|fewer|more|one|{either(FEW)}|a single|\d+|in|with|without|"
    r"within|using|just|all|must|should|"
    r"nothing|between|up to|lower ?case|upper ?case|single|short|json|yaml|xml|csv|markdown|capital|word count|length|"
    r"bullet|numbered|plain|yes|true|from|avoid|by|as|language|output|style|tone|number of|each|every|"
    r"the (?:first|last|word))\b",
    re.IGNORECASE,
)
_FINITE = re.compile(
    r"(?<!there )\b(?:is|are|was|were|am|has|have|had|did|does|won|lost|went|says?|said|need|needs|want)\b",
    re.IGNORECASE,
)
_CONDITION = re.compile(r"^(?:if|when|whenever|unless|suppose|assume|given|once) ", re.IGNORECASE)
_HOW = re.compile(
    r"\b(?:how (?:do|can|to|many|much|long|should|would|could)|which|(?:say|write|spell|pronounce)|"
    r"should i|can i|do i|is it|are there)\b",
    re.IGNORECASE,
)
_EDGE_HEAD = re.compile(r"^((?:in|with|within|without|using|under|at most|as)\b[^,?]{2,60}),\s", re.IGNORECASE)
_EDGE_TAIL = re.compile(r"[,;–—-]\s+([^,;?]{3,80})\?+$")
_IN_TAIL = re.compile(
    r"\b((?:in|using|with|within|in under)\s+(?:(?:at most|no more than|fewer than|less than|under|"
    r"about|around|exactly|just|only|"
    r"a|up to|max)\s+)*(?:[\w-]+\s+){0,4}(?:words?|sentences?|paragraphs?|lines?|characters|bullets?"
    r"(?: points?)?|caps|json|yaml))\?+$",
    re.IGNORECASE,
)
_OBJECT = (
    r"(?:text|article|paragraph|passage|sentences?|email|review|poem|haiku|code|letter|story|blog(?: "
    r"post)?|document|transcript|essay|snippet|message|list|data|table|lyrics|conversation|dialogue|"
    r"abstract|speech|note|report|tweet|post|ad copy|job posting|content|statements?|quote|excerpt|"
    r"question|words?)"
)
_PASTED = re.compile(
    rf"\b(?:{_OBJECT} (?:given |provided |shown )?below|(?:following|below|this|these|given|provided)\b"
    rf"(?: [\w-]+){{0,3}} {_OBJECT}|below|following)\b",
    re.IGNORECASE,
)
_EDITS = re.compile(
    r"\b(?:fix|correct|translate|rewrite|rephrase|paraphrase|proofread|edit|summari[sz]e|tl;?dr|"
    r"classify|convert|continue|complete|"
    r"improve|shorten|simplify|analy[sz]e|critique|evaluate|extract|grammar|spelling)\b",
    re.IGNORECASE,
)
_NAMES_WORDS = re.compile(r"\b(?:words?|phrases?|keywords?|keys)$", re.IGNORECASE)
_POINTS = re.compile(r"\b(?:below|following|this|these)\b", re.IGNORECASE)
_LABEL = re.compile(
    r"^(?:text|article|passage|context|input|document|e-?mail|review|transcript|paragraph|sentence|"
    r"story|premise|poem|code|"
    r"data|table|source|original|draft|excerpt|abstract|q|user|customer|conversation)\s*:",
    re.IGNORECASE,
)
_MARKER = re.compile(r"^\s*(?:[-*•+>]|\(?\d{1,2}[.)]|\(?[a-z][.)])\s+(?=\S)", re.IGNORECASE)


_FRAGMENT_WORDS, _TERSE_WORDS = 20, 8
_TERSE = re.compile(r"\b(?:only|please|max|maximum|minimum)\b", re.IGNORECASE)
_ABBREVIATED = re.compile(r"\b(max|min|approx|no)\.(?= \d)", re.IGNORECASE)


@dataclass(frozen=True)
class Sentence:
    """A sentence that orders something or tells what the answer is to be; `shown` is how it stood in the request."""

    text: str
    shown: str
    code: bool
    quotes: tuple[str, ...]

    def quoted(self, mark: str) -> str:
        """Return the quotation for which the mark stands."""
        return self.quotes[ord(mark) - _FIRST]


@lru_cache(maxsize=64)
def sentences(request: str) -> tuple[Sentence, ...]:
    """Return the sentences of a request that may hold demands on its answer."""
    text = _PRIVATE.sub(" ", request.translate(_CURLY).replace("\r", ""))
    text = _FENCED.sub("\n", text)
    quotes: list[str] = []

    def mark(match: re.Match[str]) -> str:
        if len(quotes) >= _MOST_QUOTES:
            return " "
        quotes.append(next(group for group in match.groups() if group is not None))
        return chr(_FIRST + len(quotes) - 1)

    text = _QUOTED.sub(mark, text)
    found: list[Sentence] = []
    for block in _own_blocks(text):
        for line in block:
            for piece in _pieces(line):
                found += _read(piece, tuple(quotes))
    return tuple(found)


def _own_blocks(text: str) -> list[list[str]]:
    """Return the blocks of lines that are not pasted."""
    text = re.sub(r"(?<=[a-z,]) *\n(?=[a-z]{2})", " ", text)
    blocks = [block.split("\n") for block in re.split(r"\n[ ]*\n\s*", text.strip())]
    own: list[list[str]] = []
    pasting = False
    for place, block in enumerate(blocks):
        if pasting and (place == 1 or not _speaks(block[0]) or _pastes(blocks[place - 1][-1])):
            continue
        kept: list[str] = []
        pasting = False
        for line in block:
            if _LABEL.match(line):
                pasting = True
                break
            own_part, pasting = _before_paste(line)
            kept.append(own_part)
            if pasting and line is not block[-1]:
                break
        own.append(kept)
    return own


def _pastes(line: str) -> bool:
    return line.rstrip().endswith(":") and _PASTED.search(line) is not None


def _before_paste(line: str) -> tuple[str, bool]:
    """Return what of a line stands before pasted text, and whether what follows the line is pasted."""
    colon = line.find(": ")
    head, rest = line[:colon], line[colon + 2 :].lstrip()
    if 0 < colon < _LONGEST and _EDITS.search(head) and not _PRIVATE.match(rest) and not _NAMES_WORDS.search(head):
        return head + ".", False
    pasted = _PASTED.search(line)
    if pasted and _PRIVATE.search(line, pasted.end()):
        return line, False
    if line.rstrip().endswith(":"):
        return line, pasted is not None or _EDITS.search(line) is not None
    return line, pasted is not None and _POINTS.search(line) is not None


def _speaks(line: str) -> bool:
    """Whether a block that follows pasted text is the request's own again."""
    line = _LEAD.sub("", line.strip())
    return _ORDER.match(line) is not None or re.match(rf"your {ANSWER}\b", line, re.IGNORECASE) is not None


def _pieces(line: str) -> list[str]:
    line = _ABBREVIATED.sub(r"\1", _MARKER.sub("", line))
    if not line.strip():
        return []
    pieces: list[str] = []
    for piece in sentencex.segment("en", line):
        start = 0
        for inner in re.finditer(rf"(?<=[.!?]{QUOTE})\s+(?=[A-Z])|(?<=[a-z)]\.\))\s+(?=[A-Z])", piece):
            pieces.append(piece[start : inner.start()])
            start = inner.end()
        pieces.append(piece[start:])
    return [piece.strip() for piece in pieces if 0 < len(piece.strip()) <= _LONGEST]


def _read(piece: str, quotes: tuple[str, ...]) -> list[Sentence]:
    shown = _PRIVATE.sub(lambda mark: quotes[ord(mark[0]) - _FIRST], piece)
    if piece.endswith("?") and (colon := piece.find(": ")) > 0:
        return _read(piece[:colon] + ".", quotes) + _read(piece[colon + 2 :], quotes)
    code = re.search(rf"\b{CODE}\b", piece, re.IGNORECASE) is not None
    return [Sentence(text, shown, code, quotes) for text in _demanding(piece)]


def _demanding(piece: str) -> list[str]:
    """Return the parts of a sentence that order or tell what the answer is to be."""
    if example := _EXAMPLE.search(piece):
        piece = piece[: example.start()] + "."
    bare = _LEAD.sub("", piece).strip()
    later = _LATER_ORDER.search(bare)
    if not bare or (_CONDITION.match(bare) and not later):
        return []
    if _orders(bare):
        return [bare]
    if bare.endswith("?"):
        return _edges(bare)
    if not _REPORTED.search(bare) and _SUBJECT.search(bare):
        return [bare]
    if later:
        head = bare[: later.start()]
        return [bare if _FRAGMENT.match(head) and not _FINITE.search(head) else bare[later.start() + 1 :].strip()]
    return [bare] if _is_fragment(bare) else []


def _orders(bare: str) -> bool:
    if bare.endswith("?") and re.match(r"(?:do(?! not\b)|have)\b", bare, re.IGNORECASE):
        return False
    return _ORDER.match(re.sub(r"^(?:just|simply|only) ", "", bare, flags=re.IGNORECASE)) is not None


def _is_fragment(bare: str) -> bool:
    """Whether a sentence is a demand without a verb: "No commas.", "A six-word memoir, please."."""
    num = len(bare.split())
    if _FINITE.search(bare):
        return False
    return (num <= _FRAGMENT_WORDS and _FRAGMENT.match(bare) is not None) or (
        num <= _TERSE_WORDS and _TERSE.search(bare) is not None
    )


def _edges(question: str) -> list[str]:
    """Return what a question demands at its edges: "in two sentences", ", at most 50 words"."""
    parts: list[str] = []
    later = _LATER_ORDER.search(question)
    if later:
        return [question[later.start() + 1 :].strip()]
    if head := _EDGE_HEAD.match(question):
        parts.append(head[1])
    if tail := _EDGE_TAIL.search(question):
        if _FRAGMENT.match(_LEAD.sub("", tail[1])):
            parts.append(tail[1])
    elif not _HOW.search(question) and (within := _IN_TAIL.search(question)):
        parts.append(within[1])
    return parts
