"""Words that must occur, perhaps so many times, and words that must not."""

from __future__ import annotations

import re
from collections.abc import Iterator

from services.checks.amount import NONE, Amount, at_least, times
from services.checks.demand import Demand
from services.checks.family import Family
from services.checks.quotations import LIST, NAMED, PLAIN_LIST, listed, occurrences, straight
from services.checks.request import QUOTE, Sentence, sentences
from services.checks.scope import Scope, demand, scope_of
from services.language.grammar import either
from services.language.number_words import FEW, TIMES

_USE = (
    r"(?:includ(?:e|es|ing)|us(?:e|es|ing)|contain(?:s|ing)?|mention(?:s|ing)?|incorporat(?:e|es|ing)|"
    r"features?|featuring|insert(?:ing)?|work in|add(?:ing)?|has|have|say(?:ing)?|weave in|writ(?:e|ing))"
)
_HAS = re.compile(
    rf"\b{_USE}\s+(?:(?:all|both|each|at least|one|of|exactly|once) ){{0,3}}(?:the |a )?"
    rf"(?:{NAMED}\s*:?\s*(?:of\s+)?(?:{LIST}|(?<=words: )(?<!\w\w\w\w\w\w\w\w\w\w\w\w){PLAIN_LIST})|"
    rf"(?P<bare>{QUOTE}(?:(?:, | and |, and ){QUOTE}){{0,9}}))",
    re.IGNORECASE,
)
_WITH = re.compile(
    rf"\bwith (?:all )?(?:the )?(?:following )?(?:key ?)?(?:words?|keywords?|phrases?|terms?)\s*:?\s*{LIST}",
    re.IGNORECASE,
)
_APPEARS = re.compile(
    rf"\b(?:the )?{NAMED}\s*:?\s*(?:{LIST}|(?P<plain>[A-Za-z][\w'-]{{1,30}}))\s+(?:(?:must|should|"
    r"shall|needs? to|ha(?:s|ve) to|is to|are to|will)(?: (?:each|both|all|only))?\s+)?(?:appears?|"
    r"occurs?|be (?:used|included|mentioned|present|repeated|in)|shows? up)\b",
    re.IGNORECASE,
)
_ONE_WORD = re.compile(
    r"\b(?:use|uses|include|includes|mention|mentions|contain|contains|say|repeat)(?: the)? (?:word|"
    r"name|term|keyword) (?P<plain>[A-Za-z][\w'-]{0,30})(?=\s*(?:[.,;!]|$|\b(?:at|exactly|no|more|"
    rf"{either((*TIMES, *FEW))}|\d|in|somewhere|only|and)\b))",
    re.IGNORECASE,
)
_PROPER = re.compile(
    r"\b[Mm]entions? (?P<plain>[A-Z][\w-]{1,30}(?: [A-Z][\w-]{1,30}){0,2})(?=\s*(?:[.,;!]|$|\b(?:at|"
    r"in|twice|once|somewhere|and)\b))"
)
_NOT = (
    r"(?:\b(?:do not|don't|never|must not|mustn't|should not|shouldn't|can(?:not|'t| not)|may not|does "
    r"not|doesn't|without|avoid|not|refrain from|no)(?: ever| to)?)"
)
_FORBID = re.compile(
    rf"{_NOT}\s+(?:(?:use|using|includ(?:e|ing)|mention(?:ing)?|say(?:ing)?|contain(?:ing)?|writ(?:e|"
    r"ing)|utter(?:ing)?|employ|repeat|have|put)\s+)?(?:any of |either )?(?:the )?(?:"
    rf"(?:{NAMED}\s*:?\s*(?:{LIST}|{PLAIN_LIST}))|(?P<bare>{QUOTE}(?:(?:,? or |,? and |,? nor |, "
    rf"){QUOTE}){{0,9}}))",
    re.IGNORECASE,
)
_MENTION = re.compile(
    rf"{_NOT}\s+(?:ever )?mention(?:ing)?\s+(?:the )?{PLAIN_LIST}(?=\s*(?:[.!;,)]|$|\b(?:in (?:your|"
    r"the|it)|at all|anywhere|once|and (?:do|keep|use|write))\b))",
    re.IGNORECASE,
)
_ABSENT = re.compile(
    rf"\b(?:the )?{NAMED}\s*:?\s*(?:{LIST}|(?P<plain>[A-Za-z][\w'-]{{1,30}}))\s+(?:(?:must|should|"
    r"shall|may|can|do(?:es)?|is|are) ?(?:not|n't)|cannot|never|(?:is|are) (?:strictly )?(?:forbidden|"
    r"banned|prohibited|off limits|taboo))(?:\s+(?:appear|occur|be|allowed|used|permitted)|\s*[.!,]|$)",
    re.IGNORECASE,
)
_STARTS = re.compile(
    r"\b(?:start|begin|end|finish|conclud|clos|open)\w*\b[^,;]{0,30}$|\b(?:word|phrase)s? of\b", re.IGNORECASE
)
_NEGATED = re.compile(rf"{_NOT}(?: \w+){{0,3}} ?$", re.IGNORECASE)
_CHOICE = re.compile(r"\b(?:one|any|either|some) of\b|\b(?:only|just)\b", re.IGNORECASE)


