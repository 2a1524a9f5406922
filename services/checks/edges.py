"""What an answer, or a part of it, begins and ends with; a postscript; no introduction."""

from __future__ import annotations

import re
from collections.abc import Iterator

from services.checks.demand import Demand, Verify
from services.checks.family import Family
from services.checks.quotations import straight
from services.checks.request import QUOTE, Sentence, sentences
from services.checks.scope import Scope, demand, scope_of

_SIGN = {
    "hyphen": "-", "dash": "-", "asterisk": "*", "star": "*", "question mark": "?", "period": ".", "full stop": ".",
    "exclamation mark": "!", "exclamation point": "!", "hash": "#", "comma": ",", "semicolon": ";", "colon": ":",
    "bullet": "•", "arrow": ">",
}  # fmt: skip
_BARE = (
    r"(?:the )?(?:(?:following|exact|single|literal) ){0,2}(?:words?|phrase|name|sentence|question|line|"
    r"text|greeting|string)[: ]+"
)
_WHAT = (
    rf"(?:(?:exactly|just|precisely) )?(?:(?:{_BARE}|the |an? )?(?P<quote>{QUOTE})|{_BARE}"
    rf"(?P<word>[A-Za-z][\w'-]{{0,30}})(?=\s*(?:[.,;!?]|$|\band\b|\bin\b))"
    rf"|(?:an? |the )?(?P<sign>{'|'.join(_SIGN)})(?:es|s)?\b(?! of)|(?P<bare>[-*•>#+])(?=[\s.,]|$))"
)
_SUBJECT = (
    r"(?:^|[,;:–—(]\s*|\b(?:and|but|must|should|shall|to|please|then|also|not|always|will|response|answer|"
    r"reply|output|email|essay|letter|poem|story|article|post|song|which|paragraphs?|sentences?|lines?|"
    r"stanzas?|verses?|items?|points?|section|speech|text|word|you|just|finally|that|it|each|every) )"
)
_BEGIN = re.compile(
    rf"{_SUBJECT}(?:(?:start|begin|open|preface)s?(?:ing)?|starting|beginning|opening)(?: off)?"
    rf"(?P<object> (?:[\w]+ ){{0,4}}?)? ?with {_WHAT}",
    re.IGNORECASE,
)
_END = re.compile(
    rf"{_SUBJECT}(?:(?:end|finish|conclude|close|sign off)s?|finishes|ending|finishing|concluding|"
    rf"signing off)(?: off| up)?(?P<object> (?:[\w]+ ){{0,4}}?)? ?(?:with|by saying|by asking|on|in) "
    rf"{_WHAT}",
    re.IGNORECASE,
)
_FIRST = re.compile(
    r"\b(?:the|your) (?:very )?first (?P<unit>word|sentence|line) (?:of (?:your|the) \w+ )?(?:must|"
    rf"should|has to|needs to|is to|shall) be:? (?:(?:the )?(?:word|exactly) )?(?P<quote>{QUOTE})",
    re.IGNORECASE,
)
_LAST = re.compile(
    r"\b(?:the|your) (?:very )?(?:last|final) (?P<unit>word|sentence|line|words) (?:of (?:your|the) "
    r"\w+ )?(?:must|should|has to|needs to|is to|shall) be:? (?:(?:the )?(?:word|exactly) )?"
    rf"(?P<quote>{QUOTE})",
    re.IGNORECASE,
)
_EACH_OBJECT = re.compile(
    r"\b(?:each|every|all) (?:\w+ )?(?P<unit>line|sentence|paragraph|item|bullet(?: point)?|stanza|word)s?\b",
    re.IGNORECASE,
)
_NOT = re.compile(r"\b(?:not|don't|never|avoid|without|no) (?:\w+ )?$", re.IGNORECASE)
_LONGEST = 300
_OUTER = ' \t\n"*_`'


