"""What one client may ask, where nats-server says who asks; and what the operator allows of each query."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest

from schemas.commands import Query
from schemas.subjects import Space
from schemas.terms import ErrorCode, Role, Status, Turn
from services.decomposer.config import DecomposerConfig
from services.decomposer.service import decomposer
from services.runtime.bus import Bus, connect
from services.runtime.client import ask
from services.runtime.lifecycle import Service
from services.runtime.limits import MIN_STREAM_BYTES, Limits
from services.runtime.provision import provision
from services.runtime.server import EmbeddedServer, embedded_server
from tests.support import Cluster, Gate, ScriptedEngine, cluster

SPACE = Space()
OTHERS = ("assembler", "synthesizer")


@pytest.fixture
async def secured(tmp_path: Path) -> AsyncIterator[EmbeddedServer]:
    async with embedded_server(tmp_path / "data", SPACE, ["n1"]) as started:
        yield started


@asynccontextmanager
async def deployed(
    server: EmbeddedServer, config: DecomposerConfig, engine: ScriptedEngine | None = None
) -> AsyncIterator[Cluster]:
    async with cluster(server.connection, SPACE, to_come=["n1"], services=OTHERS) as started:
        await started.add_node("n1", engine)
        await started.start(Service("decomposer", partial(decomposer, config=config, roster=started.roster)))
        await started.knows("n1")
        yield started


def query(id_: str, **fields: object) -> Query:
    return Query(**({"query": "Who wrote Emma?", "id": id_, "timeout_s": 20} | fields))  # type: ignore[arg-type]


@asynccontextmanager
async def as_client(server: EmbeddedServer) -> AsyncIterator[Bus]:
    async with connect(server.connection.for_user("client"), space=SPACE, name="client") as bus:
        yield bus


async def test_a_client_has_as_many_queries_in_flight_as_the_operator_allows(secured: EmbeddedServer) -> None:
    gate = Gate()
    async with (
        deployed(secured, DecomposerConfig(max_per_client=1), ScriptedEngine(gate)),
        as_client(secured) as client,
    ):
        first = asyncio.create_task(ask(client, query("q1")))
        await asyncio.wait_for(gate.reached.wait(), 10)
        refused = await ask(client, query("q2"))
        assert refused.error is not None
        assert refused.error.code is ErrorCode.OVERLOADED
        assert "this client has 1 queries in flight" in refused.error.message
        again = asyncio.create_task(ask(client, query("q1"), resend_s=0.2))
        async with connect(secured.guest, space=SPACE, name="guest") as guest:
            other = asyncio.create_task(ask(guest, query("q3")))
            gate.opened.set()
            assert (await first).status is Status.COMPLETE
            assert await again == await first, "the same query is none more"
            assert (await other).status is Status.COMPLETE, "others have a quota of their own"
        assert (await ask(client, query("q2"))).status is Status.COMPLETE, "there is room again"


async def test_a_client_is_known_whatever_it_says_of_itself(secured: EmbeddedServer) -> None:
    gate = Gate()
    async with (
        deployed(secured, DecomposerConfig(max_per_client=1), ScriptedEngine(gate)),
        as_client(secured) as client,
    ):
        first = asyncio.create_task(ask(client, query("q1")))
        await asyncio.wait_for(gate.reached.wait(), 10)
        for said in ('{"acc": "dellm-client-other"}', "{}", "junk"):
            headers = {"Nats-Request-Info": said}
            msg = await client.client.request("dellm.query", b'{"query": "What?"}', timeout=10, headers=headers)
            assert json.loads(msg.data)["error"]["code"] == "overloaded"
        gate.opened.set()
        await first


async def test_no_generation_is_longer_than_the_operator_allows(secured: EmbeddedServer) -> None:
    engine = ScriptedEngine()
    async with deployed(secured, DecomposerConfig(max_tokens=16), engine) as started:
        reply = await ask(started.bus, query("q1", query="Write a story.", max_tokens=500))
        assert reply.notes == ["Up to 500 tokens were wanted; the operator allows 16."]
        silent = await ask(started.bus, query("q2", query="Write a story."))
        assert silent.notes == []
        await ask(started.bus, query("q3", query="Write a story.", max_tokens=8))
    assert [request.max_tokens for request in engine.asked] == [16, 16, 8]


async def test_a_burst_is_let_in_as_far_as_there_is_room(secured: EmbeddedServer) -> None:
    """Each of these takes 200 KB of a stream of 1 MB: what is let in is answered, and the others are told at once."""
    gate = Gate()
    said = [Turn(role=Role.USER, content="It is said. " * 8_000), Turn(role=Role.ASSISTANT, content="Yes.")]
    async with deployed(secured, DecomposerConfig(), ScriptedEngine(gate)) as started:
        await provision(started.bus, Limits(stream_max_bytes=MIN_STREAM_BYTES))
        asking = [Turn(role=Role.USER, content="And what of it? Write a story of that.")]
        burst = [query(f"q{number}", query="", messages=[*said, *asking]) for number in range(20)]
        asked = [asyncio.create_task(ask(started.bus, one)) for one in burst]
        done, _ = await asyncio.wait(asked, timeout=5, return_when=asyncio.FIRST_COMPLETED)
        assert done, "some are refused at once"
        gate.opened.set()
        replies = await asyncio.gather(*asked)
    refused = [reply for reply in replies if reply.error is not None]
    assert {reply.error.code for reply in refused if reply.error is not None} == {ErrorCode.OVERLOADED}
    assert 0 < len(replies) - len(refused) < len(replies)
