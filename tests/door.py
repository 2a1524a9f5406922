"""A gateway with scripted nodes behind it, as tests knock at it, and OpenAI's own client."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import openai

from schemas.subjects import Space
from services.gateway.service import ANY_PORT, gateway, listen, url_of
from services.runtime.lifecycle import Service
from services.runtime.server import EmbeddedServer
from tests.support import Cluster, ScriptedEngine, cluster


@asynccontextmanager
async def served(
    server: EmbeddedServer,
    space: Space,
    engine: ScriptedEngine,
    nodes: tuple[str, ...] = ("n1",),
    *,
    max_in_flight: int = 64,
) -> AsyncIterator[tuple[str, Cluster]]:
    """Run all services and a gateway while the body runs."""
    async with (
        cluster(server.url, space, nodes=nodes, engine=engine, max_in_flight=max_in_flight) as deployed,
        gateway_of(deployed) as url,
    ):
        yield url, deployed


@asynccontextmanager
async def gateway_of(deployed: Cluster, name: str = "gateway") -> AsyncIterator[str]:
    """Run one more gateway while the body runs, if it is not stopped before."""
    with listen(ANY_PORT) as listening:
        await deployed.start(Service(name, partial(gateway, listening=listening)))
        try:
            yield url_of(listening)
        finally:
            await deployed.stop(name)


@asynccontextmanager
async def openai_at(url: str, *, max_retries: int = 0) -> AsyncIterator[openai.AsyncOpenAI]:
    """Connect OpenAI's client."""
    async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="none", max_retries=max_retries) as client:
        yield client
