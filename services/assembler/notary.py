"""Lets only signed votes count, and logs each that does not."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from schemas.messages import Result
from schemas.plans import Plan
from services.assembler.receipts import refusal, without_refused
from services.receipts.keys import KeyFile, KeyFileError, NodeKeys

log = structlog.get_logger(__name__)

MAX_TOLD = 4096


class Notary:
    """Knows the nodes' keys by a file, and by what it was last where that cannot be read any more.

    `_told` holds the results of which the log tells: they are looked at again and again.
    """

    def __init__(self, file: KeyFile) -> None:
        self._file = file
        self._told: dict[tuple[str, int, str], None] = {}
        self._problem = ""

    def admitted(self, plan: Plan, results: Sequence[Result]) -> list[Result]:
        """Give the results, in the place of each that may not count one without an answer, which says why."""
        keys = self._keys()
        for result in results:
            self._tell(result, refusal(plan, result, keys))
        return without_refused(plan, results, keys)

    def refuses(self, plan: Plan, result: Result) -> bool:
        """Tell whether a result may not count."""
        reason = refusal(plan, result, self._keys())
        self._tell(result, reason)
        return reason is not None

    def _keys(self) -> NodeKeys:
        problem = ""
        try:
            self._file.read()
        except KeyFileError as error:
            problem = str(error)
        if problem and problem != self._problem:
            log.error("keys.unreadable", error=problem)
        self._problem = problem
        return self._file.known

    def _tell(self, result: Result, reason: str | None) -> None:
        place = (result.id, result.chunk, result.node)
        if reason is None or place in self._told:
            return
        self._told[place] = None
        while len(self._told) > MAX_TOLD:
            del self._told[next(iter(self._told))]
        log.warning("vote.refused", query=result.id, chunk=result.chunk, node=result.node, reason=reason)
