"""How long an answer is: in words, sentences, lines, stanzas and characters."""

from __future__ import annotations

import re
from collections.abc import Iterator

from services.checks.amount import Amount, about, at_most, exactly
from services.checks.countable import Countable, find_counts
from services.checks.demand import Demand
from services.checks.family import Family
from services.checks.pieces import either_way, new_paragraph, num_lines, num_sentences, num_words, stanzas
from services.checks.request import sentences
from services.checks.scope import WHOLE
from services.language.number_words import NUMBER, value

_WORDS = Countable(
    "words",
    r"words?(?![^.;]{0,60}\b(?:caps|capitals?|capital letters|upper[ -]?case|lower[ -]?case|bold|"
    r"italics?)\b)(?! (?:should|must|be|where) )",
    "word",
    "words",
    num_words,
    loose=True,
    never=False,
    bare_after=(
        r"(?:\b(?:in|with|of|using|to|be|is|write|answer|contains?|containing|has|have|an?|your|total|"
        r"length|just|by) |[,:(–—-] ?|^|\W)$"
    ),
    bare_not_after=(
        r"\b(?:list|set|series|number|each|couple|pairs?|group|sequence|string) of $|\b(?:these|those|"
        r"following) $|\b(?:learn|know|translate|rhyme|rhymes|starts?|begins?) with $"
    ),
    unit="word",
    one_more=new_paragraph,
)
_SENTENCES = Countable(
    "sentences",
    r"sentences?",
    "sentence",
    "sentences",
    num_sentences,
    never=False,
    unit="sentence",
    one_more=lambda _: " ",
)
_LINES = Countable(
    "lines",
    r"lines?(?! breaks?)(?! of (?:code|dialogue))",
    "line",
    "lines",
    num_lines,
    never=False,
    unit="line",
    one_more=lambda _: "\n",
)
_STANZAS = Countable(
    "lines",
    r"stanzas?|verses?",
    "stanza",
    "stanzas",
    lambda text: either_way(stanzas(text)),
    never=False,
    unit="stanza",
    one_more=new_paragraph,
)


def _num_characters(text: str) -> tuple[int, ...]:
    return (len(text.strip()),)


_CHARACTERS = Countable(
    "characters",
    r"characters?(?! (?:names?|each|who|that|in the story))|chars|letters long",
    "character",
    "characters",
    _num_characters,
    loose=True,
    never=False,
)
_SINGLE = re.compile(
    r"\b(?:in|into|as|to|with) an? (?:(?:short|brief|concise|long|complete|simple) )?(sentence|"
    r"paragraph|word)\b(?! (?:or|that|with|about|like))",
    re.IGNORECASE,
)
_USED = re.compile(r"\b(?:use[ds]?|using|appears?|put|words?) ", re.IGNORECASE)
_COUNT = re.compile(
    r"\bword (?:count|limit|length)(?: (?:of|is|should be|must be|:))*:? ?(?P<most>(?:no more than|at "
    rf"most|under|below|max(?:imum)?(?: of)?|not exceed) )?(?P<n>{NUMBER})(?! ?(?:-|–|to|or|and) ?\d)\b",
    re.IGNORECASE,
)
_STORY_CHARACTERS = 25


def _words(request: str) -> Iterator[Demand]:
    yield from find_counts(_WORDS, request)
    for sentence in sentences(request):
        if sentence.code:
            continue
        if count := _COUNT.search(sentence.text):
            number = value(count["n"])
            limit = (
                count["most"]
                or "limit" in count[0].lower()
                or re.search(r"\bmax(?:imum)? $", sentence.text[: count.start()], re.IGNORECASE)
            )
            yield _WORDS.demand(at_most(number) if limit else about(number), WHOLE)
        yield from _single(sentence.text, "word", _WORDS)


def _single(text: str, unit: str, countable: Countable) -> Iterator[Demand]:
    for single in _SINGLE.finditer(text):
        if single[1].lower() == unit and not _USED.search(text[: single.start()]):
            yield countable.demand(exactly(1), WHOLE)


def _sentences(request: str) -> Iterator[Demand]:
    yield from find_counts(_SENTENCES, request)
    for sentence in sentences(request):
        if not sentence.code:
            yield from _single(sentence.text, "sentence", _SENTENCES)
        if number := re.search(
            rf"\bnumber of sentences\b.{{0,40}}?\bbetween ({NUMBER}) (?:and|to) ({NUMBER})",
            sentence.text,
            re.IGNORECASE,
        ):
            least, most = value(number[1]), value(number[2])
            yield _SENTENCES.demand(Amount(f"{least} to {most}", least, most), WHOLE)
        range_ = re.search(
            rf"\bnumber of (sentences|words)\b.{{0,40}}?\b(?:range of|from|in the range) ({NUMBER}) "
            rf"(?:and|to) ({NUMBER})",
            sentence.text,
            re.IGNORECASE,
        )
        if range_ and range_[1].lower() == "sentences":
            least, most = value(range_[2]), value(range_[3])
            yield _SENTENCES.demand(Amount(f"{least} to {most}", least, most), WHOLE)


def _lines(request: str) -> Iterator[Demand]:
    yield from find_counts(_LINES, request)
    yield from find_counts(_STANZAS, request)


def _characters(request: str) -> Iterator[Demand]:
    for found in find_counts(_CHARACTERS, request):
        amount = found.amount
        if amount and max(amount.most or 0, amount.least) >= _STORY_CHARACTERS:
            yield found


WORDS = Family("words", _words, ("Write at least 300 words about bees.", "Is Pluto a planet? One word answer."))
SENTENCES = Family("sentences", _sentences, ("Explain rain in two sentences.", "In one sentence, what is DNS?"))
LINES = Family("lines", _lines, ("Write a four-line poem.", "I want a song with three stanzas."))
CHARACTERS = Family("characters", _characters, ("Write a tweet of at most 280 characters.",))
