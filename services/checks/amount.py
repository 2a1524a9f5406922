"""How many: "at least 300", "no more than two", "between 80 and 120", "exactly 3", "about 150", found before a noun.

A bare number of words ("a 500-word essay") is meant as about that many, 20 % either way; small ones ("in five words")
and bare numbers of anything else are meant exactly.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from services.language.number_words import NUMBER, value

TOLERANCE = 0.2
_FEW = 10

_LEAST = (
    r"at least|at the least|no fewer than|not fewer than|no less than|not less than|(?:a |the )?minimum(?: of|:| is)?|"
    r"min\.?|upwards of|≥|>=|not be less than|not be shorter than|no shorter than"
)
_OVER = r"more than|over|greater than|longer than|exceed(?:s|ing)?|>"
_MOST = (
    r"at most|at the most|no more than|not more than|(?:a |the )?maximum(?: length)?(?: of|:| is)?|"
    r"max\.?(?: of|:)?|up to|"
    r"within|not exceed(?:ing)?|no longer than|not longer than|not be longer than|not be more than|not over|"
    r"(?:a )?limit of|no greater than|≤|<=|not go over|not use more than|don't exceed|do not exceed|without exceeding"
)
_UNDER = r"fewer than|less than|under|below|shorter than|<"
_EXACT = r"exactly|precisely|only|just|strictly|a total of|no more and no less than|no more, no less than"
_ABOUT = r"about|around|roughly|approximately|approx\.?|circa|some|~|close to|nearly|almost"
_BEFORE = (
    rf"(?:(?P<most>{_MOST})|(?P<least>{_LEAST})|(?P<over>{_OVER})|(?P<under>{_UNDER})|(?P<exact>{_EXACT})|"
    rf"(?P<about>{_ABOUT}))"
)
_ADJECTIVES = (
    r"(?:(?:short|long|brief|concise|complete|full|different|distinct|separate|main|key|simple|markdown|total|small|"
    r"well-written|text|english|individual|clear|whole|bulleted|numbered|unique|more|such)[ -])"
)
_AFTER = (
    r"(?:,? (?:in (?:total|length)|long))?,?[ (]*(?:(?P<or_more>or more|or longer|minimum|min\b|at least|at minimum|"
    r"or above)|(?P<or_less>or less|or fewer|or shorter|max(?:imum)?\b|at most|tops|or under|limit\b|at maximum)|"
    r"(?P<or_so>or so|approximately|give or take))"
    r"(?! (?:of )?\d)"
)
_LIMITED = re.compile(
    r"\b(?:limit(?:ed)?|keep|kept|restrict(?:ed)?|cap(?:ped)?|stick)\b(?: [^\s,;]{1,30}){0,6} to(?: just| only)? $",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Amount:
    """A range of whole numbers and how it is told; `most` None means without end."""

    told: str
    least: int = 0
    most: int | None = None

    def holds(self, counts: tuple[int, ...]) -> bool:
        """Whether a count is within.

        Where people count in several ways, the first count stands against a lower limit and the last one against an
        upper limit; an exact number is met by any of them, and so is a short range. No count at all is no miss.
        """
        if not counts:
            return True
        if self.most is not None and self.most - self.least <= _FEW and self.least:
            return any(self.least <= count <= self.most for count in counts)
        return counts[0] >= self.least and (self.most is None or counts[-1] <= self.most)

    def excludes(self, other: Amount) -> bool:
        """Whether no number is in both."""
        return (self.most is not None and self.most < other.least) or (
            other.most is not None and other.most < self.least
        )


def at_least(number: int) -> Amount:
    """Return "at least `number`"."""
    return Amount(f"at least {number}", number)


def at_most(number: int) -> Amount:
    """Return "at most `number`"."""
    return Amount(f"at most {number}", 0, number)


def exactly(number: int) -> Amount:
    """Return "exactly `number`"."""
    return Amount(f"exactly {number}", number, number)


def about(number: int) -> Amount:
    """Return a range around `number` that tells its tolerance."""
    least, most = round(number * (1 - TOLERANCE)), round(number * (1 + TOLERANCE))
    return Amount(f"about {number} ({least} to {most})", least, most)


def between(one: int, other: int) -> Amount:
    """Return a range with both ends in it."""
    least, most = sorted((one, other))
    return replace(Amount(f"{least} to {most}"), least=least, most=most)


NONE = Amount("no", 0, 0)


@lru_cache(maxsize=256)
def _pattern(noun: str) -> re.Pattern[str]:
    return re.compile(
        rf"(?<![\w.,-])(?:{_BEFORE}\s+)?(?<![\w.])(?:(?P<between>between|from|in the range of)\s+)?(?P<one>{NUMBER})"
        rf"(?:\s?(?:-|–|—|\bto\b|\band\b|\bor\b)\s?(?P<other>{NUMBER}))?(?P<plus>\s?\+)?"
        rf"(?: or (?:(?P<more>more|longer)|(?P<fewer>fewer|less)))?[\s-]+{_ADJECTIVES}{{0,2}}"
        rf"(?P<noun>{noun})(?![\w])(?:{_AFTER})?",
        re.IGNORECASE,
    )


@dataclass(frozen=True)
class Found:
    """An amount and where it stands in the text."""

    amount: Amount
    start: int
    end: int
    noun: str
    bare: bool
    hyphen: bool


def amounts(text: str, noun: str, *, loose: bool = False) -> Iterator[Found]:
    """Find the amounts that stand before `noun` (a pattern); a bare number is about that many where `loose`."""
    for match in _pattern(noun).finditer(text):
        amount, bare = _amount(match, text[: match.start()], loose=loose)
        if amount is not None:
            hyphen = text[match.start("noun") - 1] == "-"
            yield Found(amount, match.start(), match.end(), match["noun"], bare, hyphen)


_NOT_OVER = re.compile(r"\b(?:not|n't|never)(?: be| go| use)? $")
_MEANINGS: tuple[tuple[tuple[str, ...], Callable[[int], Amount]], ...] = (
    (("least", "more", "or_more", "plus"), at_least),
    (("over",), lambda number: at_least(number + 1)),
    (("most", "fewer", "or_less"), at_most),
    (("under",), lambda number: at_most(number - 1)),
    (("exact",), exactly),
    (("about", "or_so"), about),
)


def _amount(match: re.Match[str], before: str, *, loose: bool) -> tuple[Amount | None, bool]:
    """Return the amount that a match tells, and whether its number stood bare."""
    one = value(match["one"])
    if match["other"]:
        other = value(match["other"])
        return (between(one, other) if other > one else None), False
    if match["between"]:
        return None, False
    if (match["over"] and _NOT_OVER.search(before)) or _LIMITED.search(before):
        return at_most(one), False
    for groups, meaning in _MEANINGS:
        if any(match[group] for group in groups):
            return meaning(one), False
    return (about(one) if loose and one > _FEW else exactly(one)), True


_TIMES = re.compile(
    rf"(?:{_BEFORE}\s+)?(?P<between>between |from )?(?P<one>{NUMBER})(?P<plus>\+)?(?:\s?(?:-|–|to|or|"
    rf"and)\s?(?P<other>{NUMBER}))?"
    rf"(?: or (?:(?P<more>more)|(?P<fewer>fewer|less)))?[ -]times?\b(?:{_AFTER})?",
    re.IGNORECASE,
)
_ONCE = re.compile(rf"(?:{_BEFORE}\s+)?\b(?P<word>once|twice|thrice)\b", re.IGNORECASE)


def times(text: str) -> Amount | None:
    """Return how often something is to occur: "at least 3 times", "twice", "no more than once"."""
    if once := _ONCE.search(text):
        number = {"once": 1, "twice": 2, "thrice": 3}[once["word"].lower()]
        if once["exact"]:
            return exactly(number)
        if once["most"]:
            return at_most(number)
        if once["over"]:
            return at_least(number + 1)
        return at_least(number) if once["least"] or number == 1 else exactly(number)
    match = _TIMES.search(text)
    return _amount(match, text[: match.start()], loose=False)[0] if match else None
