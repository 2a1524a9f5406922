"""A gateway with scripted nodes behind it, as tests knock at it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from schemas.subjects import Space
from services.gateway.service import ANY_PORT, gateway, listen, url_of
from services.runtime.lifecycle import Service
from services.runtime.server import EmbeddedServer
from tests.support import Cluster, ScriptedEngine, cluster


@asynccontextmanager
async def served(
    server: EmbeddedServer, space: Space, engine: ScriptedEngine, nodes: tuple[str, ...] = ("n1",)
) -> AsyncIterator[tuple[str, Cluster]]:
    """Serve HTTP while the body runs; give the address and the deployment."""
    with listen(ANY_PORT) as listening:
        async with cluster(server.url, space, nodes=nodes, engine=engine) as deployed:
            await deployed.start(Service("gateway", partial(gateway, listening=listening)))
            yield url_of(listening), deployed