def _occurs(word: str, amount: Amount, scope: Scope) -> Demand:
    pattern = occurrences(straight(word))
    once = amount.least == 1 and amount.most is None

    def verify(answer: str) -> str | None:
        num = len(pattern.findall(straight(answer)))
        if amount.holds((num,)):
            return None
        return f'"{word}" does not occur' if once else f'"{word}" occurs {num} times, not {amount.told}'

    told = f'the word "{word}"' if once else f'the word "{word}" {amount.told} times'
    return demand("keywords", told, verify, scope, subject=f"word {word.lower()}", amount=amount)


def _absent(word: str, scope: Scope) -> Demand:
    pattern = occurrences(straight(word))

    def verify(answer: str) -> str | None:
        num = len(pattern.findall(straight(answer)))
        return f'"{word}" occurs {num} time{"s" * (num > 1)}' if num else None

    subject = f"word {word.lower()}"
    return demand("forbidden", f'no "{word}"', verify, scope, subject=subject, amount=NONE, avoid=(word,))


def _keywords(request: str) -> Iterator[Demand]:
    for sentence in sentences(request):
        if sentence.code:
            continue
        for pattern in (_HAS, _WITH, _APPEARS, _ONE_WORD, _PROPER):
            for match in pattern.finditer(sentence.text):
                yield from _of_match(sentence, match)


def _of_match(sentence: Sentence, match: re.Match[str]) -> Iterator[Demand]:
    before = sentence.text[: match.start()]
    names = _names(sentence, match)
    if _NEGATED.search(before) or _STARTS.search(before) or not names:
        return
    if len(names) > 1 and (_CHOICE.search(before[-25:] + match[0]) or re.search(r"\bor\b", match[0])):
        return
    if any(len(name) == 1 for name in names) or (match.groupdict().get("bare") and not re.match(r"[\w]", names[0])):
        return
    anywhere = re.search(r"\b(?:one|some|any) of the\b", before, re.IGNORECASE) or re.match(
        r"\W*(?:each|every) time\b", sentence.text[match.end() :]
    )
    scope = Scope() if anywhere else scope_of(sentence, match.start(), match.end())
    clause = re.split(r"[;]|, (?=\w+ )|\band the\b", sentence.text[match.end() :], maxsplit=1)[0]
    often = times(clause[:80]) or times(match[0]) or at_least(1)
    if scope is not None:
        for name in names:
            yield _occurs(name, often, scope)


def _names(sentence: Sentence, match: re.Match[str]) -> list[str]:
    groups = match.groupdict()
    text = groups.get("list") or groups.get("bare") or groups.get("plain")
    return listed(sentence, text) if text else []


def _forbidden(request: str) -> Iterator[Demand]:
    for sentence in sentences(request):
        if sentence.code:
            continue
        for pattern in (_FORBID, _MENTION, _ABSENT):
            for match in pattern.finditer(sentence.text):
                after = sentence.text[match.end() :]
                if times(after[:30]) or re.match(
                    r"\s*(?:more than|over|again|before|until|outside|unless|,? but)\b", after
                ):
                    continue
                scope = scope_of(sentence, match.start(), match.end())
                names = _names(sentence, match)
                if scope is not None and not any(len(name) == 1 for name in names):
                    yield from (_absent(name, scope) for name in names)


KEYWORDS = Family(
    "keywords", _keywords, ('Use the word "sunshine" twice.', "Include the keywords 'carbon' and 'ocean'.")
)
FORBIDDEN = Family("forbidden", _forbidden, ("Do not mention Paris.", 'Avoid the words "very" and "really".'))
