"""Cut a query in a thread, so that the event loop goes on, and within a time limit."""

from __future__ import annotations

import asyncio

import structlog

from schemas.commands import Query
from schemas.plans import Chunk
from schemas.terms import Turn
from services.decomposer.conversation import chunks_of
from services.kinds.text import TEXT

log = structlog.get_logger(__name__)

LONG_CHARS = 1000  # a shorter text is cut within milliseconds


def is_long(query: Query) -> bool:
    """Tell whether cutting a query may hold up the loop."""
    return len(query.text) > LONG_CHARS


async def cut(query: Query, max_s: float) -> tuple[list[Chunk], list[Turn]]:
    """Return what `chunks_of` does, without holding up the loop; a text that takes over `max_s` is asked whole."""
    if not is_long(query):
        return chunks_of(query)
    try:
        async with asyncio.timeout(max_s):
            return await asyncio.to_thread(chunks_of, query)  # the thread of one given up ends by itself
    except TimeoutError:
        log.warning("query.uncut", num_chars=len(query.text), max_s=max_s)
        return [Chunk(index=0, text=query.text, kind=TEXT.name)], query.turns
