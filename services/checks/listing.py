"""How many bullet points, numbered items, sections, placeholders and highlighted parts an answer has."""

from __future__ import annotations

import re
from collections.abc import Iterator

from services.checks.amount import Amount, amounts, at_least
from services.checks.countable import Countable, find_counts
from services.checks.demand import Demand
from services.checks.family import Family
from services.checks.pieces import bullets, items, next_bullet, numbered
from services.checks.request import QUOTE, Sentence, sentences
from services.checks.scope import WHOLE, demand

_BULLETS = Countable(
    "bullets",
    r"(?:bullet(?:ed)?|dot)[ -]?(?:points?|items?|lists?)|bullets",
    "bullet point",
    "bullet points",
    lambda text: (len(bullets(text)),),
    unit="item",
    one_more=next_bullet,
)
_AS_BULLETS = re.compile(
    r"\b(?:as|in|using|use|with|into)(?: an?| the)?(?: short| simple| markdown| concise)?(?: list "
    r"of)? (?:bullet(?:ed)?[ -]?(?:points?|lists?|form(?:at)?)|bullets)\b",
    re.IGNORECASE,
)
_NUMBERED = Countable(
    "items",
    r"numbered (?:items?|points?|steps?|lists?)",
    "numbered item",
    "numbered items",
    lambda text: (len(numbered(text)),),
    unit="item",
    one_more=lambda text: f"\n{len(numbered(text)) + 1}. ",
)
_LIST_OF = re.compile(r"\bnumbered list\b", re.IGNORECASE)


def _num_items(text: str) -> tuple[int, ...]:
    found = len(items(text))
    return (found,) if found else ()


_ITEMS = Countable(
    "items", (r"(?:list )?(?:items|entries|points|things|suggestions|tips|ideas|steps|reasons|examples|facts|"
r"options|names)"), "list item", "list items",
    _num_items, never=False, unit="item",
)  # fmt: skip
_STRICT = re.compile(
    r"\b(?:exactly|precisely|only|just|no more than|at most|at least|up to|max(?:imum)?|fewer than|"
    r"less than|limit|numbered list of|list of)\b",
    re.IGNORECASE,
)


def _bullets(request: str) -> Iterator[Demand]:
    found = list(find_counts(_BULLETS, request))
    yield from found
    if not found:
        for sentence in sentences(request):
            match = _AS_BULLETS.search(sentence.text)
            if (
                match
                and not sentence.code
                and not re.search(
                    r"\b(?:not?|don't|never|avoid|without|instead of|use of)\b",
                    sentence.text[: match.end()],
                    re.IGNORECASE,
                )
            ):
                yield _BULLETS.demand(at_least(1), WHOLE)
                return


def _items(request: str) -> Iterator[Demand]:
    found = [*find_counts(_NUMBERED, request)]
    for sentence in sentences(request):
        listed = _LIST_OF.search(sentence.text)
        if (
            listed
            and not found
            and not sentence.code
            and not re.search(
                r"\b(?:not?|don't|never|avoid|without)(?: use| using)?(?: an?| any)? $",
                sentence.text[: listed.start()],
                re.IGNORECASE,
            )
        ):
            here = [counted.amount for counted in amounts(sentence.text, r"\w+") if counted.start >= listed.end()]
            found.append(_NUMBERED.demand(here[0] if here else at_least(2), WHOLE))
    if not found:
        found = [
            counted
            for counted in find_counts(_ITEMS, request)
            if any(_STRICT.search(sentence.text) for sentence in sentences(request))
        ]
        found = [counted for counted in found if counted.amount and _told_strictly(request, counted.amount)]
    yield from found


def _told_strictly(request: str, amount: Amount) -> bool:
    """Whether the amount of items is more than a number in passing ("give me 5 tips")."""
    return any(
        counted.amount == amount and not counted.bare
        for sentence in sentences(request)
        for counted in amounts(sentence.text, _ITEMS.noun)
    )


