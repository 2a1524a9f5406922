"""What the page is fed with, on a real nats-server with scripted models: events of queries and of nodes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from schemas.subjects import FEEDBACK, Space
from services.runtime.server import EmbeddedServer
from tests.door import served
from tests.support import Gate, ScriptedEngine, saying, wait_until

ASK = {"query": "What is the capital of Peru?", "id": "page-1"}
TWO = {"query": "What is 15% of 240, and what is the capital of Peru?", "id": "page-1"}
EVENTS = {"Accept": "text/event-stream"}


async def read(response: httpx.Response) -> AsyncIterator[tuple[str, Any]]:
    name = ""
    async for line in response.aiter_lines():
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, json.loads(line.removeprefix("data: "))


async def watch(client: httpx.AsyncClient, url: str, query: dict[str, str]) -> list[tuple[str, Any]]:
    async with client.stream("POST", f"{url}/query", json=query, headers=EVENTS, timeout=30) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        return [event async for event in read(response)]


async def test_the_events_of_a_query(server: EmbeddedServer, space: Space) -> None:
    async with served(server, space, ScriptedEngine(saying("Lima."))) as (url, _), httpx.AsyncClient() as client:
        events = await watch(client, url, TWO)
    names = [name for name, _ in events]
    assert names[0] == "plan"
    assert names[-1] == "answer"
    assert {"plan", "result", "assembled", "answer"} <= set(names)
    plan, answer = events[0][1], events[-1][1]
    assert [chunk["kind"] for chunk in plan["chunks"]] == ["sum", "fact"]
    assert "reply" not in plan
    result = next(data for name, data in events if name == "result" and data["chunk"] == 1)
    assert (result["node"], result["final"]) == ("n1", "Lima")
    assert answer["status"] == "complete"
    assert [vote["won"] for vote in answer["chunks"][1]["votes"]] == [True]


async def test_who_comes_back_hears_all_of_it(server: EmbeddedServer, space: Space) -> None:
    gate = Gate(saying("Lima."))
    engine = ScriptedEngine(gate)
    async with served(server, space, engine) as (url, _), httpx.AsyncClient() as client:
        leaving = asyncio.create_task(watch(client, url, ASK))
        await asyncio.wait_for(gate.reached.wait(), 20)
        staying = asyncio.create_task(watch(client, url, ASK))
        leaving.cancel()
        gate.opened.set()
        events = await staying
        again = await watch(client, url, ASK)
    assert events[0][0] == again[0][0] == "plan"
    assert events[-1] == again[-1]
    assert engine.cancelled == 0
    assert len({request.model for request in engine.asked}) == len(engine.asked), "no model was asked twice"


async def test_the_id_of_another_question_shows_nothing_of_it(server: EmbeddedServer, space: Space) -> None:
    gate = Gate(saying("Lima."))
    async with served(server, space, ScriptedEngine(gate)) as (url, _), httpx.AsyncClient() as client:
        first = asyncio.create_task(watch(client, url, ASK))
        await asyncio.wait_for(gate.reached.wait(), 20)
        other = await watch(client, url, {"query": "Who wrote Hamlet?", "id": ASK["id"]})
        assert [name for name, _ in other] == ["answer"]
        assert other[0][1]["error"]["code"] == "bad_request"
        gate.opened.set()
        assert (await first)[-1][1]["answer"] == "Lima."
        later = await watch(client, url, {"query": "Who wrote Hamlet?", "id": ASK["id"]})
        assert [name for name, _ in later] == ["answer"]
        assert later[0][1]["error"]["code"] == "bad_request"


async def test_the_last_who_leaves_cancels(server: EmbeddedServer, space: Space) -> None:
    gate = Gate()
    engine = ScriptedEngine(gate)
    async with served(server, space, engine) as (url, _), httpx.AsyncClient() as client:
        watching = asyncio.create_task(watch(client, url, ASK))
        await asyncio.wait_for(gate.reached.wait(), 20)
        watching.cancel()
        await wait_until(lambda: engine.cancelled > 0, "the engine stops", within_s=5)


async def test_cancel_by_its_own_route(server: EmbeddedServer, space: Space) -> None:
    gate = Gate()
    engine = ScriptedEngine(gate)
    async with served(server, space, engine) as (url, _), httpx.AsyncClient() as client:
        watching = asyncio.create_task(watch(client, url, ASK))
        await asyncio.wait_for(gate.reached.wait(), 20)
        assert (await client.post(f"{url}/query/{ASK['id']}/cancel")).status_code == 202
        events = await watching
        assert events[-1][1]["error"]["code"] == "cancelled"
        assert engine.cancelled > 0
        assert (await client.post(f"{url}/query/a.b/cancel")).status_code == 404


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ({"good": True}, 202),
        ({"good": False, "chunk": 1}, 202),
        ({"answer": "Lima", "chunk": 1}, 202),
        ({"good": False}, 400),
        ({"chunk": 0}, 400),
        ({"good": True, "chunk": 2}, 400),
        ({"good": True, "chunk": -1}, 400),
        ({"good": "yes"}, 400),
        ({"better": True}, 400),
    ],
)
async def test_feedback(server: EmbeddedServer, space: Space, words: dict[str, Any], status: int) -> None:
    async with (
        served(server, space, ScriptedEngine(saying("Lima."))) as (url, deployed),
        httpx.AsyncClient() as client,
    ):
        await watch(client, url, TWO)
        assert (await client.post(f"{url}/query/page-1/feedback", json=words)).status_code == status
        assert (await client.post(f"{url}/query/page-2/feedback", json={"good": True})).status_code == 404
        told = await deployed.bus.last(FEEDBACK, id="page-1")
        assert (told is not None) == (status == 202)


async def test_the_nodes_as_they_come_work_and_go(server: EmbeddedServer, space: Space) -> None:
    gate = Gate(saying("Lima."))
    async with served(server, space, ScriptedEngine(gate), ()) as (url, deployed), httpx.AsyncClient() as client:
        seen: dict[str, Any] = {}

        async def follow() -> None:
            async with client.stream("GET", f"{url}/nodes", headers=EVENTS, timeout=30) as response:
                async for _, told in read(response):
                    seen.update({view["node"]: view for view in told["changed"]})
                    for node in told["gone"]:
                        del seen[node]

        following = asyncio.create_task(follow())
        await deployed.add_node("n1", ScriptedEngine(gate))
        await wait_until(lambda: set(seen) == {"n1"}, "the node is shown")
        asking = asyncio.create_task(watch(client, url, ASK))
        await wait_until(lambda: seen["n1"]["busy"] == 1, "it is busy")
        gate.opened.set()
        await asking
        await wait_until(lambda: seen["n1"]["busy"] == 0, "it is idle")
        assert [view["node"] for view in (await client.get(f"{url}/nodes")).json()["nodes"]] == ["n1"]
        await deployed.stop("node.n1")
        await wait_until(lambda: not seen, "it is gone")
        following.cancel()


async def test_the_page_and_its_files(server: EmbeddedServer, space: Space) -> None:
    async with served(server, space, ScriptedEngine(), ()) as (url, _), httpx.AsyncClient() as client:
        index = await client.get(url)
        assert index.headers["content-type"] == "text/html; charset=utf-8"
        policy = index.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        script = await client.get(f"{url}/page/main.js")
        assert script.headers["content-type"] == "text/javascript; charset=utf-8"
        fresh = await client.get(f"{url}/page/main.js", headers={"If-None-Match": script.headers["etag"]})
        assert fresh.status_code == 304
        for path in ("/page/nothing.js", "/page/..%2fapp.py", "/page/%2e%2e/app.py", "/page/"):
            assert (await client.get(f"{url}{path}")).status_code == 404
