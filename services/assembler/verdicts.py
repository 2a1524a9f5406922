"""What a request demands of its answer, verified on each candidate.  Pure.

A candidate that fails where another passes cannot win; where none passes, the one that fails least may.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from schemas.messages import Check
from services.checks.syntax import PARSES
from services.checks.verdict import Verdict, complaint, demands, repaired, verify
from services.kinds.code import CODE

if TYPE_CHECKING:
    from schemas.messages import Result
    from schemas.plans import Chunk, Plan
    from services.checks.demand import Demand


@dataclass(frozen=True)
class Verdicts:
    """The checks of each candidate's answer, by node, and its text as it was mended; nothing where nothing is asked."""

    checks: Mapping[str, list[Check]] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)

    @property
    def barred(self) -> frozenset[str]:
        """The nodes whose answers fail more demands than another's."""
        least = min(map(_num_failed, self.checks.values()), default=0)
        return frozenset(node for node, checks in self.checks.items() if _num_failed(checks) > least)

    @property
    def complaint(self) -> str:
        """What to tell the next one that is asked; empty where a candidate meets every demand, or there is none."""
        best = min(self.checks.values(), key=_num_failed, default=[])
        failed = [Verdict(check.family, check.demand, check.reason) for check in best if check.reason is not None]
        return complaint(failed)


def judge(plan: Plan, chunk: Chunk, results: Mapping[str, Result]) -> Verdicts:
    """Verify the demands of a query of one chunk on what each node chose; of a part nothing is demanded."""
    asked = _demands(plan, chunk) if len(plan.chunks) == 1 else []
    checks: dict[str, list[Check]] = {}
    texts: dict[str, str] = {}
    for node, result in results.items():
        if result.chosen is None:
            continue
        said = result.answers[result.chosen].text
        mended = repaired(asked, said)
        found = verify(asked, mended)
        failed = (
            {verdict.told for verdict in verify(asked, said) if verdict.reason is not None} if mended != said else ()
        )
        own = [
            Check(
                family=verdict.family,
                demand=verdict.told,
                reason=verdict.reason,
                repaired=verdict.reason is None and verdict.told in failed,
            )
            for verdict in found
        ]
        if own or result.checks:
            checks[node] = [*own, *result.checks]
            texts[node] = mended
    return Verdicts(checks, texts)


def _demands(plan: Plan, chunk: Chunk) -> Sequence[Demand]:
    syntax = [PARSES] if chunk.kind == CODE.name else []
    return [*demands(plan.query), *syntax]


def _num_failed(checks: Sequence[Check]) -> int:
    return sum(check.reason is not None for check in checks)