def _found(sentence: Sentence, match: re.Match[str]) -> tuple[str, bool] | None:
    """Return the phrase that a match names, and whether it stood in quotation marks."""
    groups = match.groupdict()
    if groups.get("quote"):
        phrase = sentence.quoted(groups["quote"]).strip()
        return (phrase, True) if 0 < len(phrase) <= _LONGEST else None
    if groups.get("sign"):
        return _SIGN[groups["sign"].lower()], False
    word = groups.get("word") or groups.get("bare") or ""
    return (word, False) if word and word.lower() not in {"that", "which", "of", "a", "the"} else None


def _squeeze(text: str) -> str:
    return " ".join(straight(text).split()).casefold()


def _begins(phrase: str) -> Verify:
    wanted = _squeeze(phrase)

    def verify(answer: str) -> str | None:
        head = _squeeze(answer[: 4 * len(phrase) + 100])
        if head.startswith(wanted) or head.lstrip(_OUTER).startswith(wanted.lstrip(_OUTER) or wanted):
            return None
        return f'begins with "{" ".join(answer.split()[:5])[:60]}", not "{phrase}"'

    return verify


def _ends(phrase: str, *, exact: bool) -> Verify:
    wanted = _squeeze(phrase)
    loose = ".!?," if not exact and phrase[-1].isalnum() else ""

    def verify(answer: str) -> str | None:
        tail = _squeeze(answer[-4 * len(phrase) - 100 :])
        if tail.endswith(wanted) or tail.rstrip(_OUTER + loose).endswith(wanted.rstrip(_OUTER) or wanted):
            return None
        return f'ends with "{" ".join(answer.split()[-5:])[-60:]}", not "{phrase}"'

    return verify


def _ended(phrase: str) -> object:
    verify = _ends(phrase, exact=True)

    def repair(answer: str) -> str:
        trimmed = answer.rstrip(".!?* \t\n")
        if trimmed and verify(trimmed) is None:
            return trimmed
        return f"{answer.rstrip()}\n\n{phrase}"

    return repair


def _find(request: str) -> Iterator[Demand]:
    for sentence in sentences(request):
        if sentence.code:
            continue
        for pattern, begin in ((_BEGIN, True), (_END, False)):
            for match in pattern.finditer(sentence.text):
                yield from _edge(sentence, match, begin=begin)
        for pattern, begin in ((_FIRST, True), (_LAST, False)):
            for match in pattern.finditer(sentence.text):
                phrase = sentence.quoted(match["quote"]).strip()
                if phrase:
                    yield _edge_demand(phrase, Scope(), begin=begin, exact=match["unit"].lower() != "word")


def _edge(sentence: Sentence, match: re.Match[str], *, begin: bool) -> Iterator[Demand]:
    found = _found(sentence, match)
    groups = match.groupdict()
    place = match.start("quote") if groups.get("quote") else match.end()
    if (
        not found
        or _NOT.search(sentence.text[: match.start()] + match[0].split(" ", maxsplit=1)[0][:0])
        or re.search(r"\b(?:not|don't|never|avoid) (?:\w+ )?$", sentence.text[: match.start() + 1], re.IGNORECASE)
        or re.match(r"not\b", match[0].strip(), re.IGNORECASE)
    ):
        return
    if re.match(
        rf"\s*(?:or) {QUOTE}|\s*(?:section|label|number|tag)s?\b|\s*(?:X|#|and (?:its|the|a) number)",
        sentence.text[match.end() :],
    ):
        return
    objects = match["object"] or ""
    if repeated := _EACH_OBJECT.search(objects):
        unit = repeated["unit"].lower()
        scope: Scope | None = Scope("item" if unit.startswith("bullet") else unit)
    elif objects.strip() and not re.fullmatch(
        r"(?:by|it|off|(?:your|the|this) (?:\w+ )?\w+|with|out|each \w+)", objects.strip(), re.IGNORECASE
    ):
        return
    else:
        scope = (
            scope_of(sentence, place, match.end()) if objects.strip() == "" else _object_scope(sentence, match, objects)
        )
    if scope is None or re.search(r"\b(?:title|heading|subject|section|name|file)\b", objects, re.IGNORECASE):
        return
    yield _edge_demand(found[0], scope, begin=begin, exact=found[1])


