"""`/v1/responses` with OpenAI's own client, on a real nats-server with scripted models."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import openai
import pydantic
import pytest
from openresponses_types import types as openresponses

from schemas.keys import hash_key
from schemas.messages import Piece
from schemas.records import ApiKey
from schemas.responses import StoredResponse
from schemas.subjects import DRAFTS, KEY, PIECE, RESPONSE, Space
from schemas.terms import Role, Turn
from services.runtime.server import EmbeddedServer
from services.runtime.wire import Entry
from tests.door import gateway_of, openai_at, served
from tests.support import Gate, ScriptedEngine, saying, wait_until

ASK = "What is the capital of Peru?"
WRITE = "Write a poem about the sea."
POEM = "The sea is wide and deep, and extraordinarily blue."
EVENT: pydantic.TypeAdapter[Any] = pydantic.TypeAdapter(
    openresponses.ResponseCreatedStreamingEvent
    | openresponses.ResponseQueuedStreamingEvent
    | openresponses.ResponseInProgressStreamingEvent
    | openresponses.ResponseOutputItemAddedStreamingEvent
    | openresponses.ResponseContentPartAddedStreamingEvent
    | openresponses.ResponseOutputTextDeltaStreamingEvent
    | openresponses.ResponseOutputTextDoneStreamingEvent
    | openresponses.ResponseContentPartDoneStreamingEvent
    | openresponses.ResponseOutputItemDoneStreamingEvent
    | openresponses.ResponseCompletedStreamingEvent
    | openresponses.ResponseIncompleteStreamingEvent
    | openresponses.ResponseFailedStreamingEvent
)


def events_in(stream: str) -> list[dict[str, Any]]:
    """Read a stream, each event by the specification's own types."""
    *events, end = [block for block in stream.split("\n\n") if block and not block.startswith(":")]
    assert end == "data: [DONE]"
    read = []
    for block in events:
        name, _, data = block.partition("\n")
        event = json.loads(data.removeprefix("data: "))
        assert name == f"event: {event['type']}"
        EVENT.validate_python(event)
        read.append(event)
    return read


async def stream_of(client: httpx.AsyncClient, method: str, url: str, **request: Any) -> list[dict[str, Any]]:
    reply = await client.request(method, url, timeout=30, **request)
    assert reply.status_code == 200, reply.text
    return events_in(reply.text)


async def test_a_response(server: EmbeddedServer, space: Space) -> None:
    async with served(server, space, ScriptedEngine(saying("Lima."))) as (url, _), openai_at(url) as client:
        raw = await client.responses.with_raw_response.create(model="dellm", input=ASK, metadata={"from": "a test"})
        done = raw.parse()
        again = await client.responses.retrieve(done.id)
    openresponses.ResponseResource.model_validate_json(raw.content)
    assert done.output_text == "Lima."
    assert done.status == "completed"
    assert done.usage is not None
    assert done.usage.total_tokens > 0
    assert done.id == f"resp_{raw.headers['x-request-id']}"
    assert int(raw.headers["dellm-votes"]) >= 1
    assert again == done


async def test_a_stream(server: EmbeddedServer, space: Space) -> None:
    async with served(server, space, ScriptedEngine(saying(POEM))) as (url, _), openai_at(url) as client:
        async with client.responses.stream(model="dellm", input=WRITE) as stream:
            deltas = [event.delta async for event in stream if event.type == "response.output_text.delta"]
            final = await stream.get_final_response()
        async with httpx.AsyncClient() as plain:
            body = {"model": "dellm", "input": WRITE, "stream": True}
            events = await stream_of(plain, "POST", f"{url}/v1/responses", json=body)
    assert "".join(deltas) == final.output_text == POEM
    assert [event["sequence_number"] for event in events] == list(range(len(events)))


