"""Publish an answer while it is written: best effort, in order, and as the answer will stand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from schemas.messages import Piece
from schemas.subjects import PIECE
from services.runtime.bus import Bus

log = structlog.get_logger(__name__)

LAST_S = 0.2


class Pieces:
    """What is to be published of one answer.  White space at either end is no part of it."""

    def __init__(self, *, revised: bool) -> None:
        self.waiting: asyncio.Queue[tuple[str, bool] | None] = asyncio.Queue()
        self._revised = revised
        self._begun = False
        self._space = ""

    def write(self, text: str) -> None:
        """Go on with the answer."""
        text = self._space + text if self._begun else text.lstrip()
        shown = text.rstrip()
        self._space = text[len(shown) :]
        if shown:
            self._begun = True
            self.waiting.put_nowait((shown, self._revised))
            self._revised = False

    def begin_anew(self) -> None:
        """Let what follows stand in the place of all that was written."""
        self._revised, self._begun, self._space = True, False, ""


@asynccontextmanager
async def publishing(bus: Bus, id_: str, *, revised: bool = False) -> AsyncIterator[Pieces]:
    """Publish pieces of the answer to a query while the body runs; those that wait go together.

    The reply, not the pieces, is the answer: what cannot be published is told in the log, and nothing else;
    what is not published LAST_S after the body ended is dropped.
    """
    pieces = Pieces(revised=revised)
    publisher = asyncio.create_task(_publish(bus, id_, pieces))
    try:
        yield pieces
    finally:
        pieces.waiting.put_nowait(None)
        try:
            _, late = await asyncio.wait({publisher}, timeout=LAST_S)
        finally:
            publisher.cancel()
        if late:
            log.warning("piece.lost", query=id_, error="publishing takes too long")


async def _publish(bus: Bus, id_: str, pieces: Pieces) -> None:
    index, ended = 0, False
    while not ended:
        taken = [await pieces.waiting.get()]
        while not pieces.waiting.empty():
            taken.append(pieces.waiting.get_nowait())
        ended = taken[-1] is None
        for text, revised in _joined([piece for piece in taken if piece is not None]):
            try:
                await bus.publish(PIECE, Piece(id=id_, index=index, text=text, revised=revised))
            except Exception as error:  # noqa: BLE001  whatever is wrong, the answer goes on
                log.warning("piece.lost", query=id_, error=str(error) or type(error).__name__)
            index += 1


def _joined(taken: list[tuple[str, bool]]) -> list[tuple[str, bool]]:
    """Put pieces together; one that begins anew makes those before it needless."""
    last = max((place for place, (_, revised) in enumerate(taken) if revised), default=0)
    taken = taken[last:]
    return [("".join(text for text, _ in taken), taken[0][1])] if taken else []