_PLACEHOLDERS = Countable(
    "placeholders",
    r"(?:[\w-]+ )?placeholders?",
    "placeholder in square brackets",
    "placeholders in square brackets",
    lambda text: (len(re.findall(r"\[[^\[\]\n]{1,200}\](?!\()", text)),),
)
_SPAN = re.compile(r"\*\*\s*[^*\n]*[^\s*][^*\n]*\*\*|\*[^*\n]*[^\s*][^*\n]*\*|(?<!\w)_[^_\n]+_(?!\w)")
_BOLD = re.compile(r"\*\*\s*[^*\n]*[^\s*][^*\n]*\*\*|__[^_\n]+__|<(?:b|strong)>")
_PART = (
    r"(?:[\w-]+ ){0,2}(?:sections?|parts?|words?|phrases?|keywords?|terms?|sentences?|passages?|points?|"
    r"items?|concepts?|facts?|names?|ideas?)"
)
_HIGHLIGHTS = Countable(
    "highlights",
    rf"(?:highlighted|italic(?:i[sz]ed)?|emphasi[sz]ed)(?: {_PART})?",
    "highlighted part",
    "highlighted parts",
    lambda text: (len(_SPAN.findall(text)),),
    never=False,
)
_BOLDS = Countable(
    "highlights",
    rf"(?:bold(?:ed)?|bold-?face)(?: {_PART})?",
    "bold part",
    "bold parts",
    lambda text: (len(_BOLD.findall(text)),),
    never=False,
)
_MARKS = re.compile(
    r"(?<!\w)(?P<verb>italici[sz]e|highlight|emphasi[sz]e|bold|put in bold|make bold)\s+(?P<rest>.{3,80})",
    re.IGNORECASE,
)


def _highlights(request: str) -> Iterator[Demand]:
    yield from find_counts(_HIGHLIGHTS, request)
    yield from find_counts(_BOLDS, request)
    for sentence in sentences(request):
        if (marks := _MARKS.search(sentence.text)) and not sentence.code:
            here = next(amounts(marks["rest"], _PART), None)
            if here and here.start == 0:
                countable = _BOLDS if "bold" in marks["verb"].lower() else _HIGHLIGHTS
                yield countable.demand(here.amount, WHOLE)


_SECTIONS = r"(?:[\w-]+ )?(?:sections?|parts?|chapters?|advertisements?|scenes?|days?|acts?|verses?)"
_MARKED = re.compile(
    rf"\b(?i:start|begin|mark|label|head|titl|nam|denot|introduc|prefix)\w*\b[^.;]{{0,60}}?\b(?:with|as|"
    r"by|like)?\s*(?:the (?:word|heading|label|title) )?"
    rf"(?P<name>{QUOTE}|[A-Z][A-Za-z]{{1,20}})(?:\s+[XN]\b|\s*#|\s*\d\b|\s*and (?:its|the|a) number|\s*followed by)",
)
_PAIR = re.compile(
    r"\b(?P<name>[A-Z][A-Za-z]{1,20}) 1(?:,? (?:and|to|through) |, )(?:[A-Z][A-Za-z]{1,20} )?(?P<last>\d)\b"
)


def _sections(request: str) -> Iterator[Demand]:
    said: Amount | None = None
    for sentence in sentences(request):
        if sentence.code:
            continue
        counted = next(amounts(sentence.text, _SECTIONS), None)
        said = counted.amount if counted else said
        if pair := _PAIR.search(sentence.text):
            yield _section(pair["name"], at_least(int(pair["last"])))
        elif said and (marked := _MARKED.search(sentence.text)):
            yield _section(_name(sentence, marked["name"]), said)


def _name(sentence: Sentence, name: str) -> str:
    name = sentence.quoted(name) if re.fullmatch(QUOTE, name) else name
    return re.sub(r"\s+[XN]$|\s*[#\d]+$", "", name)


def _section(name: str, amount: Amount) -> Demand:
    pattern = re.compile(rf"^\W{{0,6}}{re.escape(name)}\W{{0,3}}\d", re.IGNORECASE | re.MULTILINE)

    def verify(answer: str) -> str | None:
        num = len(pattern.findall(answer))
        return None if amount.holds((num,)) else f"{num} sections marked {name} 1 and so on, not {amount.told}"

    def goes_on(answer: str) -> str | None:
        num = len(pattern.findall(answer))
        return f"\n\n{name} {num + 1}\n" if num < amount.least else None

    told = f"{amount.told} sections marked {name} 1 and so on"
    return demand("sections", told, verify, subject="sections", amount=amount, goes_on=goes_on)


BULLETS = Family("bullets", _bullets, ("Give exactly 3 bullet points.", "Don't use bullet points: what is flu?"))
ITEMS = Family("items", _items, ("Make a numbered list of 7 steps.", "Give me tips, no more than 5 items."))
PLACEHOLDERS = Family(
    "placeholders",
    lambda request: find_counts(_PLACEHOLDERS, request),
    ("Write a letter with at least 3 placeholders.",),
)
HIGHLIGHTS = Family(
    "highlights", _highlights, ("Highlight at least 2 sections with *.", "Explain tides. Bold three key terms.")
)
SECTIONS = Family(
    "sections",
    _sections,
    (
        "Write 3 sections. Mark each section with SECTION X.",
        'Write four sections, each starting with "Part" and its number.',
    ),
)
