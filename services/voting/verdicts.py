"""What a request demands of its answer, verified on each candidate.  Pure.

A candidate that fails where another passes cannot win; where none passes, the one that fails least may.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from schemas.messages import Check
from schemas.terms import PlannedFormat
from services.checks.schema import by_schema
from services.checks.syntax import PARSES
from services.checks.verdict import Verdict, complaint, demands, repaired, verify


@dataclass(frozen=True, slots=True)
class Candidate:
    """What a node said, and the checks that it made itself."""

    text: str
    checks: Sequence[Check] = ()


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


def judge(
    request: str, candidates: Mapping[str, Candidate], *, is_code: bool, form: PlannedFormat | None = None
) -> Verdicts:
    """Verify the demands of a request on each candidate, by node; an empty request demands nothing.

    Code must be such that it can be read as code, and the whole answer has the `form` that the client asks for.
    """
    asked = [*demands(request), *([PARSES] if is_code else [])] if request else []
    if form is not None and form.type in ("json_object", "json_schema"):
        asked.append(by_schema(form.schema_))
    checks: dict[str, list[Check]] = {}
    texts: dict[str, str] = {}
    for node, candidate in candidates.items():
        mended = repaired(asked, candidate.text)
        failed = (
            {verdict.told for verdict in verify(asked, candidate.text) if verdict.reason is not None}
            if mended != candidate.text
            else ()
        )
        own = [
            Check(
                family=verdict.family,
                demand=verdict.told,
                reason=verdict.reason,
                repaired=verdict.reason is None and verdict.told in failed,
            )
            for verdict in verify(asked, mended)
        ]
        if own or candidate.checks:
            checks[node] = [*own, *candidate.checks]
            texts[node] = mended
    return Verdicts(checks, texts)


def _num_failed(checks: Sequence[Check]) -> int:
    return sum(check.reason is not None for check in checks)
