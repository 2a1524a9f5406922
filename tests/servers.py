"""Servers for tests that need one of their own, with a configuration of their own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from services.runtime.server import EmbeddedServer


@asynccontextmanager
async def plain_server(folder: Path, more: str) -> AsyncIterator[EmbeddedServer]:
    """Run a server with some more configuration while the body runs."""
    started = EmbeddedServer(folder, more=more)
    await started.start()
    try:
        yield started
    finally:
        await started.stop()
