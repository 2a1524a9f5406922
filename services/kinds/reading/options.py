"""Options that a request gives, and which of them an answer names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from string import ascii_uppercase
from typing import ClassVar

from services.kinds.opening import is_short, opening
from services.kinds.reading.extract import plain_text

_LETTERED_LINE = re.compile(r"^[ \t]*\(?([A-Z])[).:][ \t]+(\S.{0,400}?)[ \t]*$", re.MULTILINE)
_LETTERED_INLINE = re.compile(
    r"(?:(?<=\s)|^)\(?([A-Z])\)\s?([^()\n]{1,200}?)(?=[,;]?\s+(?:or\s+)?\(?[A-Z]\)|[?.]?\s*$)", re.MULTILINE
)
_LISTED = re.compile(
    r"^[ \t]*(?:options|choices|answer\s+choices)\s*:[ \t]*\n((?:[ \t]*[-*•][ \t]*\S.{0,200}\n?){2,12})",
    re.MULTILINE | re.IGNORECASE,
)
_ITEM = re.compile(r"^[ \t]*[-*•][ \t]*(\S.{0,200}?)[ \t]*$", re.MULTILINE)
_PAIR = re.compile(
    r"\b(yes|true|valid|plausible|possible|correct|agree)\s*(?:/|,|,?\s+or)\s*[\"']?(no|false|invalid|implausible|impossible"
    r"|incorrect|disagree)\b",
    re.IGNORECASE,
)
_LOGIC = re.compile(r"(?:true|false|and|or|not|[()\s])+(?:is|=)?[\s?]*", re.IGNORECASE)
_TRUTH = re.compile(r"\b(?:true|false)\b", re.IGNORECASE)
_QUESTION = re.compile(r"[^.?!\n]{3,400}\?")
_YES_NO = re.compile(
    r"(?:and\s+|but\s+|so\s+|then\s+)?(?:(?:if|when|given|assuming|based)\b[^,?]{1,120},\s+)?"
    r"(?:is|are|was|were|do|does|did|can|could|has|have|had|will|must)(?:n['’]t)?\s+(?!you\b|your\b|we\b|i\b)\S",
    re.IGNORECASE,
)
_QUOTED_AT_END = re.compile(r"\s+[\"“'][^\n]{1,400}[\"”']\s*$")
_ENDS_IN_QUESTION = re.compile(r"\?(?:\s+[\"“'][^\n]{1,400}[\"”'])?\s*$")
_SENTENCE_END = re.compile(r"[.!;:]\s")
_EITHER = re.compile(r"\bor\b(?!\s+not\b)", re.IGNORECASE)
_ANNOUNCED = re.compile(
    r"\b(?:answer|option|choice|conclusion)\b(?:\s+(?:is|would\s+be|must\s+be))?\s*[:=]?\s*(?:is\s+)?[\"'(\[]*",
    re.IGNORECASE,
)
_LETTER = re.compile(r"\(([A-Z])\)|\b([A-Z])\)|(?<![\w'’])([A-Z])(?=[.:,)\]\"']|\s*$|\s+[-–])", re.MULTILINE)
_LETTER_HERE = re.compile(r"\(?([A-Z])(?![\w'’])")
_BOXED = re.compile(r"\\boxed\{(?:\\text\{)?\(?([^{}()]{1,80})\)?\}?\}")
_SPACE = re.compile(r"\s{2,}")  # long runs of it would cost the patterns below more than a look each
_LETTER_ALONE = re.compile(r"\(?([A-Z])\)?")
_TRUTHS = (
    frozenset(("yes", "true", "valid", "plausible", "possible", "correct", "agree")),
    frozenset(("no", "false", "invalid", "implausible", "impossible", "incorrect", "disagree")),
)
_MAX_CHARS = 8000
_MIN_OPTIONS, _MAX_OPTIONS = 2, 26
_MANY = 6
_HEAD_CHARS = 40


@dataclass(frozen=True, slots=True)
class Options:
    """The options by what names them: a letter and its text, or a text alone (then both are the same).

    `listed` says that the request lists them, one by one.
    """

    named: tuple[tuple[str, str], ...]
    lettered: bool = False
    listed: bool = False
    YES_NO: ClassVar[Options]

    @property
    def form(self) -> str:
        """Say how an answer names one: "(A), (B) or (C)", "yes or no"."""
        *names, last = [self.final(name) for name, _ in self.named]
        return f"{', '.join(names)} or {last}" if len(names) < _MANY else "the letter of the right option"

    def final(self, name: str) -> str:
        """Write an option as a final answer."""
        return f"({name})" if self.lettered else name

    def told(self, final: str) -> str:
        """Tell a final answer with its text."""
        text = next((text for name, text in self.named if self.final(name) == final), "")
        return f"{final} {text}" if self.lettered else final


Options.YES_NO = Options((("yes", "yes"), ("no", "no")))


def find_options(request: str) -> Options | None:
    """Return the options of a request: lettered, listed, a pair such as true or false, or yes and no."""
    request = _SPACE.sub(lambda run: "\n" if "\n" in run[0] else " ", request[:_MAX_CHARS].strip())
    return _lettered(request) or _listed(request) or _paired(request)


def read_option(text: str, options: Options) -> str:
    """Return the option that an answer names: announced, else named last; empty where none is."""
    plain = _BOXED.sub(lambda boxed: f"Answer: {boxed[1]}", text)
    plain = plain_text(plain)
    *_, announced = _ANNOUNCED.split(plain) if _ANNOUNCED.search(plain) else ("",)
    line = announced.splitlines()[0] if announced.strip() else ""
    found = (_first(line, options) if line else "") or _last(plain, options)
    return options.final(found) if found else ""


def option_of(value: str, options: Options) -> str:
    """Return the option that a computed value is: its letter, its text, a truth, or the only one that it is part of.

    Empty where it is none of them, or could be several.
    """
    told = value.strip(" .'\"")
    if options.lettered and (letter := _LETTER_ALONE.fullmatch(told)) and letter[1] in dict(options.named):
        return options.final(letter[1])
    truth = next((words for words in _TRUTHS if told.casefold() in words), frozenset[str]())
    same = [name for name, text in options.named if _plain(text) == _plain(told)]
    meant = [name for name, text in options.named if _plain(text) in truth]
    part = [name for name, text in options.named if told and _word(told).search(text)]
    whole = [name for name, text in options.named if _word(text).search(told)]
    found = next((names for names in (same, meant, part, whole) if len(names) == 1), [])
    return options.final(found[0]) if found else ""


def _plain(text: str) -> str:
    return text.strip(" .'\"").casefold()


def _lettered(request: str) -> Options | None:
    for pattern in (_LETTERED_LINE, _LETTERED_INLINE):
        found = pattern.findall(request)
        letters = [letter for letter, _ in found]
        if _MIN_OPTIONS <= len(found) <= _MAX_OPTIONS and letters == list(ascii_uppercase[: len(found)]):
            return Options(tuple((letter, text.strip()) for letter, text in found), lettered=True, listed=True)
    return None


def _listed(request: str) -> Options | None:
    found = _LISTED.search(request)
    items = [text.strip() for text in _ITEM.findall(found[1])] if found else []
    return Options(tuple((text, text) for text in items), listed=True) if len(items) >= _MIN_OPTIONS else None


def _paired(request: str) -> Options | None:
    if pair := _PAIR.search(request):
        return _texts(pair[1].lower(), pair[2].lower())
    if _TRUTH.search(request) and _LOGIC.fullmatch(request.strip()):
        return _texts("True", "False")
    questions = _QUESTION.findall(_QUOTED_AT_END.sub("", request))
    asked = opening(questions[-1]) if questions and _ENDS_IN_QUESTION.search(request) else ""
    if not questions and is_short(request) and not _SENTENCE_END.search(request):
        asked = opening(request)
    if asked and _YES_NO.match(asked) and not _EITHER.search(asked):
        return Options.YES_NO
    return None


def _texts(*texts: str) -> Options:
    return Options(tuple((text, text) for text in texts))


def _first(line: str, options: Options) -> str:
    """Return the option that a line begins with or names alone."""
    if options.lettered and (letter := _LETTER_HERE.match(line)) and letter[1] in dict(options.named):
        return letter[1]
    named = [(at.start(), -len(text), name) for name, text in options.named if (at := _word(text).search(line))]
    return min(named)[2] if named else ""


def _last(text: str, options: Options) -> str:
    """Return the option that a text names last."""
    if options.lettered:
        letters = [next(filter(None, found)) for found in _LETTER.findall(text)]
        known: list[str] = [letter for letter in letters if letter in dict(options.named)]
        if known:
            return known[-1]
    opened = "" if options.lettered else _first(text[:_HEAD_CHARS], options)
    if opened and _word(dict(options.named)[opened]).match(text):
        return opened
    found = [(at.end(), len(wording), name) for name, wording in options.named for at in _word(wording).finditer(text)]
    return max(found)[2] if found else ""


def _word(text: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(text.strip(' .'))}(?!\w)", re.IGNORECASE)
