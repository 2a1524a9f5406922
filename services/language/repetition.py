"""Requests that want the same words again and again, such as "Write 'I am late' fifty times"."""

from __future__ import annotations

import re

from services.language.number_words import NUMBER

_SAY = r"\b(?:repeat|write|say|print|type|copy|chant|sing|output|recite|list|spell|display|give me)\b"
_SAID = (
    r"(?:[\"'“‘«`*][^\n]{1,200}[\"'”’»`*]"
    r"|\b(?:the|this|that|these|those|your|an?|one|same|following) (?:[\w-]+ ){0,3}"
    r"(?:words?|phrase|sentence|line|letters?|text|string|name|number|character|emoji|token|slogan|chorus|mantra|verse)\b"
    r"|\b(?:it|this|that|hello|hi|yes|no|ok|okay|sorry)\b)"
)
_OFTEN = re.compile(
    rf"\b(?:(?:{NUMBER}|many|several|dozens of|hundreds of|thousands of) (?:more )?times\b(?! (?:\d|table))"
    r"|over and over|again and again|repeatedly|endlessly|forever|without (?:ever )?stopping|non-?stop)",
    re.IGNORECASE,
)
_SAID_BEFORE = re.compile(rf"{_SAY}[^.?!\n\"'“‘«`*]{{0,40}}{_SAID}[^.?!\n]{{0,80}}$", re.IGNORECASE)
_ORDERED = re.compile(rf"{_SAY}[ ,:]+(?:exactly |out )?$", re.IGNORECASE)
_SAID_AFTER = re.compile(rf"[ ,:]+{_SAID}", re.IGNORECASE)
_REACH = 240  # characters: an order and how often are in one sentence
_MAX_PLACES = 50


def wants_repetition(request: str) -> bool:
    """Tell whether a request orders words to be repeated many times, so that a loop is what it asked for."""
    for place, often in enumerate(_OFTEN.finditer(request)):
        if place == _MAX_PLACES:
            return False
        before = request[max(0, often.start() - _REACH) : often.start()]
        after = request[often.end() : often.end() + _REACH]
        if _SAID_BEFORE.search(before) or (_ORDERED.search(before) and _SAID_AFTER.match(after)):
            return True
    return False
