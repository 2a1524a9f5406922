"""Which results may count where votes are to be signed.  Pure: the known keys are handed in."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import structs

from schemas.messages import Result
from schemas.plans import Plan
from services.receipts.keys import NodeKeys
from services.receipts.statement import NotSigned
from services.receipts.verify import check


def refusal(plan: Plan, result: Result, keys: NodeKeys) -> str | None:
    """Say why a result may not count, None where it may."""
    chunk = next((chunk for chunk in plan.chunks if chunk.index == result.chunk), None)
    if chunk is None:
        return "not counted: the query has no such chunk"
    try:
        check(result, chunk, plan.given.get(chunk.index, []), keys)
    except NotSigned as error:
        return f"not counted: {error}"
    return None


def without_refused(plan: Plan, results: Iterable[Result], keys: NodeKeys) -> list[Result]:
    """Put in the place of each result that may not count one without an answer, which says why.

    So the record tells it, and another node is asked at once.
    """
    told = ((result, refusal(plan, result, keys)) for result in results)
    return [result if reason is None else _emptied(result, reason) for result, reason in told]


def _emptied(result: Result, reason: str) -> Result:
    return structs.replace(
        result, answers=[], chosen=None, confidence=0.0, error=reason, too_long=False, checks=[], receipt=None
    )
