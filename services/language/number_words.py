"""Number words of English, and whole numbers as English writes them: "1,200", "twenty-five", "a dozen"."""

from __future__ import annotations

import re

ONES = {word: value for value, word in enumerate("one two three four five six seven eight nine".split(), 1)}
TEENS = {
    word: value
    for value, word in enumerate(
        "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split(), 10
    )
}
TENS = {
    word: 10 * value
    for value, word in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), start=2)
}
SMALL = {"zero": 0, **ONES, **TEENS, **TENS}
FEW = tuple(word for word, value in SMALL.items() if 2 <= value <= 12)  # noqa: PLR2004  "two" to "twelve"
POWERS_OF_TEN = {"hundred": 2, "thousand": 3, "million": 6, "billion": 9, "trillion": 12}
SCALES = {"dozen": 12} | {name: 10**power for name, power in POWERS_OF_TEN.items()}
FRACTIONS = {
    name: under
    for under, names in enumerate("half third quarter|fourth fifth sixth seventh eighth ninth tenth".split(), 2)
    for name in names.split("|")
}
"""What one part is called when a whole is divided by so many."""
MULTIPLES = {"twice": 2, "double": 2, "thrice": 3, "triple": 3}
TIMES = ("once", *(word for word in MULTIPLES if word.endswith("ice")))

_BELOW_20 = "|".join(TEENS | ONES)
BELOW_100 = rf"(?:(?:{'|'.join(TENS)})(?:[ -](?:{'|'.join(ONES)}))?|{'|'.join(TEENS)}|{'|'.join(ONES)})"
WORDS = (
    rf"(?:(?:(?:{_BELOW_20}|an?)[ -](?:hundred|thousand)(?:[ -](?:and[ -])?{BELOW_100})?)|(?:a|one|two|three)[ -]dozen"
    rf"|{BELOW_100}|a[ -]single|single|zero)"
)
NUMBER = rf"(?:\d{{1,3}}(?:,\d{{3}}){{1,2}}|\d{{1,6}}|{WORDS})"
"""A pattern that matches one such number, in lower case."""


def value(text: str) -> int:
    """Return the value of what `NUMBER` matched."""
    figures = text.replace(",", "")
    return int(figures) if figures.isdecimal() else cardinal(text)


def cardinal(words: str) -> int:
    """Return the value of a whole number in words: "two million and six", "a dozen"; 0 where there is no word."""
    total = part = 0
    for word in re.findall(r"[a-z]+", words.lower()):
        if word == "hundred":
            part = 100 * max(part, 1)
        elif word in SCALES:
            total, part = total + SCALES[word] * max(part, 1), 0
        elif word in {"a", "an", "single"}:
            part = 1
        else:
            part += SMALL.get(word, 0)
    return total + part