async def test_a_conversation_goes_on(server: EmbeddedServer, space: Space) -> None:
    engine = ScriptedEngine(saying("Lima."))
    async with served(server, space, engine) as (url, _), openai_at(url) as client:
        first = await client.responses.create(model="dellm-fast", input=ASK, instructions="Be brief.")
        await client.responses.create(model="dellm-fast", input="And of Chile?", previous_response_id=first.id)
        with pytest.raises(openai.BadRequestError) as refused:
            await client.responses.create(model="dellm", input=ASK, previous_response_id="resp_none")
        kept = await client.responses.create(model="dellm", input=ASK, store=False)
        with pytest.raises(openai.NotFoundError):
            await client.responses.retrieve(kept.id)
    asked = next(request for request in engine.asked if "Chile" in request.messages[-1].content)
    said = [(turn.role, turn.content) for turn in asked.messages]
    assert refused.value.param == "previous_response_id"
    assert ("assistant", "Lima.") in said
    assert not any("Be brief." in content for _, content in said)


async def test_what_a_response_was_made_from_is_listed(server: EmbeddedServer, space: Space) -> None:
    async with served(server, space, ScriptedEngine(saying("Lima."))) as (url, _), openai_at(url) as client:
        first = await client.responses.create(model="dellm", input=ASK, instructions="Be brief.")
        going_on = await client.responses.create(model="dellm", input="Since when?", previous_response_id=first.id)
        listed = [item async for item in client.responses.input_items.list(going_on.id, order="asc", limit=2)]
        latest = await client.responses.input_items.list(going_on.id, limit=1)
        wrongs: list[Any] = [{"limit": 0}, {"order": "up"}, {"after": "msg_none"}, {"include": ["reasoning"]}]
        for wrong in wrongs:
            with pytest.raises(openai.BadRequestError):
                await client.responses.input_items.list(going_on.id, **wrong)
    shown: list[Any] = [item.to_dict() for item in listed]
    texts = [(item["role"], item["content"][0]["text"]) for item in shown]
    assert texts == [("user", ASK), ("assistant", "Lima."), ("user", "Since when?")]
    assert latest.has_more
    assert latest.data[0] == listed[-1]


async def test_a_deleted_response_is_gone_and_one_under_way_is_cancelled(server: EmbeddedServer, space: Space) -> None:
    gate = Gate(saying("Lima."))
    engine = ScriptedEngine(gate)
    async with served(server, space, engine) as (url, _), openai_at(url) as client:
        begun = await client.responses.create(model="dellm", input=ASK, background=True)
        await asyncio.wait_for(gate.reached.wait(), 10)
        await client.responses.delete(begun.id)
        await wait_until(lambda: engine.cancelled > 0, "the engine stops")
        for gone in (client.responses.retrieve, client.responses.delete, client.responses.input_items.list):
            with pytest.raises(openai.NotFoundError):
                await gone(begun.id)


async def test_a_background_response(server: EmbeddedServer, space: Space) -> None:
    gate = Gate(saying("Lima."))
    async with served(server, space, ScriptedEngine(gate)) as (url, deployed), openai_at(url) as client:
        begun = await client.responses.create(model="dellm", input=ASK, background=True)
        assert begun.status == "in_progress"
        await asyncio.wait_for(gate.reached.wait(), 10)
        await deployed.stop("gateway")
        async with gateway_of(deployed, "another") as other, openai_at(other) as client_there:
            assert (await client_there.responses.retrieve(begun.id)).status == "in_progress"
            gate.opened.set()

            async def done() -> bool:
                return (await client_there.responses.retrieve(begun.id)).status == "completed"

            await wait_until(done, "the answer is there")
            assert (await client_there.responses.retrieve(begun.id)).output_text == "Lima."


async def test_a_background_response_is_cancelled(server: EmbeddedServer, space: Space) -> None:
    gate = Gate()
    engine = ScriptedEngine(gate)
    async with served(server, space, engine) as (url, _), openai_at(url) as client:
        begun = await client.responses.create(model="dellm", input=ASK, background=True)
        await asyncio.wait_for(gate.reached.wait(), 10)
        assert (await client.responses.cancel(begun.id)).status == "cancelled"
        await wait_until(lambda: engine.cancelled > 0, "the engine stops")
        assert (await client.responses.cancel(begun.id)).status == "cancelled"
        gate.opened.set()
        plain = await client.responses.create(model="dellm", input=ASK)
        with pytest.raises(openai.BadRequestError):
            await client.responses.cancel(plain.id)


