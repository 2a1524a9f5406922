"""Noticing that a text runs in circles, while it is written.  Pure.

Models fall into loops: a line, a sentence or a paragraph again and again, its number counted up at most.  What is
meant to repeat stays below the limits: tables, a chorus, boilerplate, "ha ha ha".

The text is read as words.  A word is old if it and the words before it stood there `seen` times already, in the same
order.  Old words add up, new ones take more away than an old one adds: so a loop adds up wherever its borders are, and
a text that says something new from time to time does not.  The time goes with the length of the text.
"""

from __future__ import annotations

import re
from collections import Counter, deque
from dataclasses import dataclass

_SCRIPTS_WITHOUT_SPACES = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff"
_WORD = re.compile(
    rf"(?P<word>[{_SCRIPTS_WITHOUT_SPACES}]|[^\W{_SCRIPTS_WITHOUT_SPACES}]{{1,24}})"
    r"|(?P<blank>\s+)"
    r"|(?P<mark>.)(?P=mark){0,23}"
)
_LIST_MARKS = frozenset("-*#>•.():")  # with at most one number at the beginning of a line: what counts up is a loop too
_MARK_WEIGHT = 0.125  # of a word without a letter: numbers and lines of tables, drawings, data
_MAX_BLANK = 1000  # characters: more than any indentation or empty space that is meant
_MAX_PENDING = 24  # characters that may be a part of one word


@dataclass(frozen=True, slots=True)
class Rule:
    """A word is old if the `length` words that end with it stood there `seen` times; `limit` old words are a loop."""

    length: int
    seen: int
    limit: int
    fresh: float  # what a new word takes away


RULES = (
    Rule(length=5, seen=3, limit=100, fresh=3.0),  # lines and sentences, a round of up to about a hundred words
    Rule(length=40, seen=2, limit=60, fresh=100.0),  # long paragraphs, word by word, the third time
)


class LoopWatch:
    """Takes a text piece by piece; `looping` once it runs in circles, and for good."""

    def __init__(self) -> None:
        self.looping = False
        self._pending = ""
        self._blank = 0
        self._begins, self._numbered = True, False  # a line, of which there was no more than a number and marks so far
        self._words: deque[str] = deque(maxlen=max(rule.length for rule in RULES))
        self._seen: list[Counter[int]] = [Counter() for _ in RULES]
        self._old = [0.0] * len(RULES)

    def feed(self, text: str) -> bool:
        """Go on by a piece of text; tell whether it loops by now."""
        pending = self._pending + text
        place = 0
        for found in _WORD.finditer(pending):
            if found.end() == len(pending) and len(found[0]) < _MAX_PENDING:
                break  # it may go on
            place = found.end()
            if found["blank"]:
                self._skip(found[0])
            else:
                self._blank = 0
                if not self._begins or not self._marks_an_item(found[0]):
                    self._begins = False
                    self._take(found[0])
        self._pending = pending[place:]
        return self.looping

    def _skip(self, blank: str) -> None:
        self._blank += len(blank)
        if "\n" in blank:
            self._begins, self._numbered = True, False
        self.looping = self.looping or self._blank > _MAX_BLANK

    def _marks_an_item(self, word: str) -> bool:
        """Tell whether a line's first words are those of a list, such as `12.` or `- (3)`."""
        if word.isdecimal() and not self._numbered:
            self._numbered = True
            return True
        return word[0] in _LIST_MARKS

    def _take(self, word: str) -> None:
        self._words.append(word)
        weight = 1.0 if any(character.isalpha() for character in word) else _MARK_WEIGHT
        words = tuple(self._words)
        for at, rule in enumerate(RULES):
            if len(words) < rule.length:
                continue
            gram = hash(words[-rule.length :])
            old = self._seen[at][gram] >= rule.seen
            self._seen[at][gram] += 1
            self._old[at] = self._old[at] + weight if old else max(0.0, self._old[at] - rule.fresh * weight)
            self.looping = self.looping or self._old[at] >= rule.limit
