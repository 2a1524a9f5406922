from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from models.engine import Request, turns
from models.reference import model_name
from schemas.commands import Query
from schemas.messages import Piece, Reply
from schemas.subjects import PIECE, Space
from schemas.terms import ErrorCode, Policy, ResponseFormat, Role, Status, Wording
from schemas.terms import Turn as Said
from services.runtime.client import ask
from services.runtime.server import EmbeddedServer
from services.runtime.wire import decode
from tests.support import SUPERLLM, Cluster, ScriptedEngine, cluster, saying

KENYA = [
    Said(role=Role.USER, content="What is the tallest mountain in Africa?"),
    Said(role=Role.ASSISTANT, content="Mount Kilimanjaro."),
]


@pytest.fixture
async def deployed(server: EmbeddedServer, space: Space) -> AsyncIterator[Cluster]:
    async with cluster(server.url, space) as running:
        yield running


async def talk(deployed: Cluster, say: str, **fields: Any) -> tuple[Reply, list[Request]]:
    engine = await deployed.add_node("n1", ScriptedEngine(saying(say)))
    return await ask(deployed.bus, Query(id="q", **fields)), engine.asked


async def test_a_question_that_points_back_is_asked_with_what_was_said(deployed: Cluster) -> None:
    last = Said(role=Role.USER, content="And how high is it?")
    reply, asked = await talk(deployed, "It is 5,895 metres high.", messages=[*KENYA, last])
    assert "5,895" in reply.answer
    for request in asked:
        *before, now = (turn for turn in request.messages if turn.role != "system")
        assert [(turn.role, turn.content) for turn in before] == [(said.role, said.content) for said in KENYA]
        assert now.content == "And how high is it?"


async def test_a_question_that_stands_alone_is_asked_without(deployed: Cluster) -> None:
    last = Said(role=Role.USER, content="Who wrote Hamlet, and what is 12 times 12?")
    reply, asked = await talk(deployed, "144", messages=[*KENYA, last])
    assert [chunk.kind for chunk in reply.chunks] == ["fact", "sum"]
    assert not any(turn.role == "assistant" for request in asked for turn in request.messages)


async def test_the_system_prompt_reaches_every_model_and_keeps_the_request_whole(deployed: Cluster) -> None:
    system = Said(role=Role.SYSTEM, content="You answer as a pirate, in rhymes.")
    last = Said(role=Role.USER, content="Who wrote Hamlet, and what is 12 times 12?")
    reply, asked = await talk(deployed, "Arr.", messages=[system, last])
    assert (reply.answer, len(reply.chunks)) == ("Arr.", 1)
    assert [request.messages for request in asked] == [turns(system.content, last.content)]


async def test_what_the_client_says_of_the_generation_is_honoured(deployed: Cluster) -> None:
    fields = {"max_tokens": 7, "temperature": 0.3, "top_p": 0.5, "stop": ["END"]}
    _, asked = await talk(deployed, "Once", query="Write a story.", **fields)
    (request,) = asked
    assert (request.max_tokens, request.temperature, request.top_p, request.stop) == (7, 0.3, 0.5, ("END",))
    assert request.grammar is None


async def test_a_seed_changes_the_draw(deployed: Cluster) -> None:
    engine = await deployed.add_node("n1", ScriptedEngine(saying("Once")))
    for id_, seed in (("a", 1), ("b", 2), ("c", 1)):
        await ask(deployed.bus, Query(query="Write a story.", id=id_, seed=seed))
    first, second, third = (request.seed for request in engine.asked)
    assert first == third != second


async def test_a_schema_becomes_a_grammar(deployed: Cluster) -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    form = ResponseFormat(type="json_schema", schema_=schema)
    reply, asked = await talk(deployed, '{"city": "Oslo"}', query="Capital of Norway?", response_format=form)
    assert reply.answer == '{"city": "Oslo"}'
    assert asked[0].grammar is not None
    assert "city" in asked[0].grammar


async def test_a_text_is_streamed_from_the_node_as_it_will_stand(deployed: Cluster) -> None:
    async with deployed.bus.tap(deployed.bus.space.full(PIECE.store, PIECE.at(id="q"))) as heard:
        reply, _ = await talk(deployed, "  Once upon a time.\n\nThe end. ", query="Write a story.")
    pieces = [decode(payload, Piece) for _, payload in drained(heard)]
    assert "".join(piece.text for piece in pieces) == reply.answer == "Once upon a time.\n\nThe end."
    assert [piece.index for piece in pieces] == list(range(len(pieces)))
    assert not any(piece.revised for piece in pieces)


async def test_a_model_that_a_client_names_answers_alone(deployed: Cluster) -> None:
    reply, asked = await talk(
        deployed, "Shakespeare and 144", query="Who wrote Hamlet, and what is 12 x 12?", model="b"
    )
    assert reply.answer == "Shakespeare and 144"
    assert [model_name(request.model) for request in asked] == ["b"]


