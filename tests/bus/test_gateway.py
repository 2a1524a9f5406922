"""The HTTP face with OpenAI's own client, on a real nats-server with scripted models."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable
from dataclasses import replace

import httpx
import openai
import pytest
from openai.types.chat import ChatCompletionFunctionToolParam, ChatCompletionMessageParam

from models.reference import model_name
from schemas.subjects import ADMIT, Space, Store
from services.gateway.service import ANY_PORT, GatewayError, listen
from services.runtime.server import EmbeddedServer
from tests.door import openai_at, served
from tests.support import Gate, ScriptedEngine, saying, wait_until

ASK: list[ChatCompletionMessageParam] = [{"role": "user", "content": "What is the capital of Peru?"}]


async def test_a_completion(server: EmbeddedServer, space: Space) -> None:
    async with (
        served(server, space, ScriptedEngine(saying("Lima, since 1535."))) as (url, _),
        openai_at(url) as client,
    ):
        raw = await client.chat.completions.with_raw_response.create(model="dellm", messages=ASK)
        done = raw.parse()
    assert done.choices[0].message.content == "Lima, since 1535."
    assert done.choices[0].finish_reason == "stop"
    assert done.usage is not None
    assert done.usage.total_tokens > 0
    assert done.id == f"chatcmpl-{raw.headers['x-request-id']}"
    assert int(raw.headers["dellm-votes"]) >= 1
    assert done.model_extra is not None
    assert done.model_extra["dellm"]["parts"][0]["votes"][0]["node"] == "n1"


async def test_a_stream(server: EmbeddedServer, space: Space) -> None:
    async with (
        served(server, space, ScriptedEngine(saying("Lima, since 1535."))) as (url, _),
        openai_at(url) as client,
    ):
        stream = await client.chat.completions.create(
            model="dellm",
            messages=ASK,
            stream=True,
            stream_options={"include_usage": True},
        )
        chunks = [chunk async for chunk in stream]
    choices = [chunk.choices[0] for chunk in chunks if chunk.choices]
    assert choices[0].delta.role == "assistant"
    assert "".join(choice.delta.content or "" for choice in choices) == "Lima, since 1535."
    assert choices[-1].finish_reason == "stop"
    assert chunks[-1].usage is not None
    assert not chunks[-1].choices


async def test_a_stream_tells_what_is_known_and_at_last_the_votes(server: EmbeddedServer, space: Space) -> None:
    body = {"model": "dellm", "messages": ASK, "stream": True, "include_reasoning": True}
    async with served(server, space, ScriptedEngine(saying("Lima."))) as (url, _), httpx.AsyncClient() as client:
        stream = await client.post(f"{url}/v1/chat/completions", json=body, timeout=30)
        whole = await client.post(f"{url}/v1/chat/completions", json={**body, "stream": False}, timeout=30)
    assert stream.headers["dellm-kind"] == whole.headers["dellm-kind"] == "fact"
    assert "n1 (a) votes for it" in stream.text
    assert "n1 (a) votes for it" in whole.json()["choices"][0]["message"]["reasoning_content"]


async def test_choices_are_answers_that_differ(server: EmbeddedServer, space: Space) -> None:
    engine = ScriptedEngine(saying("Lima."))
    async with served(server, space, engine) as (url, deployed), openai_at(url) as client:
        await deployed.add_node("n2", ScriptedEngine(saying("Quito.")))
        several = await client.chat.completions.create(model="dellm", messages=ASK, n=4)
        write: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Write a poem about the sea."}]
        with pytest.raises(openai.BadRequestError) as refused:
            await client.chat.completions.create(model="dellm", messages=write, n=2)
    assert {choice.message.content for choice in several.choices} == {"Lima.", "Quito."}
    assert [choice.index for choice in several.choices] == [0, 1]
    assert refused.value.param == "n"


async def test_models_and_the_unknown_one(server: EmbeddedServer, space: Space) -> None:
    async with served(server, space, ScriptedEngine()) as (url, _), openai_at(url) as client:
        names = [model.id async for model in client.models.list()]
        assert names == ["dellm", "dellm-fast", "a", "b"]
        with pytest.raises(openai.NotFoundError, match="dellm-fast"):
            await client.chat.completions.create(model="gpt-4o", messages=ASK)


async def test_what_is_not_supported_is_named(server: EmbeddedServer, space: Space) -> None:
    tools: list[ChatCompletionFunctionToolParam] = [{"type": "function", "function": {"name": "f"}}]
    async with served(server, space, ScriptedEngine()) as (url, _), openai_at(url) as client:
        with pytest.raises(openai.BadRequestError) as refused:
            await client.chat.completions.create(model="dellm", messages=ASK, tools=tools)
    assert refused.value.param == "tools"


@pytest.mark.parametrize("stream", [False, True])
async def test_a_client_that_goes_away_stops_the_engine(server: EmbeddedServer, space: Space, *, stream: bool) -> None:
    gate = Gate()
    engine = ScriptedEngine(gate)
    async with served(server, space, engine) as (url, _), httpx.AsyncClient() as client:
        body = {"model": "dellm", "messages": ASK, "stream": stream}
        asking = asyncio.create_task(client.post(f"{url}/v1/chat/completions", json=body, timeout=30))
        await asyncio.wait_for(gate.reached.wait(), 10)
        asking.cancel()
        await wait_until(lambda: engine.cancelled > 0, "the engine stops", within_s=5)


async def test_the_original_curl_line(server: EmbeddedServer, space: Space) -> None:
    async with served(server, space, ScriptedEngine()) as (url, _), httpx.AsyncClient() as client:
        asked = {"query": "Calculate 10% of 1000 then find best savings accounts"}
        reply = await client.post(f"{url}/query", json=asked, timeout=30)
        assert reply.status_code == 200
        assert json.loads(reply.content)["status"] == "complete"
        refused = await client.post(f"{url}/query", content=b"{")
        assert refused.status_code == 400


async def test_the_same_key_is_answered_once(server: EmbeddedServer, space: Space) -> None:
    engine = ScriptedEngine()
    async with served(server, space, engine) as (url, _), httpx.AsyncClient() as client:
        body = {"model": "dellm", "messages": ASK}
        first, second = [
            (
                await client.post(
                    f"{url}/v1/chat/completions", json=body, headers={"Idempotency-Key": "a b/c"}, timeout=30
                )
            ).json()
            for _ in range(2)
        ]
    assert first["id"] == second["id"]
    assert first["choices"] == second["choices"]


async def test_health_and_metrics(server: EmbeddedServer, space: Space) -> None:
    async with served(server, space, ScriptedEngine(), nodes=()) as (url, deployed), httpx.AsyncClient() as client:
        assert (await client.get(f"{url}/livez")).status_code == 200
        assert (await client.get(f"{url}/readyz")).status_code == 503
        await deployed.add_node("n1")
        assert (await client.get(f"{url}/readyz")).status_code == 200
        figures = (await client.get(f"{url}/metrics")).text
        assert 'dellm_requests_total{route="/readyz",status="503"} 1.0' in figures
        assert (await client.get(f"{url}/nowhere")).json()["error"]["code"] == "not_found"


async def test_pages_of_other_sites_and_large_bodies_are_refused(server: EmbeddedServer, space: Space) -> None:
    async with served(server, space, ScriptedEngine()) as (url, _), httpx.AsyncClient() as client:
        foreign = await client.post(f"{url}/query", json={"query": "Hi"}, headers={"Origin": "https://evil.example"})
        assert foreign.status_code == 403
        large = await client.post(f"{url}/query", content=b" " * (1024 * 1024 + 1))
        assert large.status_code == 413


@pytest.mark.parametrize("address", ["8000", "127.0.0.1:http", ":80", "nowhere.invalid:80"])
def test_an_address_that_is_none(address: str) -> None:
    with pytest.raises(GatewayError, match="--http"):
        listen(address)


async def test_a_conversation_with_one_model_alone(server: EmbeddedServer, space: Space) -> None:
    engine = ScriptedEngine(saying("Lima."))
    messages: list[ChatCompletionMessageParam] = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "What is the capital of Chile?"},
        {"role": "assistant", "content": "Santiago."},
        {"role": "user", "content": "And of Peru?"},
    ]
    async with served(server, space, engine) as (url, _), openai_at(url) as client:
        done = await client.chat.completions.create(model="b", messages=messages)
        fast = await client.chat.completions.create(model="dellm-fast", messages=messages)
    assert done.choices[0].message.content == "Lima."
    assert fast.choices[0].message.content == "Lima."
    assert model_name(engine.asked[0].model) == "b"


async def test_many_streams_of_which_a_quarter_leaves(server: EmbeddedServer, space: Space) -> None:
    gate = Gate(saying("Lima."))
    engine = ScriptedEngine(gate)
    body = {"model": "dellm", "messages": ASK, "stream": True}
    limits = httpx.Limits(max_connections=200, max_keepalive_connections=0)
    async with (
        served(server, space, engine, max_in_flight=200) as (url, deployed),
        httpx.AsyncClient(limits=limits, timeout=60) as client,
    ):

        async def num_in_flight() -> int:
            return len((await deployed.bus.read((ADMIT, ADMIT.at())))[ADMIT])

        async def stream(num: int) -> None:
            gate.opened.clear()
            streams = [asyncio.create_task(client.post(f"{url}/v1/chat/completions", json=body)) for _ in range(num)]
            await until(num_in_flight, num)
            leaving, staying = streams[: num // 4], streams[num // 4 :]
            for task in leaving:
                task.cancel()
            gate.opened.set()
            done = await asyncio.gather(*staying)
            assert all(reply.text.endswith("data: [DONE]\n\n") and "Lima." in reply.text for reply in done)
            await until(num_in_flight, 0)

        await stream(8)  # what is made at first use is there then
        subscriptions = deployed.bus_of("gateway").client._subs  # noqa: SLF001
        num_tasks, num_subscriptions = len(asyncio.all_tasks()), len(subscriptions)
        await stream(200)
        await wait_until(lambda: len(asyncio.all_tasks()) <= num_tasks, "no task is left", within_s=20)
        assert len(subscriptions) <= num_subscriptions
        figures = (await client.get(f"{url}/metrics")).text
        assert "dellm_requests_in_flight 1.0" in figures
        assert "dellm_queries_in_flight 0.0" in figures


async def until(count: Callable[[], Awaitable[int]], num: int) -> None:
    async def is_so() -> bool:
        return await count() == num

    await wait_until(is_so, f"{num} queries are in flight", within_s=30)


def test_small_answers_are_not_held_back() -> None:
    with listen(ANY_PORT) as listening, socket.create_connection(listening.getsockname()), listening.accept()[0] as met:
        assert met.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


async def test_a_gateway_that_stops_lets_streams_end(server: EmbeddedServer, space: Space) -> None:
    gate = Gate(saying("Lima."))
    body = {"model": "dellm", "messages": ASK, "stream": True}
    async with served(server, space, ScriptedEngine(gate)) as (url, deployed), httpx.AsyncClient(timeout=30) as client:
        stream = asyncio.create_task(client.post(f"{url}/v1/chat/completions", json=body))
        await asyncio.wait_for(gate.reached.wait(), 10)
        stopping = asyncio.create_task(deployed.stop("gateway"))

        async def says_so() -> bool:
            return (await client.get(f"{url}/readyz")).status_code == 503

        await wait_until(says_so, "it is not ready")
        refused = await client.post(f"{url}/v1/chat/completions", json=body)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        assert not stream.done()
        gate.opened.set()
        assert (await stream).text.endswith("data: [DONE]\n\n")
        await stopping


async def test_a_stream_that_does_not_end_is_told_and_its_query_cancelled(
    server: EmbeddedServer, space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.gateway.service.STREAMS_END_S", 0.2)
    gate = Gate()
    engine = ScriptedEngine(gate)
    body = {"model": "dellm", "messages": ASK, "stream": True}
    async with served(server, space, engine) as (url, deployed), httpx.AsyncClient(timeout=30) as client:
        stream = asyncio.create_task(client.post(f"{url}/v1/chat/completions", json=body))
        await asyncio.wait_for(gate.reached.wait(), 10)
        await deployed.stop("gateway")
        assert '"code":"stopping"' in (await stream).text
        await wait_until(lambda: engine.cancelled > 0, "the engine stops")


async def test_it_is_not_ready_where_the_stream_takes_nothing(own_server: EmbeddedServer) -> None:
    space = Space("unready")
    async with served(own_server, space, ScriptedEngine()) as (url, deployed), httpx.AsyncClient(timeout=30) as client:
        assert (await client.get(f"{url}/readyz")).status_code == 200
        jetstream = deployed.bus.client.jetstream()
        config = (await jetstream.stream_info(space.stream(Store.STREAM))).config
        await jetstream.update_stream(replace(config, sealed=True))
        unready = await client.get(f"{url}/readyz")
        assert (unready.status_code, unready.json()["error"]["code"]) == (503, "no_bus")
