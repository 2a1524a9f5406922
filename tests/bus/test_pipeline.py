"""The whole flow on a real nats-server, with scripted models."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import msgspec
import nats
import pytest

from models.engine import Request
from schemas.commands import Cancel, Feedback, Query
from schemas.subjects import ADMIT, ANSWER, ASSEMBLED, CANCEL, FEEDBACK, FITNESS, PLAN, RESULT, TASK, Space, Store
from schemas.terms import ErrorCode, OnPartial, Policy, Status, VoteRule
from services.runtime.client import ask
from services.runtime.server import EmbeddedServer
from services.runtime.wire import Entry
from tests.support import Cluster, Gate, ScriptedEngine, cluster, saying, wait_until

ALL = Policy(vote=VoteRule.SUM, replicas=None, max_replicas=1)
TWO_PARTS = "What is the capital of Peru, and what is the capital of Chile?"


def query(
    text: str = TWO_PARTS, id_: str = "q1", timeout_s: float = 10, on_partial: OnPartial = OnPartial.ACCEPT
) -> Query:
    return Query(query=text, id=id_, timeout_s=timeout_s, on_partial=on_partial, policy=ALL)


async def test_bare_request_reply_with_json_typed_by_hand(server: EmbeddedServer, space: Space) -> None:
    async with cluster(server.url, space, nodes=["n1", "n2", "n3"]):
        client = await nats.connect(server.url)
        by_hand = f'{{"query": "{TWO_PARTS}", "policy": {{"vote": "sum", "replicas": null}}}}'
        reply = await client.request(f"{space.prefix}.query", by_hand.encode(), timeout=10)
        await client.close()
    body = json.loads(reply.data)
    assert body["status"] == "complete"
    assert "capital of Peru" in body["answer"]
    assert "capital of Chile" in body["answer"]
    assert body["synthesis"] == {"method": "model", "model": "superllm", "reason": None}
    assert [len(chunk["votes"]) for chunk in body["chunks"]] == [2, 1]
    vote = body["chunks"][0]["votes"][0]
    assert vote["weight"] == pytest.approx(vote["fitness"] * vote["confidence"])
    assert [answer["model"] for answer in vote["answers"]] == ["a", "b"]
    assert body["timings"]["total_s"] > 0
    assert body["id"]


async def test_one_chunk_is_answered_verbatim(server: EmbeddedServer, space: Space) -> None:
    async with cluster(server.url, space, nodes=["n1"], engine=ScriptedEngine(saying("Lima, since 1535."))) as deployed:
        reply = await ask(deployed.bus, query("What is the capital of Peru?"))
    assert reply.answer == "Lima, since 1535."
    assert reply.synthesis is not None
    assert reply.synthesis.method == "verbatim"


async def test_the_same_id_is_answered_once_with_identical_bytes(server: EmbeddedServer, space: Space) -> None:
    gate = Gate()
    engine = ScriptedEngine(gate)
    async with cluster(server.url, space, nodes=["n1", "n2"], engine=engine) as deployed:
        client = await nats.connect(server.url)
        payload = json.dumps({"query": TWO_PARTS, "id": "same"}).encode()
        first = asyncio.create_task(client.request(f"{space.prefix}.query", payload, timeout=10))
        await gate.reached.wait()
        second = asyncio.create_task(client.request(f"{space.prefix}.query", payload, timeout=10))

        async def both_came() -> bool:
            stats = await client.request(f"$SRV.STATS.{space.prefix}-decomposer", b"", timeout=2)
            return bool(json.loads(stats.data)["endpoints"][0]["num_requests"] == 2)

        await wait_until(both_came, "the decomposer has both requests")
        gate.opened.set()
        replies = [(await first).data, (await second).data]
        num_asked = len(engine.asked)
        replies.append((await client.request(f"{space.prefix}.query", payload, timeout=10)).data)
        await client.close()
        stored = await deployed.bus.last(ANSWER, id="same")
    assert stored is not None
    assert set(replies) == {stored.payload}
    assert len(engine.asked) == num_asked, "a repeated id costs no inference"


async def test_an_id_belongs_to_one_question(server: EmbeddedServer, space: Space) -> None:
    async with cluster(server.url, space, nodes=["n1"]) as deployed:
        await ask(deployed.bus, query("What is DNA?"))
        reply = await ask(deployed.bus, query("What is RNA?"))
    assert reply.error is not None
    assert reply.error.code is ErrorCode.BAD_REQUEST
    assert "another question" in reply.error.message


async def test_a_silent_node_makes_a_partial_answer_on_time(server: EmbeddedServer, space: Space) -> None:
    async with cluster(server.url, space, nodes=["n1"]) as deployed:
        await deployed.add_node("silent", ScriptedEngine(Gate()))
        started = time.time()
        reply = await ask(deployed.bus, query(timeout_s=2))
        took_s = time.time() - started
    assert reply.status is Status.PARTIAL
    assert took_s < 2.0
    missing = [(chunk.index, miss.node, miss.reason) for chunk in reply.chunks for miss in chunk.missing]
    assert [(node, reason) for _, node, reason in missing] == [("silent", "no answer in time")]
    silent_chunk = reply.chunks[missing[0][0]]
    assert silent_chunk.decided == "none"
    assert f"No answer to: {silent_chunk.text}" in reply.answer


async def test_a_partial_answer_may_be_refused(server: EmbeddedServer, space: Space) -> None:
    async with cluster(server.url, space, nodes=["n1"]) as deployed:
        await deployed.add_node("silent", ScriptedEngine(Gate()))
        reply = await ask(deployed.bus, query(timeout_s=2, on_partial=OnPartial.REFUSE))
    assert reply.status is Status.FAILED
    assert reply.answer == ""
    assert reply.error is not None
    assert reply.error.code is ErrorCode.DEADLINE
    assert [len(chunk.votes) for chunk in reply.chunks] != [0, 0], "the votes stay on the record"


async def test_nobody_answers_in_time(server: EmbeddedServer, space: Space) -> None:
    async with cluster(server.url, space, nodes=["n1"], engine=ScriptedEngine(Gate())) as deployed:
        reply = await ask(deployed.bus, query(timeout_s=1))
    assert reply.status is Status.FAILED
    assert reply.error is not None
    assert reply.error.code is ErrorCode.DEADLINE


async def test_no_nodes(server: EmbeddedServer, space: Space) -> None:
    async with cluster(server.url, space) as deployed:
        reply = await ask(deployed.bus, query())
        assert reply.error is not None
        assert reply.error.code is ErrorCode.NO_NODES
        assert (await deployed.bus.read((ADMIT, ADMIT.at())))[ADMIT] == []


async def test_overload_is_told_at_once_and_passes(server: EmbeddedServer, space: Space) -> None:
    gate = Gate()
    async with cluster(server.url, space, engine=ScriptedEngine(gate), max_in_flight=2) as deployed:
        await deployed.add_node("n1", ScriptedEngine(gate), slots=4)
        accepted = [asyncio.create_task(ask(deployed.bus, query("What is DNA?", f"q{i}"))) for i in range(2)]
        await wait_until(lambda: _is_planned(deployed, "q0", "q1"), "both queries are planned")
        started = time.monotonic()
        refused = await ask(deployed.bus, query("What is DNA?", "q2"))
        assert time.monotonic() - started < 0.5
        assert refused.error is not None
        assert refused.error.code is ErrorCode.OVERLOADED
        gate.opened.set()
        assert [(await task).status for task in accepted] == [Status.COMPLETE] * 2
        await wait_until(lambda: _is_idle(deployed), "admissions are given back")
        assert (await ask(deployed.bus, query("What is DNA?", "q3"))).status is Status.COMPLETE


async def test_cancel_frees_the_nodes_and_is_answered(server: EmbeddedServer, space: Space) -> None:
    gate = Gate()
    engine = ScriptedEngine(gate)
    async with cluster(server.url, space, nodes=["n1"], engine=engine) as deployed:
        asked = asyncio.create_task(ask(deployed.bus, query()))
        await gate.reached.wait()
        await deployed.bus.publish(CANCEL, Cancel(id="q1"))
        reply = await asked
        assert reply.error is not None
        assert reply.error.code is ErrorCode.CANCELLED
        await wait_until(lambda: engine.cancelled == 2, "both models of the running task are stopped")
        assert len(engine.asked) == 2, "the other chunk was never begun"
        await wait_until(lambda: _is_idle(deployed), "its admission is given back")
        gate.opened.set()
        assert (await ask(deployed.bus, query(id_="q2"))).status is Status.COMPLETE


async def test_an_early_decision_stops_the_rest(server: EmbeddedServer, space: Space) -> None:
    gate = Gate()
    async with cluster(server.url, space, nodes=["n1", "n2", "n3"]) as deployed:
        slow = await deployed.add_node("weak", ScriptedEngine(gate), fitness=0.1)
        reply = await ask(deployed.bus, query("What is the capital of Peru?"))
        await wait_until(lambda: slow.cancelled == 2, "the outvoted node is stopped")
    assert reply.status is Status.COMPLETE
    assert reply.chunks[0].decided == "early"
    assert ("weak", False) in [(missing.node, missing.failed) for missing in reply.chunks[0].missing]


async def test_a_late_result_reaches_the_trainer_only(server: EmbeddedServer, space: Space) -> None:
    async with cluster(server.url, space, nodes=["n1", "n2", "n3"]) as deployed:
        reply = await ask(deployed.bus, query("What is the capital of Peru?"))
        answered = await deployed.bus.last(ANSWER, id="q1")
        counted = (await deployed.bus.read((RESULT, RESULT.at(id="q1"))))[RESULT]
        late = msgspec.structs.replace(counted[0].message, node="late", latency_s=7.5)
        await deployed.bus.commit(Entry(RESULT, late))
        await wait_until(lambda: _has_fitness(deployed, "late"), "the trainer learned of the late node")
        fitness = await deployed.bus.last(FITNESS, node="late")
        assert fitness is not None
        assert fitness.message.overall.latency_s == 7.5
        assert fitness.message.overall.fitness > 0.5, "late but right"
        again = await deployed.bus.last(ANSWER, id="q1")
    assert reply.status is Status.COMPLETE
    assert answered is not None
    assert again == answered


async def test_work_of_a_node_that_leaves_moves_to_a_live_one(server: EmbeddedServer, space: Space) -> None:
    gate = Gate()
    async with cluster(server.url, space, nodes=["stays"]) as deployed:
        await deployed.add_node("leaves", ScriptedEngine(gate))
        asked = asyncio.create_task(ask(deployed.bus, query(timeout_s=20)))
        await gate.reached.wait()
        await deployed.stop("node.leaves")
        reply = await asked
        plan = await deployed.bus.last(PLAN, id="q1")
    assert reply.status is Status.COMPLETE
    assert {vote.node for chunk in reply.chunks for vote in chunk.votes} == {"stays"}
    assert plan is not None
    assert plan.message.revision == 1


async def test_a_node_that_joins_takes_over_what_nobody_could(server: EmbeddedServer, space: Space) -> None:
    gate = Gate()
    async with cluster(server.url, space) as deployed:
        await deployed.add_node("only", ScriptedEngine(gate))
        asked = asyncio.create_task(ask(deployed.bus, query(timeout_s=20)))
        await gate.reached.wait()
        await deployed.stop("node.only")
        await deployed.add_node("new")
        reply = await asked
    assert reply.status is Status.COMPLETE
    assert {vote.node for chunk in reply.chunks for vote in chunk.votes} == {"new"}


async def test_a_failing_node_is_replaced_by_one_more_replica(server: EmbeddedServer, space: Space) -> None:
    gate = Gate(then=saying(""))
    async with cluster(server.url, space) as deployed:
        await deployed.add_node("broken", ScriptedEngine(gate), fitness=1.0)
        asked = asyncio.create_task(ask(deployed.bus, query("What is DNA?")))
        await gate.reached.wait()
        await deployed.add_node("sound")
        gate.opened.set()
        reply = await asked
    assert reply.status is Status.COMPLETE
    assert [vote.node for vote in reply.chunks[0].votes] == ["sound"]
    assert [(missing.node, missing.failed) for missing in reply.chunks[0].missing] == [("broken", True)]


async def test_a_program_that_comes_to_nothing_is_worked_in_steps(server: EmbeddedServer, space: Space) -> None:
    async def say(request: Request) -> str:
        return "Sorry!" if "Python" in request.messages[-1].content else "A dozen is 12.\nThe answer is 84."

    async with cluster(server.url, space, nodes=["n1"], engine=ScriptedEngine(say)) as deployed:
        reply = await ask(deployed.bus, query("How many eggs are in 7 dozen?"))
    (vote,) = reply.chunks[0].votes
    assert (reply.status, vote.final) == (Status.COMPLETE, "84")
    assert [answer.method for answer in vote.answers] == ["program", "program", "steps", "steps"]


async def test_every_node_fails(server: EmbeddedServer, space: Space) -> None:
    async with cluster(server.url, space, nodes=["n1", "n2"], engine=ScriptedEngine(saying(""))) as deployed:
        started = time.monotonic()
        reply = await ask(deployed.bus, query("What is DNA?"))
    assert time.monotonic() - started < 5, "told at once, not at the deadline"
    assert reply.error is not None
    assert reply.error.code is ErrorCode.INTERNAL
    assert "every node failed" in reply.error.message


async def test_a_synthesis_that_drops_something_is_replaced_by_the_join(server: EmbeddedServer, space: Space) -> None:
    async def say(request: object) -> str:
        return "Nothing of note." if getattr(request, "model", None) == Path("superllm.gguf") else "Answer: 4711"

    async with cluster(server.url, space, nodes=["n1"], engine=ScriptedEngine(say)) as deployed:
        reply = await ask(deployed.bus, query())
    assert reply.synthesis is not None
    assert reply.synthesis.method == "join"
    assert "4711" in (reply.synthesis.reason or "")
    assert reply.answer.count("4711") == 2


async def test_events_show_every_committed_step(server: EmbeddedServer, space: Space) -> None:
    async with cluster(server.url, space, nodes=["n1"]) as deployed, deployed.bus.tap(space.event(">")) as heard:
        await ask(deployed.bus, query("What is DNA?"))
        seen: list[str] = []
        while not seen or not seen[-1].startswith("answer."):
            address, _ = await asyncio.wait_for(heard.get(), 5)
            seen.append(address.removeprefix(space.event("")))
    assert seen == ["plan.q1", "timer.q1", "task.n1.q1.0", "result.q1.0.n1", "assembled.q1", "answer.q1"]


async def test_services_answer_discovery(server: EmbeddedServer, space: Space) -> None:
    async with cluster(server.url, space, nodes=["n1"]):
        client = await nats.connect(server.url)
        for verb in ("PING", "INFO", "STATS"):
            inbox = client.new_inbox()
            replies = await client.subscribe(inbox)
            await client.publish(f"$SRV.{verb}", b"", reply=inbox)
            names = {json.loads((await replies.next_msg(5)).data)["name"] for _ in range(5)}
            assert names == {
                f"{space.prefix}-{name}" for name in ("decomposer", "node", "assembler", "synthesizer", "trainer")
            }
        await client.close()


async def test_trace_context_and_error_code_travel_in_headers(server: EmbeddedServer, space: Space) -> None:
    async with cluster(server.url, space, nodes=["n1"]):
        client = await nats.connect(server.url)
        trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        payload = b'{"query": "What is DNA?"}'
        reply = await client.request(f"{space.prefix}.query", payload, timeout=10, headers={"traceparent": trace})
        assert reply.headers is not None
        assert reply.headers["traceparent"] == trace
        refused = await client.request(f"{space.prefix}.query", b"{}", timeout=10)
        assert refused.headers is not None
        assert refused.headers["Nats-Service-Error-Code"] == "bad_request"
        await client.close()


async def test_fitness_follows_consensus_and_feedback_and_is_used(server: EmbeddedServer, space: Space) -> None:
    gate = Gate()  # the right ones are later, lest they decide before the wrong one is heard
    async with cluster(server.url, space, nodes=["n1", "n2"], engine=ScriptedEngine(gate)) as deployed:
        await deployed.add_node("wrong", ScriptedEngine(saying("Answer: 13")))
        asked = asyncio.create_task(ask(deployed.bus, query("What is the capital of Peru?")))
        await wait_until(lambda: _has_answered(deployed, "q1", "wrong"), "the wrong one has answered")
        gate.opened.set()
        await asked
        await wait_until(lambda: _has_fitness(deployed, "wrong"), "consensus was learned")
        after_consensus = await deployed.bus.last(FITNESS, node="wrong")
        assert after_consensus is not None
        assert after_consensus.message.overall.fitness < 0.5
        await deployed.bus.commit(Entry(FEEDBACK, Feedback(id="q1", answer="13")))

        async def learned() -> bool:
            now = await deployed.bus.last(FITNESS, node="wrong")
            return now is not None and now.message.overall.fitness > 0.5

        await wait_until(learned, "feedback outweighs consensus")

        async def known() -> bool:
            nodes = (await deployed.roster.current()).all()
            return any(node.presence.node == "wrong" and node.record("fact").fitness > 0.5 for node in nodes)

        await wait_until(known, "the decomposer knows it")
        await ask(deployed.bus, query("What is the capital of Chile?", "q2"))
        plan = await deployed.bus.last(PLAN, id="q2")
    assert plan is not None
    assert max(plan.message.assignments, key=lambda assignment: assignment.fitness).node == "wrong"


async def test_a_message_that_does_not_decode_becomes_a_dead_letter(server: EmbeddedServer, space: Space) -> None:
    async with cluster(server.url, space, nodes=["n1"]) as deployed, deployed.bus.tap(space.event("dead.>")) as dead:
        await deployed.bus.client.jetstream().publish(f"{space.prefix}.result.q1.0.n1", b"\xff not JSON")
        assert (await asyncio.wait_for(dead.get(), 5))[0].split(".")[-2] == "assembler-claims"
        reply = await ask(deployed.bus, query("What is DNA?", "q9"))
    assert reply.status is Status.COMPLETE


async def test_a_task_that_nobody_took_expires_with_its_query(server: EmbeddedServer, space: Space) -> None:
    async with cluster(server.url, space, nodes=["n1"]) as deployed:
        await deployed.add_node("silent", ScriptedEngine(Gate()))
        await ask(deployed.bus, query(timeout_s=2))
        await wait_until(lambda: _has_no_tasks(deployed, "q1"), "the silent node's task has expired")


async def test_bad_requests_are_told_and_the_service_lives_on(server: EmbeddedServer, space: Space) -> None:
    bad = {
        b"": "bad_request",
        b"\xff\xfe": "bad_request",
        b"What is DNA?": "bad_request",
        b'{"query": ""}': "bad_request",
        b'{"query": 7}': "bad_request",
        b'{"query": "x", "colour": 1}': "bad_request",
        b'{"query": "x", "id": "a.b"}': "bad_request",
        b'{"query": "x", "id": "a b"}': "bad_request",
        b'{"query": "x", "timeout_s": 0}': "bad_request",
        b'{"query": "x", "timeout_s": -1}': "bad_request",
        b'{"query": "x", "timeout_s": 1e9}': "bad_request",
        json.dumps({"query": "x" * 33_000}).encode(): "too_large",
        b"x" * 1_000_000: "too_large",
    }
    async with cluster(server.url, space, nodes=["n1"]) as deployed:
        client = await nats.connect(server.url)
        for payload, code in bad.items():
            reply = await client.request(f"{space.prefix}.query", payload, timeout=5, headers={"x": "y" * 9000})
            body = json.loads(reply.data)
            assert (body["status"], body["error"]["code"]) == ("failed", code), payload[:60]
            assert "\n" not in body["error"]["message"]
        await client.close()
        assert (await ask(deployed.bus, query("What is DNA?"))).status is Status.COMPLETE


async def test_an_oversize_request_ends_its_client_and_nobody_else(server: EmbeddedServer, space: Space) -> None:
    closed = asyncio.Event()

    async def on_closed() -> None:
        closed.set()

    async def on_error(_: Exception) -> None:
        """The server says why it hangs up."""

    async with cluster(server.url, space, nodes=["n1"]) as deployed:
        client = await nats.connect(server.url, closed_cb=on_closed, error_cb=on_error)
        payload = json.dumps({"query": "x" * (client.max_payload - 50)}).encode()
        await client.publish(f"{space.prefix}.query", payload, headers={"x": "y" * 1000})
        await asyncio.wait_for(closed.wait(), 10)
        assert (await ask(deployed.bus, query("What is DNA?"))).status is Status.COMPLETE


async def test_fitness_outlives_every_service(server: EmbeddedServer, space: Space) -> None:
    async with cluster(server.url, space, nodes=["n1", "n2"]) as deployed:
        await ask(deployed.bus, query("Who wrote Emma?"))
        await wait_until(lambda: _has_fitness(deployed, "n1"), "it is learned")
        before = await deployed.bus.last(FITNESS, node="n1")
    async with cluster(server.url, space, nodes=["n1", "n2"]) as deployed:
        assert before == await deployed.bus.last(FITNESS, node="n1")
        await ask(deployed.bus, query("Who wrote Dracula?", "q2"))

        async def learned_more() -> bool:
            now = await deployed.bus.last(FITNESS, node="n1")
            return before is not None and now is not None and now.message.overall.count > before.message.overall.count

        await wait_until(learned_more, "learning goes on from there")


async def test_fitness_that_cannot_be_read_is_kept_and_a_deleted_one_starts_anew(
    server: EmbeddedServer, space: Space
) -> None:
    unreadable = {"n1": b"not JSON", "n3": b'{"node": "n3", "overall": {"fitness": 7}}'}
    async with cluster(server.url, space, nodes=["n1", "n2", "n3"]) as deployed:
        bucket = await deployed.bus.client.jetstream().key_value(space.bucket(FITNESS.store))
        for node, record in unreadable.items():
            await bucket.put(node, record)
        await bucket.put("n2", b"{}")
        await bucket.delete("n2")
        await ask(deployed.bus, query("Who wrote Emma?"))
        await wait_until(lambda: _has_fitness(deployed, "n2"), "it is learned over the deleted one")
        assert {node: (await bucket.get(node)).value for node in unreadable} == unreadable


async def test_feedback_that_is_sent_twice_counts_once(server: EmbeddedServer, space: Space) -> None:
    async with cluster(server.url, space, nodes=["n1"]) as deployed:
        for id_ in ("q1", "q2"):
            await ask(deployed.bus, query("Who wrote Emma?", id_))
        for answer in ("13", "13", "14"):
            await deployed.bus.commit(Entry(FEEDBACK, Feedback(id="q1", answer=answer)))
            await wait_until(lambda: _is_consumed(deployed, "trainer-claims"), "the trainer has handled it")
        await deployed.bus.commit(Entry(FEEDBACK, Feedback(id="q2", answer="13")))
        await wait_until(lambda: _is_consumed(deployed, "trainer-claims"), "the trainer has handled it")
        known = await deployed.bus.last(FITNESS, node="n1")
    assert known is not None
    assert known.message.overall.judged == 2


async def test_two_of_every_service_answer_each_query_once(server: EmbeddedServer, space: Space) -> None:
    async with (
        cluster(server.url, space, nodes=["n1", "n2"]) as deployed,
        cluster(server.url, space, nodes=["n3"]),
        deployed.bus.tap(space.event(ANSWER.at())) as stored,
    ):
        ids = [f"q{i}" for i in range(30)]
        replies = await asyncio.gather(*(ask(deployed.bus, query(id_=id_)) for id_ in ids))
    assert {reply.status for reply in replies} == {Status.COMPLETE}
    assert stored.qsize() == len(ids)


async def test_a_consumer_that_was_deleted_is_made_again(server: EmbeddedServer, space: Space) -> None:
    async with cluster(server.url, space, nodes=["n1"]) as deployed:
        for durable in ("node-n1", "assembler", "synthesizer"):
            await deployed.bus.client.jetstream().delete_consumer(space.stream(PLAN.store), durable)
        assert (await ask(deployed.bus, query("What is DNA?"))).status is Status.COMPLETE


async def test_garbage_in_the_stream_spoils_nothing_but_itself(server: EmbeddedServer, space: Space) -> None:
    async with cluster(server.url, space, nodes=["n1"]) as deployed, deployed.bus.tap(space.event("dead.>")) as dead:
        await deployed.add_node("silent", ScriptedEngine(Gate()))
        asked = asyncio.create_task(ask(deployed.bus, query(timeout_s=2)))
        await wait_until(lambda: _is_planned(deployed, "q1"), "the query is planned")
        stream = deployed.bus.client.jetstream()
        await stream.publish(f"{space.prefix}.result.q1.0.bad", b"not JSON")
        await stream.publish(f"{space.prefix}.task.n1.q1.9", b"not JSON")
        await stream.publish(f"{space.prefix}.result.q1.1.worse", _result_with(chosen=3))
        await deployed.bus.client.publish(f"{space.prefix}.cancel.q1", b'{"id": "q1", "reason": "' + b"x" * 900 + b'"}')
        assert (await asked).status is Status.PARTIAL
        letters = {(await asyncio.wait_for(dead.get(), 5))[0].split(".")[-2] for _ in range(3)}
    assert letters == {"assembler-claims", "node-n1"}


def _result_with(chosen: int) -> bytes:
    fields = {"id": "q1", "chunk": 1, "node": "worse", "replica": 0, "started_at": 0, "latency_s": 0, "chosen": chosen}
    return json.dumps(fields).encode()


async def test_an_id_may_be_used_again_when_all_of_it_is_forgotten(server: EmbeddedServer, space: Space) -> None:
    async with cluster(server.url, space, nodes=["n1", "n2", "n3"]) as deployed:
        first = await ask(deployed.bus, query("What is DNA?"))
        await deployed.bus.purge(PLAN, id="q1")
        assert await ask(deployed.bus, query("What is DNA?")) == first, "the answer outlives the plan"
        await deployed.bus.purge(ANSWER, id="q1")
        reply = await ask(deployed.bus, query("What is DNA?"))
        assert reply.error is not None
        assert "no longer kept" in reply.error.message
        await deployed.bus.purge(ASSEMBLED, id="q1")
        await deployed.bus.purge(RESULT, id="q1")
        await deployed.bus.purge(TASK, id="q1")
        assert (await ask(deployed.bus, query("What is DNA?"))).status is Status.COMPLETE


async def test_an_engine_that_breaks_is_an_answer_too(server: EmbeddedServer, space: Space) -> None:
    async def fail(_: object) -> str:
        raise RuntimeError("a bug")

    async with cluster(server.url, space, nodes=["n1"], engine=ScriptedEngine(fail)) as deployed:
        reply = await ask(deployed.bus, query("Who wrote Emma?"))
    assert reply.error is not None
    assert reply.error.message == "every node failed: a: RuntimeError; b: RuntimeError"


async def _is_planned(deployed: Cluster, *ids: str) -> bool:
    return all([await deployed.bus.last(PLAN, id=id_) is not None for id_ in ids])


async def _has_answered(deployed: Cluster, id_: str, node: str) -> bool:
    return bool((await deployed.bus.read((RESULT, RESULT.at(id=id_, node=node))))[RESULT])


async def _is_idle(deployed: Cluster) -> bool:
    return not (await deployed.bus.read((ADMIT, ADMIT.at())))[ADMIT]


async def _is_consumed(deployed: Cluster, durable: str) -> bool:
    info = await deployed.bus.client.jetstream().consumer_info(
        deployed.bus.space.stream(Store.CLAIMS if durable.endswith("-claims") else Store.STREAM), durable
    )
    return not info.num_pending and not info.num_ack_pending


async def _has_fitness(deployed: Cluster, node: str) -> bool:
    return await deployed.bus.last(FITNESS, node=node) is not None


async def _has_no_tasks(deployed: Cluster, id_: str) -> bool:
    return not (await deployed.bus.read((TASK, TASK.at(id=id_))))[TASK]


async def test_a_query_that_cannot_be_counted_ends_at_its_deadline(
    server: EmbeddedServer, space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("services.assembler.service.assess", fail)
    async with cluster(server.url, space, nodes=["n1"]) as deployed:
        reply = await ask(deployed.bus, query("What is the capital of Peru?", timeout_s=2))
    assert reply.status is Status.FAILED
    assert reply.error is not None
    assert reply.error.code is ErrorCode.INTERNAL
    assert "could not be counted" in reply.error.message