async def test_a_model_that_nobody_runs_is_refused_with_those_that_are_there(deployed: Cluster) -> None:
    reply, asked = await talk(deployed, "x", query="Who wrote Hamlet?", model="c")
    assert reply.error is not None
    assert (reply.error.code, asked) == (ErrorCode.BAD_REQUEST, [])
    assert "there are a, b" in reply.error.message


async def test_a_guess_is_told_as_one(deployed: Cluster) -> None:
    engine = ScriptedEngine(saying("Marlowe."), logprob=-3.0)
    await deployed.add_node("n1", engine)
    reply = await ask(deployed.bus, Query(query="Who wrote Hamlet?", id="q"))
    assert (reply.status, reply.answer) == (Status.COMPLETE, "Not sure: Marlowe.")
    assert [note for note in reply.notes if "guess" in note]


def drained(heard: asyncio.Queue[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    return [heard.get_nowait() for _ in range(heard.qsize())]


async def test_an_answer_that_misses_a_demand_is_asked_again_and_told_what_failed(deployed: Cluster) -> None:
    said = iter(["It rains.", "It rains and rains and rains."])

    async def say(_: Request) -> str:
        return next(said)

    engine = ScriptedEngine(say)
    for node in ("n1", "n2"):
        await deployed.add_node(node, engine)
    async with deployed.bus.tap(deployed.bus.space.full(PIECE.store, PIECE.at(id="q"))) as heard:
        reply = await ask(deployed.bus, Query(query="Write about rain in at least 5 words.", id="q"))
    assert reply.answer == "It rains and rains and rains."
    assert [(check.demand, check.reason) for check in reply.chunks[0].checks] == [("at least 5 words", None)]
    first, second = (request.messages[-1].content for request in engine.asked)
    assert first == "Write about rain in at least 5 words."
    assert second.startswith(first)
    assert "at least 5 words" in second.removeprefix(first)
    written = ""
    for _, payload in drained(heard):
        piece = decode(payload, Piece)
        written = piece.text if piece.revised else written + piece.text
    assert written == reply.answer


async def test_what_is_mended_is_streamed_anew(deployed: Cluster) -> None:
    async with deployed.bus.tap(deployed.bus.space.full(PIECE.store, PIECE.at(id="q"))) as heard:
        reply, _ = await talk(deployed, "It Rains", query="Write about rain in lower case letters only.")
    assert reply.answer == "it rains"
    assert [check.repaired for check in reply.chunks[0].checks] == [True]
    last = decode(drained(heard)[-1][1], Piece)
    assert (last.text, last.revised) == ("it rains", True)


async def test_joined_parts_go_out_in_order_while_later_ones_are_voted_on(deployed: Cluster) -> None:
    rome = asyncio.Event()

    async def say(request: Request) -> str:
        if "Italy" in request.messages[-1].content:
            await rome.wait()
            return "Rome"
        return "Lima" if "Peru" in request.messages[-1].content else "Oslo"

    await deployed.add_node("n1", ScriptedEngine(say, logprob=-0.001), slots=3)
    policy = Policy(wording=Wording.JOIN)
    text = "What is the capital of Peru? What is the capital of Italy? What is the capital of Norway?"
    asked = Query(query=text, id="q", policy=policy)
    async with deployed.bus.tap(deployed.bus.space.full(PIECE.store, PIECE.at(id="q"))) as heard:
        asking = asyncio.create_task(ask(deployed.bus, asked))
        _, payload = await asyncio.wait_for(heard.get(), 10)
        first = decode(payload, Piece).text
        assert first == "What is the capital of Peru? Lima"
        rome.set()
        reply = await asking
    assert first + "".join(decode(payload, Piece).text for _, payload in drained(heard)) == reply.answer


async def test_a_wording_that_is_refused_is_replaced_by_a_revised_piece(server: EmbeddedServer, space: Space) -> None:
    async def say(request: Request) -> str:
        if request.model == SUPERLLM:
            return "The capitals are Madrid and Berlin."
        return "Lima" if "Peru" in request.messages[-1].content else "Oslo"

    async with (
        cluster(server.url, space, nodes=["n1"], engine=ScriptedEngine(say, logprob=-0.001)) as running,
        running.bus.tap(space.full(PIECE.store, PIECE.at(id="q"))) as heard,
    ):
        reply = await ask(
            running.bus, Query(query="What is the capital of Peru? What is the capital of Norway?", id="q")
        )
    assert reply.synthesis is not None
    assert reply.synthesis.method == "join"
    last = decode(drained(heard)[-1][1], Piece)
    assert (last.text, last.revised) == (reply.answer, True)
