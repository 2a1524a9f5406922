"""The drafts of a response: what was streamed of it before its answer stood.

Those of a background response are written to the bus before a client sees them.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import structs

from schemas.messages import Piece
from schemas.responses import Drafts
from schemas.subjects import DRAFTS
from services.gateway.responses.script import drafts_with
from services.runtime.bus import Bus
from services.runtime.wire import Conflict, Entry


class Hearing:
    """Puts the pieces of one text together."""

    def __init__(self) -> None:
        self._text = ""
        self._next: int | None = None  # index; None where a piece was missed, until a text begins anew

    def hear(self, piece: Piece) -> str | None:
        """Give the text so far; None where its begin is not known."""
        if piece.revised or piece.index == 0:
            self._text, self._next = "", piece.index
        if piece.index != self._next:
            self._next = None
            return None
        self._text += piece.text
        self._next += 1
        return self._text


class DraftLog:
    """The drafts of one response.  With `written` the bus has them first, and other gateways' are joined."""

    def __init__(self, bus: Bus, id_: str, *, written: bool) -> None:
        self._bus = bus
        self._written = written
        self._drafts = Drafts(id=id_)
        self._sequence = 0

    @property
    def texts(self) -> Sequence[str]:
        """The drafts, of which the last still grows."""
        return self._drafts.texts

    async def load(self) -> None:
        """Read what the bus has."""
        stored = await self._bus.last(DRAFTS, id=self._drafts.id) if self._written else None
        if stored is not None:
            self._drafts, self._sequence = stored.message, stored.sequence

    async def add(self, heard: str) -> None:
        """Add what was heard of a text."""
        while not self._drafts.sealed:
            texts = drafts_with(self._drafts.texts, heard)
            if texts == self._drafts.texts or await self._put(structs.replace(self._drafts, texts=texts)):
                return

    async def seal(self) -> None:
        """Let nobody add anything."""
        while not self._drafts.sealed:
            await self._put(structs.replace(self._drafts, sealed=True))

    async def _put(self, drafts: Drafts) -> bool:
        """Write drafts and return True; where another gateway wrote before, read its drafts and return False."""
        try:
            if self._written:
                self._sequence = await self._bus.commit(Entry(DRAFTS, drafts, expect=self._sequence))
        except Conflict:
            await self.load()
            return False
        self._drafts = drafts
        return True
