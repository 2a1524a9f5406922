"""What strangers send to the front door."""

from __future__ import annotations

import asyncio
import json

import nats
import pytest

from schemas.commands import Cancel, Query
from schemas.subjects import CANCEL, PLAN, Space
from schemas.terms import ErrorCode, Policy
from services.runtime.client import ask
from services.runtime.server import EmbeddedServer
from tests.support import cluster


@pytest.mark.parametrize("payload", [b'{"a":' * 30000, b'{"id":' * 30000, b"[" * 100000])
async def test_nesting_without_end_is_refused(server: EmbeddedServer, space: Space, payload: bytes) -> None:
    async with cluster(server.url, space):
        client = await nats.connect(server.url)
        reply = await client.request(f"{space.prefix}.query", payload, timeout=5)
        await client.close()
    assert json.loads(reply.data)["error"]["code"] == "bad_request"


async def test_nothing_is_sent_to_what_is_no_inbox(server: EmbeddedServer, space: Space) -> None:
    async with cluster(server.url, space, nodes=["n1"]) as deployed:
        async with deployed.bus.tap(f"{space.prefix}.feedback.x") as heard:
            address = f"{space.prefix}.query"
            await deployed.bus.send(
                address, b'{"query": "What is DNA?", "id": "bad"}', reply=f"{space.prefix}.feedback.x"
            )
            await asyncio.wait_for(ask(deployed.bus, Query(query="What is RNA?", id="good")), 10)
            assert heard.empty()
        assert await deployed.bus.last(PLAN, id="bad") is None


async def test_the_operator_limits_how_many_nodes_are_asked(server: EmbeddedServer, space: Space) -> None:
    async with cluster(server.url, space, nodes=["n1"]) as deployed:
        policy = Policy(replicas=256, max_replicas=256)
        await asyncio.wait_for(ask(deployed.bus, Query(query="What is DNA?", id="q", policy=policy)), 10)
        plan = await deployed.bus.last(PLAN, id="q")
    assert plan is not None
    assert (plan.message.policy.replicas, plan.message.policy.max_replicas) == (16, 16)


async def test_a_cancel_may_come_before_its_query(server: EmbeddedServer, space: Space) -> None:
    async with cluster(server.url, space, nodes=["n1"]) as deployed:
        await deployed.bus.publish(CANCEL, Cancel(id="q", reason="no longer wanted"))
        # the decomposer hears both subjects over one connection, in order
        reply = await asyncio.wait_for(ask(deployed.bus, Query(query="What is DNA?", id="q")), 10)
    assert reply.error is not None
    assert (reply.error.code, reply.error.message) == (ErrorCode.CANCELLED, "no longer wanted")