async def test_a_stream_goes_on_at_another_gateway(server: EmbeddedServer, space: Space) -> None:
    gate = Gate(saying(POEM))
    async with (
        served(server, space, ScriptedEngine(gate)) as (url, deployed),
        gateway_of(deployed, "another") as other,
        httpx.AsyncClient(timeout=30) as client,
    ):
        body = {"model": "dellm", "input": WRITE, "stream": True, "background": True}
        async with client.stream("POST", f"{url}/v1/responses", json=body) as stream:
            id_ = f"resp_{stream.headers['x-request-id']}"
            lines = stream.aiter_lines()
            await asyncio.wait_for(gate.reached.wait(), 10)
            await say(deployed.bus, id_, "The sea is wi")
            seen = [event async for event in read_until(lines, "response.output_text.delta", 3)]
        assert [event["delta"] for event in seen if "delta" in event] == ["The", " sea", " is"]
        gate.opened.set()
        address = f"{other}/v1/responses/{id_}"
        whole = await stream_of(client, "GET", f"{address}?stream=true")
        rest = await stream_of(client, "GET", f"{address}?stream=true&starting_after={seen[-1]['sequence_number']}")
    assert whole[: len(seen)] == seen
    assert whole == seen + rest
    assert whole[-1]["response"]["output"][0]["content"][0]["text"] == POEM


async def test_openais_client_streams_on(server: EmbeddedServer, space: Space) -> None:
    async with (
        served(server, space, ScriptedEngine(saying(POEM))) as (url, deployed),
        gateway_of(deployed, "another") as other,
        openai_at(url) as client,
        openai_at(other) as client_there,
    ):
        stream = await client.responses.create(model="dellm", input=WRITE, background=True, stream=True)
        events = [event async for event in stream]
        created, cut = events[0], events[6].sequence_number
        assert created.type == "response.created"
        id_ = created.response.id
        rest = [event async for event in await client_there.responses.retrieve(id_, stream=True, starting_after=cut)]
    assert rest == events[7:]
    assert rest[-1].type == "response.completed"
    assert rest[-1].response.output_text == POEM


async def test_a_draft_that_was_given_up_stays_in_the_stream(server: EmbeddedServer, space: Space) -> None:
    gate = Gate(saying(POEM))
    async with (
        served(server, space, ScriptedEngine(gate)) as (url, deployed),
        gateway_of(deployed, "another") as other,
        httpx.AsyncClient(timeout=30) as client,
        openai_at(other) as openai_there,
    ):
        body = {"model": "dellm", "input": WRITE, "stream": True, "background": True}
        async with client.stream("POST", f"{url}/v1/responses", json=body) as stream:
            id_ = f"resp_{stream.headers['x-request-id']}"
            lines = stream.aiter_lines()
            await asyncio.wait_for(gate.reached.wait(), 10)
            await say(deployed.bus, id_, "Roses are red")
            begun = [event async for event in read_until(lines, "response.output_text.delta", 2)]
            gate.opened.set()
            ended = [event async for event in read_until(lines, "response.completed", 1)]
        address = f"{other}/v1/responses/{id_}"
        rest = await stream_of(client, "GET", f"{address}?stream=true&starting_after={begun[-1]['sequence_number']}")
        shown = await openai_there.responses.retrieve(id_)
        texts = (await deployed.bus.last(DRAFTS, id=id_.removeprefix("resp_"))).message.texts  # type: ignore[union-attr]
    assert rest == ended
    closed = [event["item"] for event in rest if event["type"] == "response.output_item.done"]
    assert [(item["status"], item["content"][0]["text"]) for item in closed] == [
        ("incomplete", "Roses are"),
        ("completed", POEM),
    ]
    assert texts[0] == "Roses are red"
    assert shown.output_text == POEM
    assert shown.output[0].id == closed[-1]["id"]


