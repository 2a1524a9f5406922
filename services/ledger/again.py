"""What a rule of the vote would have made of the queries on record, and whether that would have been better.  Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from enum import StrEnum

from msgspec import Struct

from schemas.terms import VoteRule
from services.evaluation.replay import changed, decide, undecidable
from services.ledger.judged import is_right, said_of
from services.ledger.kept import Kept


class Verdict(StrEnum):
    """What a change comes to, where it is known."""

    BETTER = "better"
    WORSE = "worse"
    AS_GOOD = "as good"
    AS_BAD = "as bad"


class Change(Struct, frozen=True, kw_only=True):
    """A chunk that a rule decides otherwise than it was; `verdict` None: nobody said which is right."""

    id: str
    chunk: int
    text: str
    rule: VoteRule
    before: str | None
    after: str
    verdict: Verdict | None


class Effect(Struct, frozen=True, kw_only=True):
    """What a rule makes of `queries` on record, of whose `chunks` it decides `decided` again.

    `undecided` counts why it does not decide the others.  Of the decided, `known` have an answer that is known to be
    right or wrong before and after; `before` and `after` are right.
    """

    rule: VoteRule
    queries: int
    chunks: int
    decided: int
    undecided: dict[str, int]
    known: int
    before: int
    after: int
    changes: list[Change]

    @property
    def better(self) -> int:
        """How many wrong answers would have been right."""
        return sum(change.verdict is Verdict.BETTER for change in self.changes)

    @property
    def worse(self) -> int:
        """How many right answers would have been wrong."""
        return sum(change.verdict is Verdict.WORSE for change in self.changes)


def effect_of(rule: VoteRule, queries: Sequence[Kept]) -> Effect:
    """Decide all queries again by a rule."""
    undecided: Counter[str] = Counter()
    changes: list[Change] = []
    decided = known = before = after = 0
    for kept in queries:
        for chunk in kept.chunks:
            made = decide(chunk, rule, whole=len(kept.chunks) == 1)
            if made is None:
                undecided[undecidable(chunk, rule) or "no vote that counts"] += 1
                continue
            decided += 1
            said = said_of(kept, chunk)
            was = is_right(chunk.final or "", chunk, said) if said is not None else None
            would_be = is_right(made.final, chunk, said) if said is not None else None
            if was is not None and would_be is not None:
                known, before, after = known + 1, before + was, after + would_be
            if changed(chunk, made):
                changes.append(
                    Change(
                        id=kept.id,
                        chunk=chunk.index,
                        text=chunk.text,
                        rule=rule,
                        before=chunk.final,
                        after=made.final,
                        verdict=_verdict(was=was, would_be=would_be),
                    )
                )
    return Effect(
        rule=rule,
        queries=len(queries),
        chunks=sum(len(kept.chunks) for kept in queries),
        decided=decided,
        undecided=dict(undecided.most_common()),
        known=known,
        before=before,
        after=after,
        changes=changes,
    )


def _verdict(*, was: bool | None, would_be: bool | None) -> Verdict | None:
    if was is None or would_be is None:
        return None
    if was:
        return Verdict.AS_GOOD if would_be else Verdict.WORSE
    return Verdict.BETTER if would_be else Verdict.AS_BAD
