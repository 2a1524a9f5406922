"""The feed of the nodes for pages: which are live, how busy, how fit and how fast, as it changes.

It listens to the bus only while a page watches.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress

import msgspec
import structlog

from schemas.messages import Result
from schemas.records import Fitness, Presence
from schemas.subjects import ASSEMBLED, DECIDED, FITNESS, PRESENCE, RESULT, TASK
from services.gateway.census import Census, NodeView, changes
from services.gateway.progress import named_event
from services.gateway.wire import KEEP_ALIVE
from services.runtime.bus import Bus
from services.runtime.wire import BusError, decode

log = structlog.get_logger(__name__)

TELL_S = 0.3
READ_S = 1.0
QUIET_S = 5.0
FEED_S = 600.0  # a page that still looks comes again


class NodeFeed:
    """Listens to the bus for all watchers; `_num_watchers` counts them."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._census = Census()
        self._views: dict[str, NodeView] = {}
        self._viewed_at = float("-inf")
        self._present: list[Presence] = []
        self._known: dict[str, Fitness] = {}
        self._num_watchers = 0
        self._hearing: asyncio.Task[None] | None = None
        self._looked = asyncio.Event()
        self._ended = False

    async def views(self) -> list[NodeView]:
        """Give the nodes as they are now."""
        await self._look()
        self._viewed_at = float("-inf")
        return list(self._shown().values())

    async def follow(self) -> AsyncGenerator[str, None]:
        """Give all nodes, then those that change."""
        began_at = quiet_since = time.monotonic()
        seen: dict[str, NodeView] = {}
        told_rate: float | None = None
        async with self._heard():
            while not self._ended and time.monotonic() < began_at + FEED_S:
                now, views = time.monotonic(), self._shown()
                changed, gone = changes(seen, views)
                rate = self._census.tokens_per_s(now)
                if changed or gone or rate != told_rate:
                    seen, told_rate, quiet_since = views, rate, now
                    yield named_event("nodes", {"changed": changed, "gone": gone, "tokens_per_s": rate})
                elif now - quiet_since > QUIET_S:
                    quiet_since = now
                    yield KEEP_ALIVE
                await asyncio.sleep(TELL_S)

    async def close(self) -> None:
        """End all feeds."""
        self._ended = True
        await self._stop_hearing()

    def _shown(self) -> dict[str, NodeView]:
        """Give all nodes as they are, drawn up once for all who look."""
        now = time.monotonic()
        if now >= self._viewed_at + TELL_S / 2:
            self._views, self._viewed_at = self._census.views(self._present, self._known, now), now
        return self._views

    @asynccontextmanager
    async def _heard(self) -> AsyncIterator[None]:
        """Hear the bus while the body runs, once for all who look."""
        self._num_watchers += 1
        if self._hearing is None:
            self._looked.clear()
            self._hearing = asyncio.create_task(self._hear(), name="nodes")
        try:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._looked.wait(), READ_S)
            yield
        finally:
            self._num_watchers -= 1
            if self._num_watchers == 0:
                await self._stop_hearing()

    async def _stop_hearing(self) -> None:
        hearing, self._hearing = self._hearing, None
        if hearing is not None:
            hearing.cancel()
            await asyncio.gather(hearing, return_exceptions=True)

    async def _hear(self) -> None:
        """Note what passes, and look around now and then; a server that is away ends nothing."""
        self._census = Census()
        addresses = [self._bus.space.event(row.at()) for row in (TASK, RESULT, DECIDED, ASSEMBLED)]
        async with self._bus.tap(*addresses) as heard:
            while True:
                try:
                    await self._look()
                except BusError as error:
                    log.warning("nodes.unseen", reason=str(error))
                with suppress(TimeoutError):
                    async with asyncio.timeout(READ_S):
                        while True:
                            self._note(*await heard.get())

    async def _look(self) -> None:
        present, known = await asyncio.gather(
            self._bus.read((PRESENCE, PRESENCE.at())), self._bus.read((FITNESS, FITNESS.at()))
        )
        self._present = [stored.message for stored in present[PRESENCE]]
        self._known = {stored.message.node: stored.message for stored in known[FITNESS]}
        self._looked.set()

    def _note(self, address: str, payload: bytes) -> None:
        _, _, name, *tokens = address.split(".")
        with suppress(msgspec.DecodeError):
            match name, tokens:
                case "task", [node, id_, chunk]:
                    self._census.on_task(id_, int(chunk), node, time.monotonic())
                case "result", _:
                    self._census.on_result(decode(payload, Result), time.monotonic())
                case "decided", [id_, chunk]:
                    self._census.on_end(id_, int(chunk))
                case "assembled", [id_]:
                    self._census.on_end(id_)
