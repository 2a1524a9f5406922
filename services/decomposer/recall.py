"""Find answers of earlier queries in the cache.  A cache that is away or slow holds nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import structlog

from schemas.cache import cache_key
from schemas.plans import Chunk, Given
from schemas.subjects import CACHED
from schemas.terms import CachedAnswer
from services.runtime.bus import Bus
from services.runtime.wire import BusError

log = structlog.get_logger(__name__)

LOOK_UP_S = 0.5  # no query waits longer for what may save it work


async def recall(
    bus: Bus, chunks: Sequence[Chunk], given: Sequence[Given] = (), *, sure: float | None = None
) -> dict[int, CachedAnswer]:
    """Give the cached answers to chunks that build on `given`, by the chunk's index, if they are so `sure` or more."""
    keys = {chunk.index: cache_key(chunk, given) for chunk in chunks}
    try:
        async with asyncio.timeout(LOOK_UP_S):
            found = await bus.read(*((CACHED, CACHED.at(key=key)) for key in dict.fromkeys(keys.values())))
    except (BusError, TimeoutError) as error:
        log.warning("cache.away", reason=str(error) or type(error).__name__)
        return {}
    cached = [stored.message for stored in found[CACHED]]
    answers = {answer.key: answer for answer in cached if answer.confidence >= (sure or 0.0)}
    return {index: answers[key] for index, key in keys.items() if key in answers}
