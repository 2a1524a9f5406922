"""Notice a connection that only looks alive.

An exception in nats-py's read loop ends the loop and leaves a client that says it is connected.  A ping that stays
unanswered shows it, and a forced reconnect mends it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import nats.errors
import structlog
from nats.aio.client import Client

from services.runtime.supervision import alongside

log = structlog.get_logger(__name__)

INTERVAL_S = 2.0
PATIENCE_S = 3


@asynccontextmanager
async def watch_connection(client: Client, name: str) -> AsyncIterator[None]:
    """Ping the server now and then while the body runs.  A connection closed for good ends the body."""

    async def watch() -> None:
        while not client.is_closed:
            await asyncio.sleep(INTERVAL_S)
            if not client.is_connected:
                continue
            try:
                await client.rtt(timeout=PATIENCE_S)
            except (nats.errors.Error, TimeoutError, OSError) as error:
                if client.is_connected:
                    log.warning("nats.stale", service=name, error=str(error) or type(error).__name__)
                    await client.force_reconnect()

    async with alongside(watch(), name=name):
        yield