async def test_what_was_remembered_and_never_asked_is_asked(server: EmbeddedServer, space: Space) -> None:
    async with (
        served(server, space, ScriptedEngine(), nodes=()) as (url, deployed),
        openai_at(url) as client,
    ):
        turns = [Turn(role=Role.USER, content=ASK)]
        lost = StoredResponse(id="lost", model="dellm", created_at=1, input=turns, background=True)
        await deployed.bus.commit(Entry(RESPONSE, lost))
        assert (await client.responses.retrieve("resp_lost")).status == "queued"
        await deployed.add_node("n1", ScriptedEngine(saying("Lima.")))

        async def done() -> bool:
            return (await client.responses.retrieve("resp_lost")).status == "completed"

        await wait_until(done, "it is answered all the same")


async def test_the_same_key_is_one_response(server: EmbeddedServer, space: Space) -> None:
    body = {"model": "dellm", "input": ASK}
    key = {"Idempotency-Key": "k"}
    async with (
        served(server, space, ScriptedEngine(saying("Lima."))) as (url, _),
        httpx.AsyncClient(timeout=30) as client,
    ):
        first, second = [(await client.post(f"{url}/v1/responses", json=body, headers=key)).json() for _ in range(2)]
        other = await client.post(f"{url}/v1/responses", json={**body, "input": "Hi"}, headers=key)
    assert first == second
    assert other.status_code == 400


async def test_what_is_refused_is_not_kept(server: EmbeddedServer, space: Space) -> None:
    async with served(server, space, ScriptedEngine(), nodes=()) as (url, deployed), httpx.AsyncClient() as client:
        for more in ({}, {"background": True}, {"stream": True}, {"background": True, "stream": True}):
            refused = await client.post(
                f"{url}/v1/responses", json={"model": "dellm", "input": ASK, **more}, timeout=30
            )
            assert refused.status_code == 503, more
        assert not (await deployed.bus.read((RESPONSE, RESPONSE.at())))[RESPONSE]


@pytest.mark.parametrize(
    ("query", "param"),
    [("stream=yes", "stream"), ("stream=true&starting_after=x", "starting_after"), ("include=a", "include")],
)
async def test_what_a_fetch_may_not_say(server: EmbeddedServer, space: Space, query: str, param: str) -> None:
    async with served(server, space, ScriptedEngine()) as (url, _), httpx.AsyncClient() as client:
        refused = await client.get(f"{url}/v1/responses/resp_q1?{query}")
        assert refused.json()["error"]["param"] == param


async def say(bus: Any, id_: str, text: str) -> None:
    """Publish a piece, as a node does that dies then."""
    await bus.publish(PIECE, Piece(id=id_.removeprefix("resp_"), index=0, text=text))


async def read_until(lines: AsyncIterator[str], kind: str, num: int) -> AsyncIterator[dict[str, Any]]:
    """Read events until so many of a kind have come."""
    while num:
        line = await asyncio.wait_for(anext(lines), 10)
        if line.startswith("data: {"):
            event = json.loads(line.removeprefix("data: "))
            num -= event["type"] == kind
            yield event


async def test_a_response_is_its_own_keys_only(server: EmbeddedServer, space: Space) -> None:
    async with (
        served(server, space, ScriptedEngine(saying("Lima."))) as (_, deployed),
        httpx.AsyncClient(timeout=30) as client,
    ):
        for name in ("ann", "bob"):
            key = ApiKey(name=name, sha256=hash_key(name), created_at=time.time())
            await deployed.bus.commit(Entry(KEY, key))
        async with gateway_of(deployed, "another") as other:
            ann, bob = ({"Authorization": f"Bearer {name}"} for name in ("ann", "bob"))
            body = {"model": "dellm", "input": ASK}
            id_ = (await client.post(f"{other}/v1/responses", json=body, headers=ann)).json()["id"]
            address = f"{other}/v1/responses/{id_}"
            assert (await client.get(address, headers=ann)).status_code == 200
            assert (await client.get(address, headers=bob)).status_code == 404
            goes_on = {**body, "previous_response_id": id_}
            assert (await client.post(f"{other}/v1/responses", json=goes_on, headers=bob)).status_code == 400
