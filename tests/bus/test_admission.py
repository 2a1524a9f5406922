"""How queries are let in: whoever has an answer may ask again at once, and nothing that fails keeps a token."""

from __future__ import annotations

import asyncio
import json
import time
from functools import partial

import pytest

from schemas.commands import Query
from schemas.messages import Reply, Result
from schemas.plans import Chunk
from schemas.records import Presence
from schemas.subjects import ADMIT, ANSWER, LATE, PLAN, PRESENCE, Space, Store
from schemas.terms import ErrorCode, Policy, Status, Turn
from services.decomposer import conversation, cut_in_time
from services.decomposer.admission import Admissions
from services.decomposer.config import DecomposerConfig
from services.decomposer.intake import Intake
from services.decomposer.roster import Roster
from services.decomposer.service import decomposer
from services.decomposer.workload import Workload
from services.runtime.bus import Bus
from services.runtime.client import ask
from services.runtime.lifecycle import Service
from services.runtime.limits import MIN_STREAM_BYTES, Limits
from services.runtime.provision import provision
from services.runtime.refusal import Refusal
from services.runtime.routes import Request
from services.runtime.server import EmbeddedServer
from services.runtime.wire import Entry
from tests.support import Gate, ScriptedEngine, cluster, wait_until

LONG = "What is DNA? " + "Who wrote Emma? " * 80


async def is_idle(bus: Bus) -> bool:
    return not (await bus.read((ADMIT, ADMIT.at())))[ADMIT]


async def test_who_has_an_answer_may_ask_again_at_once(bus: Bus) -> None:
    await provision(bus, Limits(max_in_flight=1))
    admissions = Admissions(bus)
    for i in range(4):
        assert await admissions.take(f"q{i}")
        with pytest.raises(Refusal, match="too many queries"):
            await admissions.take("one-more")
        await bus.commit(Entry(ANSWER, Reply(id=f"q{i}", status=Status.COMPLETE, answer="yes")))


async def test_many_who_have_answers_are_let_in_together(bus: Bus) -> None:
    await provision(bus, Limits(max_in_flight=16))
    admissions = Admissions(bus)
    for turn in range(3):
        ids = [f"{turn}-{i}" for i in range(16)]
        assert all(await asyncio.gather(*map(admissions.take, ids)))
        await asyncio.gather(*(bus.commit(Entry(ANSWER, Reply(id=id_, status=Status.COMPLETE))) for id_ in ids))


async def test_a_token_is_given_back_when_patience_runs_out(bus: Bus) -> None:
    await provision(bus)
    presence = Presence(
        node="n1", cluster="c", supercluster="s", models=["a"], slots=1, fitness=0.5, started_at=time.time()
    )
    await bus.commit(Entry(PRESENCE, presence))
    await bus.client.jetstream().delete_stream(bus.space.stream(Store.STREAM))  # and nobody makes it again
    roster = Roster()
    intake = Intake(bus, roster, Workload(), DecomposerConfig())
    inbox = bus.client.new_inbox()
    async with roster.following(bus), bus.tap(inbox) as heard:
        payload = json.dumps({"query": "What is DNA?", "timeout_s": 1}).encode()
        await intake.on_query(Request(payload, inbox, {}))
        _, reply = await asyncio.wait_for(heard.get(), 5)
    assert json.loads(reply)["error"]["code"] == "internal"
    await wait_until(lambda: is_idle(bus), "the token is given back")


async def test_a_query_in_flight_is_not_cut_again(
    server: EmbeddedServer, space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts: list[str] = []

    def chunks_of(query: Query) -> tuple[list[Chunk], list[Turn]]:
        texts.append(query.text)
        return conversation.chunks_of(query)

    monkeypatch.setattr(cut_in_time, "chunks_of", chunks_of)
    gate = Gate()
    async with cluster(server.url, space, engine=ScriptedEngine(gate)) as deployed:
        await deployed.add_node("n1", ScriptedEngine(gate))
        query = Query(query="What is DNA?", id="q")
        first = asyncio.create_task(ask(deployed.bus, query))
        await asyncio.wait_for(gate.reached.wait(), 10)
        second = asyncio.create_task(ask(deployed.bus, query))
        refused = await ask(deployed.bus, Query(query="Another?", id="q"))  # comes after the second one
        gate.opened.set()
        assert await first == await second
    assert refused.error is not None
    assert refused.error.code is ErrorCode.BAD_REQUEST
    assert texts == ["What is DNA?"]


async def test_a_text_whose_cut_takes_too_long_is_asked_whole(server: EmbeddedServer, space: Space) -> None:
    async with cluster(server.url, space, nodes=["n1"], services=("assembler", "synthesizer")) as deployed:
        await deployed.start(Service("decomposer", partial(decomposer, config=DecomposerConfig(max_cut_s=0))))
        await ask(deployed.bus, Query(query=LONG, id="q"))
        plan = await deployed.bus.last(PLAN, id="q")
    assert plan is not None
    assert [(chunk.text, chunk.kind) for chunk in plan.message.chunks] == [(LONG, "text")]


async def test_a_stream_without_room_for_its_time_refuses_a_query(server: EmbeddedServer, space: Space) -> None:
    async with cluster(server.url, space, nodes=["n1"]) as deployed:
        await provision(deployed.bus, Limits(stream_max_bytes=MIN_STREAM_BYTES))
        for i in range(12):
            filler = Result(id="x", chunk=i, node="x", replica=0, started_at=0, latency_s=0, error="x" * 90_000)
            await deployed.bus.commit(Entry(LATE, filler))
        reply = await ask(deployed.bus, Query(query="What is DNA?", id="q", timeout_s=5))
        await wait_until(lambda: is_idle(deployed.bus), "the token is given back")
    assert reply.error is not None
    assert reply.error.code is ErrorCode.OVERLOADED


async def test_a_client_hears_by_its_deadline_when_the_stream_is_deleted(server: EmbeddedServer, space: Space) -> None:
    gate = Gate()
    async with cluster(server.url, space) as deployed:
        await deployed.add_node("n1", ScriptedEngine(gate))
        started = time.monotonic()
        asked = asyncio.create_task(ask(deployed.bus, Query(query="What is DNA?", id="q", timeout_s=2), resend_s=60))
        await asyncio.wait_for(gate.reached.wait(), 10)
        await deployed.bus.client.jetstream().delete_stream(space.stream(Store.STREAM))
        reply = await asyncio.wait_for(asked, 15)
        assert time.monotonic() - started < 8, "the deadline is 2 s after the query"
        await wait_until(lambda: is_idle(deployed.bus), "the token is given back")
    assert reply.error is not None
    assert reply.error.code is ErrorCode.INTERNAL


async def test_all_nodes_are_as_many_as_the_operator_allows(server: EmbeddedServer, space: Space) -> None:
    async with cluster(server.url, space, nodes=["n1", "n2", "n3"], services=("assembler", "synthesizer")) as deployed:
        await deployed.start(Service("decomposer", partial(decomposer, config=DecomposerConfig(max_fan_out=2))))
        everybody = Policy(replicas=None, max_replicas=1)
        reply = await ask(deployed.bus, Query(query="What is the capital of Peru?", id="q", policy=everybody))
        plan = await deployed.bus.last(PLAN, id="q")
    assert plan is not None
    assert len(plan.message.assignments) == 2
    assert reply.notes == ["Up to 3 nodes were wanted for a chunk; the operator allows 2."]
