"""How full the stream is, and how far back it reaches: a full stream drops its oldest messages without a word."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import msgspec
import structlog

from schemas.subjects import Store
from services.runtime.bus import Bus
from services.runtime.wire import decode, unix_time

log = structlog.get_logger(__name__)

FRESH_S = 0.5
NEARLY_FULL = 0.9


class Fill(msgspec.Struct, frozen=True):
    """The bytes in the stream, the bytes that it may hold (-1: any number), and its oldest message's Unix time."""

    num_bytes: int
    max_bytes: int
    oldest_at: float

    @property
    def share(self) -> float:
        """Give the part of the stream that is taken, 0 to 1."""
        return self.num_bytes / self.max_bytes if self.max_bytes > 0 else 0.0

    def would_lose(self, needed_s: float, now: float, more_bytes: int = 0) -> bool:
        """Tell whether what is written now, `more_bytes` among it, may be dropped within `needed_s`.

        A stream that is nearly full drops what is older than its oldest message at the present rate of writing.
        """
        share = (self.num_bytes + more_bytes) / self.max_bytes if self.max_bytes > 0 else 0.0
        return share >= NEARLY_FULL and now - self.oldest_at < needed_s


class StreamFill:
    """The fill of the stream, asked for every `FRESH_S` at most, and the bytes that were let in since (`_let_in`)."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._fill: Fill | None = None
        self._read_at = float("-inf")
        self._let_in = 0
        self._reading = asyncio.Lock()

    async def read(self) -> Fill:
        """Give the fill.  Raises BusError when the server stays away."""
        async with self._reading:
            if self._fill is None or time.monotonic() - self._read_at > FRESH_S:
                self._fill = await read_fill(self._bus)
                self._read_at = time.monotonic()
                self._let_in = 0
            return self._fill

    async def has_room(self, needed_s: float, num_bytes: int = 0) -> bool:
        """Tell whether a query that lives for `needed_s` can be kept for so long; log it when it can't.

        Of one that can the `num_bytes` are counted at once, so that not many are let in on the word of one look.
        """
        fill = await self.read()
        if not fill.would_lose(needed_s, time.time(), self._let_in + num_bytes):
            self._let_in += num_bytes
            return True
        log.warning("stream.full", share=round(fill.share, 3), max_bytes=fill.max_bytes, needed_s=needed_s)
        return False


async def read_fill(bus: Bus) -> Fill:
    """Ask the server.  Raises BusError when it stays away."""
    info: dict[str, Any] = decode(await bus.ask_jetstream(f"STREAM.INFO.{bus.space.stream(Store.STREAM)}"), dict)
    state = info["state"]
    oldest_at = unix_time(state["first_ts"]) if state["messages"] else time.time()
    return Fill(num_bytes=state["bytes"], max_bytes=info["config"]["max_bytes"], oldest_at=oldest_at)
