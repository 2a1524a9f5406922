"""Cut a query into its independent parts, and a part into stages where each builds on the one before.

A text stays whole unless it is certainly several: every clause is a request of a kind that may stand alone, or states
the facts of a problem; no clause points back to another part; and nothing governs them together.  The rules know
English only, and words rather than the world: two parts about one matter in different words may come apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from schemas.plans import Chunk
from services.decomposer.cutting.asks import Ask, Mood, asks_quantity, is_english
from services.decomposer.cutting.chains import Stage, stages
from services.decomposer.cutting.clauses import Clause, find_clauses
from services.decomposer.cutting.demands import governs
from services.decomposer.cutting.masking import Span, mask, trimmed
from services.decomposer.cutting.ties import FIGURE, PERSONAL, SEVERAL, VARIABLE, names, needs, refers_back
from services.kinds.problem import PROBLEM
from services.kinds.table import kind_of
from services.language import sums, verbs

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_CHUNKS = 32
MAX_CHARS = 4_000  # a longer text is hardly a list of questions, and stays whole unread
_MAX_ROUNDS = 4  # each looks into the parts of the one before: lists in lists are rarely deeper than two
_MAY_STAND_ALONE = verbs.CALCULATING | verbs.COMPARING | verbs.EXPLAINING | verbs.FINDING | verbs.ORDERING


def cut(query: str) -> list[Chunk]:
    """Give the chunks of `query` in order, at most `MAX_CHUNKS`; blank text has none."""
    return [chunk for group in grouped(parts(query)) for chunk in group]


def grouped(texts: Sequence[str]) -> list[list[Chunk]]:
    """Give the chunks of each part: its stages, or the part alone.  They are numbered throughout."""
    groups: list[list[Chunk]] = []
    first, spare = 0, MAX_CHUNKS - len(texts)
    for text in texts:
        found = stages(text) if len(text) <= MAX_CHARS and not governs(text, mask(text)) else []
        found = found if 0 < len(found) - 1 <= spare else [Stage(text)]
        spare -= len(found) - 1
        groups.append([_chunk(stage, first, first + i) for i, stage in enumerate(found)])
        first += len(found)
    return groups


def _chunk(stage: Stage, first: int, index: int) -> Chunk:
    kind = PROBLEM if stage.goes_on else kind_of(stage.text)
    depends_on = [first + earlier for earlier in stage.depends_on]
    return Chunk(index=index, text=stage.text, kind=kind.name, depends_on=depends_on, context=stage.context)


def parts(query: str) -> list[str]:
    """Cut `query` into independent parts, in order."""
    spans = [trimmed(query, Span(0, len(query)))]
    for _ in range(_MAX_ROUNDS if len(query) <= MAX_CHARS else 0):
        finer = [inner for span in spans for inner in _cut(query, span)]
        if finer == spans:
            break
        spans = finer
    if len(spans) > MAX_CHUNKS:
        spans[MAX_CHUNKS - 1 :] = [Span(spans[MAX_CHUNKS - 1].start, spans[-1].end)]
    return [query[span.start : span.end] for span in spans if span.end > span.start]


def _cut(query: str, span: Span) -> list[Span]:
    text = query[span.start : span.end]
    masked = mask(text)
    if not is_english(masked) or governs(text, masked):
        return [span]
    drafts = _fold(find_clauses(masked))
    if len(drafts) < 2 or not all(draft.may_stand_alone() for draft in drafts):  # noqa: PLR2004
        return [span]
    return [Span(span.start + draft.clauses[0].span.start, span.start + draft.clauses[-1].span.end) for draft in drafts]


# --- joining what belongs together -----------------------------------------------------------------------------------


class _Draft(NamedTuple):
    """A part in the making: what is stated waits in it until something is asked."""

    clauses: list[Clause]

    @property
    def stated(self) -> str:
        return "\n".join(clause.text for clause in self.clauses if clause.ask is None)

    @property
    def asked(self) -> bool:
        return any(clause.ask for clause in self.clauses)

    def may_stand_alone(self) -> bool:
        """Tell whether each request is of a known kind, and each statement leads to a question for a quantity."""
        text = " ".join(clause.text for clause in self.clauses)
        if not all(_is_of_known_kind(clause.ask, text) for clause in self.clauses if clause.ask):
            return False
        last, stated = self.clauses[-1], self.stated
        if not stated:
            return True
        if last.ask is None or FIGURE.pattern.search(stated) is None:
            return False
        return asks_quantity(last.text) or last.ask.word in verbs.CALCULATING | {"what", "when", "find"}


def _is_of_known_kind(ask: Ask, part: str) -> bool:
    """Tell whether a request may be of a part: a fact, a list, a sum, or what one sentence asks to explain."""
    if ask.word in sums.CONTINUING:  # "add two hashtags" is no sum
        return FIGURE.pattern.search(part) is not None
    return ask.mood is not Mood.COMMAND or ask.word in _MAY_STAND_ALONE


def _fold(clauses: list[Clause]) -> list[_Draft]:
    """Join clauses to parts."""
    drafts: list[_Draft] = []
    for clause in clauses:
        home = _home(drafts, clause)
        before = [earlier for draft in drafts[home:] for earlier in draft.clauses]
        drafts[home:] = [_Draft([*before, clause])]
        is_answered = clause.ask is not None and bool(before) and not _Draft(before).asked
        if is_answered and home > 0 and not _is_own_problem(drafts[-2], drafts[-1]):
            drafts[-2:] = [_Draft(drafts[-2].clauses + drafts[-1].clauses)]
    return drafts


def _home(drafts: list[_Draft], clause: Clause) -> int:
    """Give the index of the draft that `clause` goes on with; their number if it starts anew."""
    last = len(drafts) - 1
    if not drafts or not drafts[last].asked:
        return max(last, 0)
    if refers_back(clause):
        return _meant(drafts, clause)
    first = 0 if asks_quantity(clause.text) else last  # only figures are worked on again after other parts
    return next((i for i in range(last, first - 1, -1) if needs(clause, drafts[i].stated)), len(drafts))


def _meant(drafts: list[_Draft], clause: Clause) -> int:
    """Give the index of the draft that `clause`, which points back, may mean, with all drafts after it.

    A comparison may be of all that was asked, and a pronoun means what is nearest.  What asks for a figure, or lacks a
    noun, may be about an earlier statement.
    """
    last = len(drafts) - 1
    if SEVERAL.pattern.search(clause.text) and not drafts[last].stated:
        return 0
    if PERSONAL.pattern.search(clause.text) and not asks_quantity(clause.text):
        return last
    return next((i for i in range(last, -1, -1) if drafts[i].stated), last)


def _is_own_problem(before: _Draft, draft: _Draft) -> bool:
    """Tell whether a statement and the question after it belong together rather than to the part before them."""
    asked = draft.clauses[-1].text
    is_led_to = asks_quantity(asked) or any(back.pattern.search(asked) for back in (PERSONAL, VARIABLE))
    return is_led_to and not names(before.stated) & names(draft.stated)
