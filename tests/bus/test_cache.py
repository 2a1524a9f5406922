"""The answer cache on a real nats-server: what was answered is not asked again, and nothing depends on it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from msgspec import structs

from models.engine import Request
from schemas.cache import cache_key
from schemas.commands import Feedback, Query
from schemas.messages import Reply
from schemas.plans import Chunk
from schemas.subjects import CACHED, FEEDBACK, FITNESS, PLAN, REVISED, TASK, Space
from schemas.terms import CachedAnswer, ErrorCode, Policy, Source, Status, Wording
from services.decomposer.service import decomposer
from services.runtime.bus import Bus
from services.runtime.client import ask
from services.runtime.lifecycle import Service
from services.runtime.provision import provision
from services.runtime.server import EmbeddedServer
from services.runtime.wire import Entry
from tests.support import SUPERLLM, Cluster, ScriptedEngine, answer_at_once, cluster, wait_until

CAPITAL = "What is the capital of Peru?"
CHAIN = "Who wrote Emma, and when was she born?"
SAID = {
    CAPITAL: "Lima",
    "What is the capital of Chile?": "Santiago",
    "Who wrote Emma?": "Jane Austen",
    "Given: Who wrote Emma? Jane Austen. When was she born?": "1775",
}


async def say(request: Request) -> str:
    return (
        await answer_at_once(request)
        if request.model == SUPERLLM
        else SAID.get(request.messages[-1].content, "no idea")
    )


def sure() -> ScriptedEngine:
    return ScriptedEngine(say, logprob=-0.001)


def query(text: str = CAPITAL, id_: str = "q1", *, cache: bool = True) -> Query:
    policy = Policy(max_replicas=1, wording=Wording.JOIN, cache=cache)
    return Query(query=text, id=id_, timeout_s=10, policy=policy)


async def kept(bus: Bus) -> list[CachedAnswer]:
    return [stored.message for stored in (await bus.read((CACHED, CACHED.at())))[CACHED]]


async def ask_and_keep(deployed: Cluster, asked: Query, num: int = 1) -> Reply:
    """Ask, and see that so many answers are in the cache then."""
    reply = await ask(deployed.bus, asked)

    async def are_kept() -> bool:
        return len(await kept(deployed.bus)) == num

    await wait_until(are_kept, f"{num} answers are kept")
    return reply


async def test_what_was_answered_is_not_asked_again(server: EmbeddedServer, space: Space) -> None:
    engine = sure()
    async with cluster(server.url, space, nodes=["n1"], engine=engine) as deployed:
        first = await ask_and_keep(deployed, query())
        num_asked = len(engine.asked)
        second = await ask(deployed.bus, query("what is the  capital of Peru", "q2"))
        tasks = (await deployed.bus.read((TASK, TASK.at(id="q2"))))[TASK]
        fitness = await deployed.bus.last(FITNESS, node="n1")
    assert len(engine.asked) == num_asked
    assert (first.status, second.status) == (Status.COMPLETE, Status.COMPLETE)
    assert first.answer == second.answer == "Lima"
    (asked,), (found,) = first.chunks, second.chunks
    assert (asked.decided, asked.source) == ("all", None)
    assert (found.decided, found.winner, found.final, found.votes) == ("cached", "Lima", "Lima", [])
    assert found.confidence == asked.confidence
    assert found.source is not None
    assert found.source.query == "q1"
    assert tasks == []
    assert fitness is None or fitness.message.overall.count <= 1, "nothing is learned of nobody's votes"


@pytest.mark.parametrize(("writes", "reads"), [(False, True), (True, False)])
async def test_a_query_takes_part_only_if_it_says_so(
    server: EmbeddedServer, space: Space, *, writes: bool, reads: bool
) -> None:
    engine = sure()
    async with cluster(server.url, space, nodes=["n1"], engine=engine) as deployed:
        await ask_and_keep(deployed, query(cache=writes), num=int(writes))
        num_asked = len(engine.asked)
        reply = await ask(deployed.bus, query(id_="q2", cache=reads))
    assert len(engine.asked) == 2 * num_asked
    assert reply.chunks[0].decided == "all"


async def test_only_what_is_new_is_asked(server: EmbeddedServer, space: Space) -> None:
    engine = sure()
    async with cluster(server.url, space, nodes=["n1"], engine=engine) as deployed:
        await ask_and_keep(deployed, query())
        engine.asked.clear()
        reply = await ask(deployed.bus, query("What is the capital of Peru, and what is the capital of Chile?", "q2"))
    assert reply.status is Status.COMPLETE
    assert [(chunk.decided, chunk.final) for chunk in reply.chunks] == [("cached", "Lima"), ("all", "Santiago")]
    assert {request.messages[-1].content for request in engine.asked} == {"What is the capital of Chile?"}


async def test_a_chain_begins_with_what_is_cached(server: EmbeddedServer, space: Space) -> None:
    engine = sure()
    async with cluster(server.url, space, nodes=["n1"], engine=engine) as deployed:
        await ask_and_keep(deployed, query("Who wrote Emma?"))
        engine.asked.clear()
        first = await ask_and_keep(deployed, query(CHAIN, "q2"), num=2)
        asked = {request.messages[-1].content for request in engine.asked}
        assert asked == {"Given: Who wrote Emma? Jane Austen. When was she born?"}
        engine.asked.clear()
        second = await ask(deployed.bus, query(CHAIN, "q3"))
    assert [(chunk.decided, chunk.final) for chunk in first.chunks] == [("cached", "Jane Austen"), ("all", "1775")]
    assert [(chunk.decided, chunk.final) for chunk in second.chunks] == [("cached", "Jane Austen"), ("cached", "1775")]
    assert [chunk.given for chunk in second.chunks] == [chunk.given for chunk in first.chunks]
    assert engine.asked == []


async def test_what_is_all_cached_needs_no_node(server: EmbeddedServer, space: Space) -> None:
    async with cluster(server.url, space) as deployed:
        await deployed.add_node("n1", sure())
        await ask_and_keep(deployed, query())
        await deployed.stop("node.n1")
        await deployed.stop("decomposer")
        await deployed.start(Service("decomposer", decomposer))  # one that has never seen the node
        known = await ask(deployed.bus, query(id_="q2"))
        plan = await deployed.bus.last(PLAN, id="q2")
        revised = await deployed.bus.last(REVISED, id="q2")
        unknown = await ask(deployed.bus, query("What is the capital of Chile?", "q3"))
    assert known.answer == "Lima"
    assert plan is not None
    assert revised is not None
    assert revised.sequence > plan.sequence, "the assembler is woken by the batch that holds the plan"
    assert unknown.error is not None
    assert unknown.error.code is ErrorCode.NO_NODES


async def test_an_unsure_answer_is_not_kept(server: EmbeddedServer, space: Space) -> None:
    async with cluster(server.url, space, nodes=["n1"], engine=ScriptedEngine(say, logprob=-3)) as deployed:
        await ask(deployed.bus, query())
        await deployed.bus.flush()
        assert await kept(deployed.bus) == []


@pytest.mark.parametrize(
    ("feedback", "stays"),
    [
        (Feedback(id="q1", good=True), True),
        (Feedback(id="q1", answer="lima"), True),
        (Feedback(id="q1", good=False), False),
        (Feedback(id="q2", answer="Cuzco"), False),
    ],
)
async def test_a_wrong_answer_is_forgotten(
    server: EmbeddedServer, space: Space, feedback: Feedback, *, stays: bool
) -> None:
    async with cluster(server.url, space, nodes=["n1"], engine=sure()) as deployed:
        await ask_and_keep(deployed, query())
        await ask(deployed.bus, query(id_="q2"))
        sequence = await deployed.bus.commit(Entry(FEEDBACK, feedback))
        consumer = deployed.bus.client.jetstream()

        async def is_handled() -> bool:
            info = await consumer.consumer_info(space.stream(FEEDBACK.store), "trainer-claims")
            return info.ack_floor is not None and info.ack_floor.stream_seq >= sequence

        await wait_until(is_handled, "the feedback is handled")
        assert bool(await kept(deployed.bus)) is stays
        reply = await ask(deployed.bus, query(id_="q3"))
    assert reply.chunks[0].decided == ("cached" if stays else "all")


@pytest.mark.parametrize("record", [b"not JSON", b'{"key": "abc", "answer": "of another version"}', b""])
async def test_an_unreadable_record_is_a_miss(server: EmbeddedServer, space: Space, record: bytes) -> None:
    async with cluster(server.url, space, nodes=["n1"], engine=sure()) as deployed:
        bucket = await deployed.bus.client.jetstream().key_value(space.bucket(CACHED.store))
        await bucket.put(cache_key(Chunk(index=0, text=CAPITAL, kind="fact")), record)
        first = await ask_and_keep(deployed, query())
        second = await ask(deployed.bus, query(id_="q2"))
    assert [reply.chunks[0].decided for reply in (first, second)] == ["all", "cached"]


async def test_a_lost_bucket_costs_what_it_held_and_no_answer(server: EmbeddedServer, space: Space) -> None:
    async with cluster(server.url, space, nodes=["n1"], engine=sure()) as deployed:
        await deployed.bus.client.jetstream().delete_stream(space.stream(CACHED.store))
        replies = [await ask(deployed.bus, query(id_=id_)) for id_ in ("q1", "q2")]
    assert [reply.status for reply in replies] == [Status.COMPLETE] * 2
    assert replies[0].chunks[0].decided == "all"


async def test_a_full_cache_gives_up_the_oldest(server: EmbeddedServer, space: Space) -> None:
    async with cluster(server.url, space, nodes=["n1"], engine=sure()) as deployed:
        jetstream = deployed.bus.client.jetstream()
        config = (await jetstream.stream_info(space.stream(CACHED.store))).config
        await jetstream.update_stream(replace(config, max_bytes=64 * 1024))
        source = Source(query="q0", answered_at=0)
        large = CachedAnswer(key="k0", source=source, winner="x" * 10_000, final="x", agreement=1, confidence=1)
        for i in range(10):
            await deployed.bus.commit(Entry(CACHED, structs.replace(large, key=f"k{i}")))
        full = {entry.key for entry in await kept(deployed.bus)}
        assert full == {f"k{i}" for i in range(10 - len(full), 10)}
        assert len(full) < 10
        for i in range(100):  # too small to matter each, too many to fit as well
            await deployed.bus.commit(Entry(CACHED, structs.replace(large, key=f"s{i}", winner="x" * 600)))
        first = await ask(deployed.bus, query())
        key = cache_key(first.chunks[0])

        async def is_kept() -> bool:
            return await deployed.bus.last(CACHED, key=key) is not None

        await wait_until(is_kept, "the new answer is kept")
        second = await ask(deployed.bus, query(id_="q2"))
        info = await jetstream.stream_info(space.stream(CACHED.store))
    assert [reply.chunks[0].decided for reply in (first, second)] == ["all", "cached"]
    assert info.state.bytes <= 64 * 1024


async def test_the_bucket_is_bounded_in_size_and_age(bus: Bus, space: Space) -> None:
    await provision(bus)
    await provision(bus)
    config = (await bus.client.jetstream().stream_info(space.stream(CACHED.store))).config
    assert (config.max_bytes, config.max_age, config.max_msgs_per_subject) == (64 * 1024 * 1024, 24 * 3600, 1)
