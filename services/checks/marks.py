"""Signs and small forms that an answer must have so often, or not at all: commas, digits, emojis, contractions."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator

from services.checks.countable import Countable, find_counts
from services.checks.demand import Demand
from services.checks.family import Family
from services.checks.quotations import straight
from services.checks.request import sentences
from services.checks.scope import demand
from services.language.number_words import WORDS as NUMBER_WORDS
from services.language.orders import CONTRACTION

Counts = Callable[[str], tuple[int, ...]]


def _of(pattern: str) -> Counts:
    compiled = re.compile(pattern, re.IGNORECASE | re.MULTILINE)
    return lambda text: (len(compiled.findall(straight(text))),)


def _num_punctuation(text: str) -> tuple[int, ...]:
    return (sum(unicodedata.category(sign).startswith("P") for sign in text),)


_NEVER = r"(?!)"
"""Matches nothing: the number of these is never counted, only their absence."""
_COUNTED = r"\b(?:at least|exactly|at most)\b"
_PICTURE = r"[\U0001F1E6-\U0001F1FF\U0001F300-\U0001FAFF\u2600-\u27BF\u2B50\u2B55\u231A\u231B\u23E9-\u23F3]\uFE0F?"
_EMOJI = rf"{_PICTURE}(?:\u200D{_PICTURE})*[\U0001F3FB-\U0001F3FF]?"
_MARKDOWN = r"^#{1,6} |\*\*[^*\n]+\*\*|^[ \t]*[*-] |^```|`[^`\n]+`|\[[^\]\n]{1,200}\]\(|^\|.*\|$"


def _without(pattern: str, by: str = "") -> Callable[[str], str]:
    compiled = re.compile(pattern)
    return lambda text: compiled.sub(by, text)


_MARKS = (
    Countable(
        "marks",
        r"commas?",
        "comma",
        "commas",
        _of(r"[,،，]"),
        remove=_without(r"(?<=\d),(?=\d)|,|،|，"),
        signs=(",", "،", "，"),
    ),
    Countable(
        "marks",
        r"exclamation (?:marks?|points?|signs?)|exclamations",
        "exclamation mark",
        "exclamation marks",
        _of("[!！]"),
        signs=("!", "！"),
    ),
    Countable("marks", r"question marks?", "question mark", "question marks", _of("[?？]"), signs=("?", "？")),
    Countable("marks", r"semi-?colons?", "semicolon", "semicolons", _of(";"), signs=(";",)),
    Countable("marks", r"colons?", "colon", "colons", _of(":")),
    Countable("marks", r"full stops?|periods?(?! of)", "full stop", "full stops", _of(r"\.")),
    Countable("marks", r"(?:em|en|long)[ -]?dash(?:es)?", "dash", "dashes", _of("[–—]"), signs=("–", "—")),
    Countable("marks", r"dash(?:es)?", "dash", "dashes", _of(r"[–—]|(?<=\s)-(?=\s)")),
    Countable("marks", r"hyphens?", "hyphen", "hyphens", _of(r"-")),
    Countable(
        "marks",
        r"parenthes[ei]s|(?:round )?brackets|parenthetical remarks",
        "pair of parentheses",
        "parentheses",
        _of(r"[()（）]"),
        only_after=_NEVER,
    ),
    Countable("marks", r"quotation marks?|double quotes|quotes", "quotation mark", "quotation marks", _of(r"\"")),
    Countable("marks", r"apostrophes?", "apostrophe", "apostrophes", _of(r"(?<=\w)'")),
    Countable("marks", r"asterisks?(?! symbols?)", "asterisk", "asterisks", _of(r"\*"), only_after=_COUNTED),
    Countable(
        "marks", r"emojis?|emoticons?|smileys?", "emoji", "emojis", _of(_EMOJI), remove=_without(rf"[ ]?(?:{_EMOJI})")
    ),
    Countable("marks", r"hash ?tags?|hash-tags?", "hashtag", "hashtags", _of(r"(?<!\w)#\w+")),
    Countable(
        "marks", r"digits|numerals|numeric digits|figures", "digit", "digits", _of(r"\d"), signs=tuple("0123456789")
    ),
    Countable(
        "marks",
        r"numbers(?! (?:as|in|with|that|from|between|of))",
        "number",
        "numbers",
        _of(r"\d+(?:[.,]\d+)*"),
        only_after=r"\b(?:contain|include|use|with)\w*\b",
    ),
    Countable("marks", r"contractions?|contracted forms?", "contraction", "contractions", _of(CONTRACTION)),
    Countable(
        "marks",
        r"punctuation(?: marks?| at all)?",
        "punctuation mark",
        "punctuation marks",
        _num_punctuation,
        only_after=_COUNTED,
    ),
    Countable(
        "marks",
        r"markdown(?: formatting| syntax)?|formatting",
        "piece of Markdown",
        "pieces of Markdown",
        _of(_MARKDOWN),
        only_after=_NEVER,
    ),
    Countable(
        "marks", r"(?:sub-?)?head(?:ing|er)s?", "heading", "headings", _of(r"^#{1,6} \S|^\*\*[^*\n]+\*\*:?[ \t]*$")
    ),
    Countable(
        "marks",
        r"bold(?: text| words?| type| face)?(?!\w)",
        "bold part",
        "bold parts",
        _of(r"\*\*[^*\n]+\*\*"),
        only_after=_NEVER,
    ),
    Countable("marks", r"(?:urls?|hyperlinks?|web links?|links)", "link", "links", _of(r"https?://|www\.")),
    Countable(
        "marks",
        r"code blocks?|code fences?",
        "code block",
        "code blocks",
        _of(r"^[ ]{0,3}```[^\n]*\n(?:[^`]|`(?!``))*```"),
    ),
    Countable(
        "marks", r"line ?breaks?|new ?lines?(?= in your)", "line break", "line breaks", _of(r"\n"), only_after=_NEVER
    ),
)
_DIGITS = re.compile(
    r"\b(?:write|spell|express|give|use|show|put)\b[^.;]{0,20}\bnumbers?\b[^.;]{0,20}\b(?:as|in|using|"
    r"with) (?:digits|numerals|figures)\b|\bnumbers? (?:as|in) (?:digits|numerals|figures)\b|\buse "
    r"(?:digits|numerals)(?:,? (?:not|instead of|rather than) words| for (?:all )?numbers)",
    re.IGNORECASE,
)
_SPELLED_OUT = re.compile(
    r"\b(?:spell|write)\b[^.;]{0,15}\bnumbers?\b[^.;]{0,20}(?:\bout\b|\b(?:as|in) words\b)|\bspell "
    r"out (?:all |any )?numbers",
    re.IGNORECASE,
)
_SPELLED = re.compile(rf"(?<![\w-]){NUMBER_WORDS}(?![\w-])", re.IGNORECASE)
_ONE = frozenset({"one", "single", "a single"})


def _find(request: str) -> Iterator[Demand]:
    for countable in _MARKS:
        yield from find_counts(countable, request)
    for sentence in sentences(request):
        if sentence.code:
            continue
        if _SPELLED_OUT.search(sentence.text):
            yield demand("marks", "numbers spelled out", _all_spelled, subject="numbers")
        elif _DIGITS.search(sentence.text):
            yield demand("marks", "numbers as digits", _all_digits, subject="numbers")


def _all_digits(answer: str) -> str | None:
    spelled = [found[0] for found in _SPELLED.finditer(answer) if found[0].lower() not in _ONE]
    return f'{len(spelled)} numbers stand in words ("{spelled[0]}")' if spelled else None


def _all_spelled(answer: str) -> str | None:
    digits = re.findall(r"\d+", answer)
    return f'{len(digits)} numbers stand in digits ("{digits[0]}")' if digits else None


MARKS = Family("marks", _find, ("Don't use any commas.", "No emojis please.", "Include at least 3 exclamation marks."))
