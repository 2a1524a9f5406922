"""Find the demands of a request, verify an answer against them, and mend what needs no other words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from services.checks.demand import Demand
from services.checks.family import Family
from services.checks.table import FAMILIES

_LONGEST_REQUEST = 64 * 1024
_MOST_DEMANDS = 32


@dataclass(frozen=True)
class Verdict:
    """What an answer makes of one demand; `reason` is None where it meets it."""

    family: str
    told: str
    reason: str | None


def demands(request: str, families: Iterable[Family] = FAMILIES) -> list[Demand]:
    """Return the demands that a request makes on the whole of its answer, each once, contradictory ones left out."""
    found: dict[tuple[str, str], Demand] = {}
    for family in families:
        for demand in family.find(request[:_LONGEST_REQUEST]):
            found.setdefault((demand.family, demand.told), demand)
    all_found = list(found.values())[:_MOST_DEMANDS]
    return [one for one in all_found if not any(one.contradicts(other) for other in all_found)]


def verify(demands: Iterable[Demand], answer: str) -> list[Verdict]:
    """Return one verdict a demand."""
    return [Verdict(demand.family, demand.told, demand.verify(answer)) for demand in demands]


def repaired(demands: Sequence[Demand], answer: str) -> str:
    """Return the answer with the mechanical repairs that let more demands hold and none fail that held."""
    held = _held(demands, answer)
    for place, demand in enumerate(demands):
        if demand.repair is None or place in held:
            continue
        mended = demand.repair(answer)
        holds = _held(demands, mended)
        if holds > held:
            answer, held = mended, holds
    return answer


def _held(demands: Sequence[Demand], answer: str) -> set[int]:
    return {place for place, demand in enumerate(demands) if demand.verify(answer) is None}


def complaint(verdicts: Iterable[Verdict]) -> str:
    """Return one line that asks for the answer again and tells what failed; "" where nothing did."""
    failed = [verdict for verdict in verdicts if verdict.reason is not None]
    if not failed:
        return ""
    wrong = "; ".join(f"{verdict.reason}" for verdict in failed)
    wanted = "; ".join(verdict.told for verdict in failed)
    line = f"Your answer fell short: {wrong}. Write the whole answer again so that it meets this: {wanted}."
    return " ".join(line.split())