def _object_scope(sentence: Sentence, match: re.Match[str], objects: str) -> Scope | None:
    nth = re.search(r"\b(first|second|third|last|final) (sentence|paragraph|line|stanza)\b", objects, re.IGNORECASE)
    if nth:
        return Scope(nth[2].lower(), {"first": 1, "second": 2, "third": 3}.get(nth[1].lower(), -1))
    return scope_of(sentence, match.start(), match.end())


def _edge_demand(phrase: str, scope: Scope, *, begin: bool, exact: bool) -> Demand:
    if begin:
        told = f'begins with "{phrase}"'
        return demand("edges", told, _begins(phrase), scope, subject="begin", opening=phrase)
    repair = _ended(phrase) if exact else None
    return demand("edges", f'ends with "{phrase}"', _ends(phrase, exact=exact), scope, repair=repair, subject="end")  # type: ignore[arg-type]


_POSTSCRIPT = re.compile(
    r"\b(?:add|includ|append|finish|end|put|write|attach|need|have|close|conclude|contain|with|"
    r"insert)\w*\b[^.;!?]{0,80}?(?<!\w)(?P<marker>P\.\s?P\.\s?S\b|P\.\s?S\b|PPS\b|PS\b|post-?script)",
    re.IGNORECASE,
)
_MARKER = re.compile(r"P\.\s?P\.\s?S\b|\bPPS\b", re.IGNORECASE)


def _postscript(request: str) -> Iterator[Demand]:
    for sentence in sentences(request):
        match = _POSTSCRIPT.search(sentence.text)
        if (
            not match
            or sentence.code
            or re.search(r"\b(?:no|without|not|don't|explain|mean)\b", match[0], re.IGNORECASE)
        ):
            continue
        double = _MARKER.search(sentence.text) is not None
        pattern = re.compile(rf"^\W{{0,4}}{'p ?[.]? ?' * (1 + double)}s\b", re.IGNORECASE | re.MULTILINE)
        marker = "P.P.S." if double else "P.S."

        def verify(answer: str, pattern: re.Pattern[str] = pattern, marker: str = marker) -> str | None:
            return None if pattern.search(answer) else f"no line begins with {marker}"

        def goes_on(answer: str, pattern: re.Pattern[str] = pattern, marker: str = marker) -> str | None:
            return None if pattern.search(answer) else f"\n\n{marker} "

        told = f"a postscript that begins with {marker}"
        yield demand("postscript", told, verify, subject="postscript", goes_on=goes_on)


_NO_OPENING = re.compile(
    r"\b(?:no|without(?: any| an)?|skip(?: the| any)?|omit(?: the| any)?|don't (?:write|include|add|"
    r"give)(?: an?| any)?|do not (?:write|include|add|give)(?: an?| any)?|leave out(?: the| any)?|"
    r"avoid(?: any)?) (?:\w+ (?:or|and) )?(?:introduction|preamble|intro|introductory (?:text|"
    r"remarks?|phrases?)|opening remarks?|pleasantries|filler|chit-?chat|small talk)\b",
    re.IGNORECASE,
)
_OPENING = re.compile(
    r"\s*\W{0,3}(?:sure|certainly|of course|absolutely|great question|good question|okay|ok|here(?:'s|"
    r" is| are)|i(?:'d| would) be (?:happy|glad)|as an ai|thank you for|introduction)\b",
    re.IGNORECASE,
)


def _opening(request: str) -> Iterator[Demand]:
    if any(_NO_OPENING.search(sentence.text) for sentence in sentences(request)):

        def verify(answer: str) -> str | None:
            opening = _OPENING.match(straight(answer[:200]))
            return f'opens with "{opening[0].strip()}"' if opening else None

        yield demand("opening", "no introduction", verify, subject="opening")


EDGES = Family(
    "edges",
    _find,
    (
        'End with the phrase "Is that all?".',
        'Start your reply with the word "Absolutely".',
        "Start each line with a hyphen.",
    ),
)
POSTSCRIPT = Family("postscript", _postscript, ("Write a letter and add a P.S. at the end.",))
OPENING = Family("opening", _opening, ("Summarise Dune, no introduction.",))
