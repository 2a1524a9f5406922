"""The gateway with keys, and what it bears from strangers, on a real nats-server with scripted models."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import click.testing
import httpx
import openai
import pytest

from schemas.keys import hash_key
from schemas.records import ApiKey
from schemas.subjects import KEY, Space
from services.cli.main import dellm
from services.gateway.connections import BoundedConnection
from services.gateway.service import ANY_PORT, GatewayError, gateway, listen, url_of
from services.runtime.bus import Bus
from services.runtime.lifecycle import Service
from services.runtime.server import EmbeddedServer
from services.runtime.wire import Entry
from tests.door import served
from tests.support import Cluster, Gate, ScriptedEngine, cluster, saying, wait_until

PERU = {"query": "What is the capital of Peru?"}
OWN = {"Authorization": "Bearer k1"}


async def put(bus: Bus, *, key: str = "k1", per_minute: int = 0, concurrent: int = 0, revoked: bool = False) -> None:
    record = ApiKey(
        name="ann",
        sha256=hash_key(key),
        created_at=time.time(),
        per_minute=per_minute,
        concurrent=concurrent,
        revoked_at=time.time() if revoked else None,
    )
    await bus.commit(Entry(KEY, record))


@asynccontextmanager
async def keyed(
    server: EmbeddedServer, space: Space, engine: ScriptedEngine, *, per_minute: int = 0, concurrent: int = 0
) -> AsyncIterator[tuple[str, Cluster]]:
    """Serve on all addresses, to whoever has the key."""
    with listen("0.0.0.0:0") as listening:
        async with cluster(server.url, space, nodes=("n1",), engine=engine) as deployed:
            await put(deployed.bus, per_minute=per_minute, concurrent=concurrent)
            await deployed.start(Service("gateway", partial(gateway, listening=listening)))
            yield url_of(listening).replace("0.0.0.0", "127.0.0.1"), deployed


async def test_nobody_comes_in_without_a_key(server: EmbeddedServer, space: Space) -> None:
    async with keyed(server, space, ScriptedEngine(saying("Lima."))) as (url, _), httpx.AsyncClient() as client:
        for path in ("/v1/models", "/metrics", "/nodes", "/nowhere"):
            refused = await client.get(f"{url}{path}")
            assert refused.status_code == 401
            assert refused.json()["error"]["code"] == "invalid_api_key"
        for path in ("/", "/page/main.js", "/livez", "/readyz", "/health"):
            assert (await client.get(f"{url}{path}")).status_code == 200
        assert (await client.post(f"{url}/query", json=PERU)).status_code == 401
        assert (await client.post(f"{url}/query", json=PERU, headers=OWN, timeout=30)).status_code == 200
        figures = (await client.get(f"{url}/metrics", headers=OWN)).text
        assert 'dellm_requests_total{route="refused",status="401"} 5.0' in figures


async def test_the_openai_client_with_a_key(server: EmbeddedServer, space: Space) -> None:
    async with keyed(server, space, ScriptedEngine()) as (url, _):
        async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="k1", max_retries=0) as client:
            assert [model.id async for model in client.models.list()][:2] == ["dellm", "dellm-fast"]
        async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="k2", max_retries=0) as stranger:
            with pytest.raises(openai.AuthenticationError):
                await stranger.models.list()


async def test_a_revoked_key_ends_what_it_asked(server: EmbeddedServer, space: Space) -> None:
    gate = Gate()
    engine = ScriptedEngine(gate)
    async with keyed(server, space, engine) as (url, deployed), httpx.AsyncClient(headers=OWN) as client:
        watching = asyncio.create_task(
            client.post(f"{url}/query", json=PERU, headers={"Accept": "text/event-stream"}, timeout=30)
        )
        waiting = asyncio.create_task(client.post(f"{url}/query", json={"query": "Who wrote Hamlet?"}, timeout=30))
        await wait_until(lambda: len(engine.asked) > 1, "both are worked on")
        await put(deployed.bus, revoked=True)
        assert (await waiting).status_code == 401
        assert "event: answer" not in (await watching).text
        await wait_until(lambda: engine.cancelled > 1, "the engine stops")
        assert (await client.get(f"{url}/v1/models")).status_code == 401


async def test_one_too_many_at_a_time(server: EmbeddedServer, space: Space) -> None:
    gate = Gate(saying("Lima."))
    async with (
        keyed(server, space, ScriptedEngine(gate), concurrent=1) as (url, _),
        httpx.AsyncClient(headers=OWN, timeout=30) as client,
    ):
        first = asyncio.create_task(client.post(f"{url}/query", json=PERU))
        await asyncio.wait_for(gate.reached.wait(), 20)
        second = await client.post(f"{url}/query", json=PERU)
        assert second.status_code == 429
        assert int(second.headers["retry-after"]) >= 1
        assert second.json()["error"]["code"] == "rate_limit_exceeded"
        assert (await client.get(f"{url}/v1/models")).status_code == 200
        gate.opened.set()
        assert (await first).status_code == 200
        assert (await client.post(f"{url}/query", json=PERU)).status_code == 200


async def test_one_too_many_a_minute(server: EmbeddedServer, space: Space) -> None:
    async with (
        keyed(server, space, ScriptedEngine(saying("Lima.")), per_minute=2) as (url, _),
        httpx.AsyncClient(headers=OWN, timeout=30) as client,
    ):
        statuses = [(await client.post(f"{url}/query", json=PERU)).status_code for _ in range(3)]
    assert statuses == [200, 200, 429]


async def test_the_same_word_of_two_keys_is_not_the_same_query(server: EmbeddedServer, space: Space) -> None:
    async with keyed(server, space, ScriptedEngine(saying("Lima."))) as (url, deployed):
        bob = ApiKey(name="bob", sha256=hash_key("k2"), created_at=0.0)
        await deployed.bus.commit(Entry(KEY, bob))

        async def ask(key: str) -> httpx.Response:
            headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": "1"}
            async with httpx.AsyncClient(timeout=30) as client:
                return await client.post(f"{url}/query", json=PERU, headers=headers)

        async def bob_is_known() -> bool:
            return (await ask("k2")).status_code == 200

        await wait_until(bob_is_known, "the new key is read")
        assert (await ask("k1")).json()["id"] == (await ask("k1")).json()["id"] != (await ask("k2")).json()["id"]


async def test_beyond_loopback_it_wants_a_key_first(server: EmbeddedServer, space: Space) -> None:
    with listen("0.0.0.0:0") as listening:
        async with cluster(server.url, space) as deployed:
            with pytest.raises(GatewayError, match="dellm keys add NAME"):
                await deployed.start(Service("gateway", partial(gateway, listening=listening)))


async def test_the_first_key_closes_loopback(server: EmbeddedServer, space: Space) -> None:
    async with served(server, space, ScriptedEngine()) as (url, deployed), httpx.AsyncClient() as client:
        assert (await client.get(f"{url}/v1/models")).status_code == 200
        await put(deployed.bus)

        async def is_closed() -> bool:
            return (await client.get(f"{url}/v1/models")).status_code == 401

        await wait_until(is_closed, "the key is in force")


async def test_other_origins_only_where_they_are_named(server: EmbeddedServer, space: Space) -> None:
    friend = "https://chat.example"
    with listen(ANY_PORT) as listening:
        async with cluster(server.url, space) as deployed, httpx.AsyncClient() as client:
            build = partial(gateway, listening=listening, origins=(friend,))
            await deployed.start(Service("gateway", build))
            url = f"{url_of(listening)}/v1/models"
            asked = {"Origin": friend, "Access-Control-Request-Method": "POST"}
            assert (await client.options(url, headers=asked)).headers["access-control-allow-origin"] == friend
            assert (await client.get(url, headers={"Origin": friend})).status_code == 200
            foreign = await client.get(url, headers={"Origin": "https://evil.example"})
            assert foreign.status_code == 403
            assert "access-control-allow-origin" not in foreign.headers


@pytest.mark.parametrize(
    "begun", [b"", b"GET /livez HT", b"GET /livez HTTP/1.1\r\nHost: localhost\r\nX: ", b"POST /livez HTTP/1.1\r\n"]
)
async def test_who_never_ends_a_request_is_hung_up_on(
    server: EmbeddedServer, space: Space, monkeypatch: pytest.MonkeyPatch, begun: bytes
) -> None:
    monkeypatch.setattr(BoundedConnection, "request_s", 0.5)
    async with served(server, space, ScriptedEngine(), ()) as (url, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
        writer.write(begun)
        assert await asyncio.wait_for(reader.read(), 20) == b""
        writer.close()


async def test_who_waits_between_requests_or_for_an_answer_is_not(
    server: EmbeddedServer, space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BoundedConnection, "request_s", 0.5)
    gate = Gate(saying("Lima."))
    async with served(server, space, ScriptedEngine(gate)) as (url, _), httpx.AsyncClient(timeout=30) as client:
        asking = asyncio.create_task(client.post(f"{url}/query", json=PERU))
        await asyncio.wait_for(gate.reached.wait(), 20)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(asking), 1.0)
        gate.opened.set()
        assert (await asking).status_code == 200


async def test_large_headers_are_refused(server: EmbeddedServer, space: Space) -> None:
    async with served(server, space, ScriptedEngine(), ()) as (url, _), httpx.AsyncClient() as client:
        large = await client.get(f"{url}/livez", headers={"X": "x" * 40_000})
        assert large.status_code == 431


async def test_who_leaves_a_stream_leaves_no_traceback(
    server: EmbeddedServer, space: Space, caplog: pytest.LogCaptureFixture
) -> None:
    gate = Gate()
    engine = ScriptedEngine(gate)
    with caplog.at_level(logging.DEBUG, "uvicorn.error"):
        async with served(server, space, engine) as (url, _), httpx.AsyncClient() as client:
            headers = {"Accept": "text/event-stream"}
            watching = asyncio.create_task(client.post(f"{url}/query", json=PERU, headers=headers, timeout=30))
            await asyncio.wait_for(gate.reached.wait(), 20)
            watching.cancel()
            await wait_until(lambda: engine.cancelled > 0, "the engine stops")
    assert [record.getMessage() for record in caplog.records if record.exc_info] == []


async def test_the_command(server: EmbeddedServer, space: Space) -> None:
    async def run(*words: str) -> click.testing.Result:
        where = ["--nats", server.url, "--prefix", space.prefix]
        return await asyncio.to_thread(click.testing.CliRunner().invoke, dellm, ["keys", *words, *where])

    async with served(server, space, ScriptedEngine(), ()) as (url, _), httpx.AsyncClient() as client:
        assert "there is no key" in (await run("list")).output
        made = await run("add", "ann", "--concurrent", "3")
        key = made.stdout.strip()
        assert key.startswith("dellm-")
        headers = {"Authorization": f"Bearer {key}"}

        async def is_in_force() -> bool:
            return (await client.get(f"{url}/v1/models")).status_code == 401

        await wait_until(is_in_force, "the key is in force")
        assert (await client.get(f"{url}/v1/models", headers=headers)).status_code == 200
        (listed,) = json.loads((await run("list", "--json")).stdout)
        assert (listed["name"], listed["concurrent"]) == ("ann", 3)
        assert "sha256" not in listed
        assert (await run("add", "ann")).exit_code != 0
        assert (await run("add", "a.b")).exit_code != 0
        assert (await run("revoke", "bob")).exit_code != 0
        assert (await run("revoke", "ann")).exit_code == 0
        assert "any" not in (await run("list")).output

        async def is_refused() -> bool:
            return (await client.get(f"{url}/v1/models", headers=headers)).status_code == 401

        await wait_until(is_refused, "the key is known no more")
        assert (await run("add", "ann")).exit_code == 0
