from __future__ import annotations

import asyncio
import time

from schemas.commands import Query
from schemas.subjects import PLAN, Space
from schemas.terms import ErrorCode
from services.runtime.client import ask
from services.runtime.server import EmbeddedServer
from tests.support import Gate, ScriptedEngine, cluster


async def test_a_client_hears_in_time_though_the_stream_is_deleted(server: EmbeddedServer, space: Space) -> None:
    gate = Gate()
    async with cluster(server.url, space, nodes=["n1"], engine=ScriptedEngine(gate)) as deployed:
        started = time.monotonic()
        asking = asyncio.create_task(
            ask(deployed.bus, Query(query="Who wrote Emma?", id="q", timeout_s=3), resend_s=60)
        )
        await gate.reached.wait()
        await deployed.bus.client.jetstream().delete_stream(space.stream(PLAN.store))
        reply = await asking
        assert reply.error is not None
        assert reply.error.code in (ErrorCode.DEADLINE, ErrorCode.INTERNAL)
        assert time.monotonic() - started < 3 + 4
        gate.opened.set()
