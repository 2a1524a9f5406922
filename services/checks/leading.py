"""What a request demands of its answer, put so that the one who writes it can be led: no draft is thrown away for it.

What the answer begins with, which words and signs it leaves out, and with what it goes on where it would end too soon:
one more paragraph after its divider, the next bullet, the postscript.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache

from services.checks.demand import Demand
from services.checks.verdict import demands

_FORMAL = frozenset({"format", "options", "syntax"})  # of such an answer every sign counts
_ORDER = ("sections", "responses", "paragraphs", "items", "bullets", "lines", "sentences", "words", "postscript")
_OPENINGS = ("repeat", "title", "edges")
_LONGEST_OPENING = 1000  # characters; each of its tokens takes a step, and the answer is to have room
_BLANK = "\n\n"
_SENTENCE_END = re.compile(r"(?<=[.!?])\s")
_SENTENCE_WORDS = 5  # a shorter one may be meant to stand there twice


@dataclass(frozen=True)
class Lead:
    """The demands of one request.  Calling it tells what a text goes on with, None where it may end."""

    request: str
    wanted: tuple[Demand, ...] = field(compare=False, repr=False)

    @property
    def opening(self) -> str:
        """What the answer begins with, empty where that is left to its writer."""
        openings = {
            demand.family: demand.opening for demand in self.wanted if 0 < len(demand.opening) <= _LONGEST_OPENING
        }
        return next((openings[family] for family in _OPENINGS if family in openings), "")

    @property
    def avoid(self) -> tuple[str, ...]:
        """The words and signs that it leaves out."""
        return tuple(dict.fromkeys(word for demand in self.wanted for word in demand.avoid))

    @property
    def least_words(self) -> int:
        """How many words it has at least, 0 where it may have none."""
        return max(
            (demand.amount.least for demand in self.wanted if demand.family == "words" and demand.amount), default=0
        )

    def __call__(self, text: str) -> str | None:
        """Say what an answer goes on with that would end too soon; one that only says again what it said may end."""
        if _says_again(text):
            return None
        more: dict[str, str] = {}
        for demand in self.wanted:
            if demand.verify(text) is None:
                continue
            added = demand.goes_on(text) if demand.goes_on else None
            if added is not None:
                more[demand.family] = added
            elif _has_too_many(demand):
                return None
        added = next((more[family] for family in _ORDER if family in more), None)
        return "" if added == _BLANK and self._counts_paragraphs else added

    @property
    def _counts_paragraphs(self) -> bool:
        return any(
            demand.family in ("paragraphs", "lines") and demand.amount is not None and demand.amount.most is not None
            for demand in self.wanted
        )


def _has_too_many(failed: Demand) -> bool:
    """Tell of a demand that a text fails, and to which nothing is to be added, whether it has too many of something.

    What cannot be added to where there are too few may as well have too few.
    """
    amount = failed.amount
    return amount is not None and bool(amount.most) and (failed.goes_on is not None or not amount.least)


def _says_again(text: str) -> bool:
    """Tell whether the last sentence of a text stood there before."""
    last_line = text.rstrip().rpartition("\n")[2]
    last = _SENTENCE_END.split(last_line)[-1].strip()
    return len(last.split()) >= _SENTENCE_WORDS and text.count(last) > 1


@lru_cache(maxsize=64)
def lead_of(request: str) -> Lead | None:
    """Return how to lead the answer to a request, None where it demands nothing of the kind."""
    wanted = tuple(demands(request))
    led = any(demand.opening or demand.avoid or demand.goes_on for demand in wanted)
    return Lead(request, wanted) if led and not _FORMAL & {demand.family for demand in wanted} else None
