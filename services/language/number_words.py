"""Whole numbers as English writes them, in figures or in words: "1,200", "twenty-five", "a dozen"."""

from __future__ import annotations

import re

_SMALL = {
    word: value
    for value, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
        "seventeen eighteen nineteen".split()
    )
}
_TENS = {
    word: 10 * value
    for value, word in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), start=2)
}
_ROUND = {"hundred": 100, "thousand": 1000}
_FEW = "|".join(word for word in _SMALL if word != "zero")
_BELOW_100 = rf"(?:(?:{'|'.join(_TENS)})(?:[ -](?:{_FEW}))?|{_FEW})"
WORDS = (
    rf"(?:(?:(?:{_FEW}|an?)[ -](?:hundred|thousand)(?:[ -](?:and[ -])?{_BELOW_100})?)|(?:a|one|two|three)[ -]dozen"
    rf"|{_BELOW_100}|a[ -]single|single|zero)"
)
NUMBER = rf"(?:\d{{1,3}}(?:,\d{{3}}){{1,2}}|\d{{1,6}}|{WORDS})"
"""A pattern that matches one such number, in lower case."""


def value(text: str) -> int:
    """Return what `NUMBER` matched as a number."""
    text = text.lower().replace(",", "")
    if text.isdecimal():
        return int(text)
    total = part = 0
    for word in re.split(r"[ -]+", text):
        if word in _ROUND:
            total += max(part, 1) * _ROUND[word]
            part = 0
        elif word == "dozen":
            part = max(part, 1) * 12
        elif word in {"a", "an", "single"}:
            part = 1
        else:
            part += _SMALL.get(word, 0) + _TENS.get(word, 0)
    return total + part
