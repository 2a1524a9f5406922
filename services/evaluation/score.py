"""The figures: how many parts and how many whole questions are answered right, and in what time.

It does not know who answered, nor how.
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Collection, Mapping, Sequence

from msgspec import Struct

from services.checks.verdict import demands, verify
from services.evaluation.answers import Answer
from services.evaluation.questions import Gold, Question, Scorer
from services.kinds.reading.options import Options, find_options, read_option

_NUMBER = re.compile(r"(?<![\w.])-?\d[\d,]*(?:\.\d+)?")
_TOLERANCE = 1e-6
_MAX_SYMBOL_CHARS = 2


class Figures(Struct, frozen=True, kw_only=True):
    """Counts, and seconds a question: None where no answer has a time.  `first_text_s` is a median, too."""

    parts: int
    parts_right: int
    whole: int
    whole_right: int
    median_s: float | None
    total_s: float | None
    first_text_s: float | None = None

    @property
    def parts_share(self) -> float:
        """The share of parts that are right, in [0, 1]."""
        return self.parts_right / self.parts

    @property
    def whole_share(self) -> float:
        """The share of questions of which all parts are right, in [0, 1]."""
        return self.whole_right / self.whole

    def __str__(self) -> str:
        shares = (
            f"parts {self.parts_right}/{self.parts} = {self.parts_share:.3f}   "
            f"whole {self.whole_right}/{self.whole} = {self.whole_share:.3f}"
        )
        if self.median_s is None or self.total_s is None:
            return shares
        first = "" if self.first_text_s is None else f", first text {self.first_text_s:.2f} s"
        return f"{shares}   median {self.median_s:.2f} s, total {self.total_s:.1f} s{first}"


def is_right(text: str, gold: Collection[Gold]) -> bool:
    """Tell whether an accepted value stands in a text.

    A number stands there by value, thousands separators ignored; a name as whole words, in any case, except that one or
    two letters (a chemical symbol, "No") are as they are written.
    """
    return any(_names(text, wanted) if isinstance(wanted, str) else _numbers(text, wanted) for wanted in gold)


def hits(question: Question, answer: Answer | None) -> list[bool]:
    """Tell for each part whether it is answered right, as the question's scorer says; without an answer none is."""
    if answer is None:
        return [False] * len(question.parts)
    match question.scorer:
        case Scorer.PARTS:
            return [is_right(answer.answer, part.gold) for part in question.parts]
        case Scorer.OPTION:
            named = read_option(answer.answer, find_options(question.query) or Options.YES_NO)
            return [named.casefold() == str(question.parts[0].gold[0]).strip().casefold()]
        case Scorer.CHECKS:
            verdicts = verify(demands(question.query), answer.answer)
            return [bool(answer.answer.strip()) and all(verdict.reason is None for verdict in verdicts)]
        case Scorer.TESTS:
            return [answer.passed is True]


def score(questions: Sequence[Question], answers: Mapping[str, Answer]) -> Figures:
    """Count over all questions, at least one; those without an answer are wrong.  The times are of all answers."""
    found = [hits(question, answers.get(question.id)) for question in questions]
    seconds = [answer.seconds for answer in answers.values() if answer.seconds is not None]
    first = [answer.first_text_s for answer in answers.values() if answer.first_text_s is not None]
    return Figures(
        parts=sum(map(len, found)),
        parts_right=sum(map(sum, found)),
        whole=len(found),
        whole_right=sum(map(all, found)),
        median_s=statistics.median(seconds) if seconds else None,
        total_s=sum(seconds) if seconds else None,
        first_text_s=statistics.median(first) if first else None,
    )


def _numbers(text: str, wanted: float) -> bool:
    found = (float(figure.replace(",", "")) for figure in _NUMBER.findall(text))
    return any(abs(value - wanted) < _TOLERANCE for value in found)


def _names(text: str, wanted: str) -> bool:
    name = wanted.strip()
    flags = re.IGNORECASE if len(name) > _MAX_SYMBOL_CHARS else re.NOFLAG
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text, flags) is not None
