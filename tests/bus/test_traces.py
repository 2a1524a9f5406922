"""One trace a query: its context goes along in the header of every message, and spans are recorded where that is on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import httpx
import nats
from nats.aio.msg import Msg
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import Decision

from schemas.messages import Reply
from schemas.subjects import Space
from services.runtime.server import EmbeddedServer
from services.runtime.telemetry.telemetry import Telemetry
from services.runtime.telemetry.tracing import AtMost, Traces, new_provider
from services.runtime.wire import decode
from tests.door import gateway_of
from tests.support import Cluster, Gate, ScriptedEngine, cluster, wait_until

TRACE_ID, CLIENTS_SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
PARENT = f"00-{TRACE_ID}-{CLIENTS_SPAN}-01"
STATE = "vendor=1"
HEADERS = {"traceparent": PARENT, "tracestate": STATE}
TWO_PARTS = "What is the capital of Peru, and what is the capital of Chile?"


@asynccontextmanager
async def traced(
    server: EmbeddedServer, space: Space, *nodes: str, engine: ScriptedEngine | None = None
) -> AsyncIterator[tuple[Cluster, InMemorySpanExporter]]:
    """Run all services, with their spans kept in memory."""
    spans, provider = InMemorySpanExporter(), new_provider("dellm")
    provider.add_span_processor(SimpleSpanProcessor(spans))
    telemetry = Telemetry(Traces(provider))
    async with cluster(server.url, space, nodes=nodes, engine=engine, telemetry=telemetry) as deployed:
        yield deployed, spans


async def ask_with(
    deployed: Cluster, headers: dict[str, str] | None, query: str = TWO_PARTS, **more: object
) -> tuple[Reply, dict[str, str]]:
    """Ask as a client that knows NATS alone."""
    client = await nats.connect(deployed.bus.client.connected_url.geturl())  # type: ignore[union-attr]
    payload = json.dumps({"query": query, **more}).encode()
    msg = await client.request(f"{deployed.bus.space.prefix}.query", payload, timeout=20, headers=headers)
    await client.close()
    return decode(msg.data, Reply), dict(msg.headers or {})


@asynccontextmanager
async def overheard(deployed: Cluster) -> AsyncIterator[list[Msg]]:
    """Keep all messages that pass meanwhile."""
    heard: list[Msg] = []

    async def on_message(msg: Msg) -> None:
        heard.append(msg)

    for address in (f"{deployed.bus.space.prefix}.>", f"event.{deployed.bus.space.prefix}.>"):
        await deployed.bus.subscribe(address, on_message)
    await deployed.bus.flush()
    yield heard


def rows(heard: Sequence[Msg]) -> set[str]:
    return {msg.subject.removeprefix("event.").split(".")[1] for msg in heard}


def by_name(spans: InMemorySpanExporter) -> dict[str, list[ReadableSpan]]:
    found: dict[str, list[ReadableSpan]] = {}
    for span in spans.get_finished_spans():
        found.setdefault(span.name, []).append(span)
    return found


def parent_of(span: ReadableSpan) -> str:
    return f"{span.parent.span_id:016x}" if span.parent else ""


def id_of(span: ReadableSpan) -> str:
    context = span.get_span_context()
    assert context is not None
    return f"{context.span_id:016x}"


async def test_one_trace_from_the_client_to_the_answer(server: EmbeddedServer, space: Space) -> None:
    async with traced(server, space, "n1", "n2") as (deployed, spans):
        reply, headers = await ask_with(deployed, HEADERS)
        names = {"decomposer answer", "trainer assembled"}
        await wait_until(lambda: names <= by_name(spans).keys(), "all is traced")
    found = by_name(spans)
    assert {f"{span.context.trace_id:032x}" for spans in found.values() for span in spans} == {TRACE_ID}
    (query,) = found["decomposer query"]
    assert parent_of(query) == CLIENTS_SPAN
    tasks = found["node task"]
    assert len(tasks) >= 2
    assert {parent_of(task) for task in tasks} == {id_of(query)}
    assert {parent_of(result) for result in found["assembler result"]} <= {id_of(task) for task in tasks}
    (wording,) = found["synthesizer assembled"]
    assert parent_of(wording) in {id_of(result) for result in found["assembler result"]}
    assert {parent_of(span) for span in found["decomposer answer"]} == {id_of(wording)}
    assert headers["traceparent"] == f"00-{TRACE_ID}-{id_of(wording)}-01"
    assert headers["tracestate"] == STATE
    assert all((span.attributes or {})["dellm.query"] == reply.id for span in (*tasks, wording, query))


async def test_generations_are_told_by_the_conventions_and_without_their_content(
    server: EmbeddedServer, space: Space
) -> None:
    async with traced(server, space, "n1") as (deployed, spans):
        await ask_with(deployed, HEADERS)
        await wait_until(lambda: "synthesizer assembled" in by_name(spans), "it is answered")
    found = by_name(spans)
    (writing,) = found["chat superllm"]
    assert parent_of(writing) == id_of(found["synthesizer assembled"][0])
    (first, *_) = found["chat a"]
    assert parent_of(first) in {id_of(task) for task in found["node task"]}
    told = dict(first.attributes or {})
    assert told["gen_ai.operation.name"] == "chat"
    assert told["gen_ai.provider.name"] == "llama_cpp"
    assert told["gen_ai.request.model"] == "a"
    assert told["gen_ai.response.finish_reasons"] == ("stop",)
    assert int(str(told["gen_ai.usage.input_tokens"])) > 0
    assert int(str(told["gen_ai.usage.output_tokens"])) > 0
    assert [event.name for event in first.events] == ["queued", "prefill", "decode"]
    times = [event.timestamp for event in first.events]
    assert times == sorted(times)
    assert not any(
        "Peru" in str(value) for span in spans.get_finished_spans() for value in (span.attributes or {}).values()
    )


async def test_what_is_asked_over_http_is_in_the_clients_trace(server: EmbeddedServer, space: Space) -> None:
    async with (
        traced(server, space, "n1") as (deployed, spans),
        gateway_of(deployed) as url,
        httpx.AsyncClient(timeout=30, headers={"traceparent": PARENT}) as client,
    ):
        body = {"model": "dellm", "messages": [{"role": "user", "content": TWO_PARTS}], "stream": True}
        assert "[DONE]" in (await client.post(f"{url}/v1/chat/completions", json=body)).text
        events = await client.post(f"{url}/query", json={"query": "Hi"}, headers={"Accept": "text/event-stream"})
        assert events.status_code == 200
        assert (await client.get(f"{url}/readyz")).status_code == 200
        await wait_until(lambda: len(by_name(spans).get("decomposer query", [])) == 2, "both are traced")
        await wait_until(lambda: len(spans_of_http(spans)) == 2, "both have ended")
    (chat,) = by_name(spans)["POST /v1/chat/completions"]
    (asked,) = by_name(spans)["POST /query"]
    assert {parent_of(chat), parent_of(asked)} == {CLIENTS_SPAN}
    assert {parent_of(span) for span in by_name(spans)["decomposer query"]} == {id_of(chat), id_of(asked)}


def spans_of_http(spans: InMemorySpanExporter) -> list[ReadableSpan]:
    return [span for span in spans.get_finished_spans() if span.name.startswith("POST")]


async def test_a_query_without_a_context_begins_a_trace_and_nothing_else_does(
    server: EmbeddedServer, space: Space
) -> None:
    async with traced(server, space, "n1") as (deployed, spans):
        await ask_with(deployed, None)
        await wait_until(lambda: "decomposer answer" in by_name(spans), "it is answered")
    roots = [span for span in spans.get_finished_spans() if span.parent is None]
    assert [span.name for span in roots] == ["decomposer query"]


async def test_what_a_client_does_not_want_recorded_is_passed_on_only(server: EmbeddedServer, space: Space) -> None:
    async with traced(server, space, "n1") as (deployed, spans):
        _, headers = await ask_with(deployed, {"traceparent": f"{PARENT[:-2]}00"})
    assert headers["traceparent"] == f"{PARENT[:-2]}00"
    assert not spans.get_finished_spans()


async def test_every_message_of_a_query_carries_its_context(server: EmbeddedServer, space: Space) -> None:
    gate = Gate()
    async with cluster(server.url, space, nodes=["n1"]) as deployed, overheard(deployed) as heard:
        await ask_with(deployed, HEADERS)
        await ask_with(deployed, HEADERS, "Compute 12 times 8, then add 10 to the result.")
        await deployed.stop("node.n1")
        await deployed.add_node("n2", ScriptedEngine(gate))
        await ask_with(deployed, HEADERS, timeout_s=2)  # the server wakes the assembler
        gate.opened.set()
        want = {"query", "plan", "timer", "task", "result", "route", "revised", "decided", "assembled", "deadline"}
        await wait_until(lambda: want | {"token", "answer", "cancel"} <= rows(heard), f"{want - rows(heard)} is heard")
        bare = {msg.subject for msg in heard if (msg.headers or {}).get("traceparent") != PARENT}
        assert bare == set()
        assert all((msg.headers or {}).get("tracestate") == STATE for msg in heard)


async def test_without_a_context_nothing_is_added(server: EmbeddedServer, space: Space) -> None:
    async with cluster(server.url, space, nodes=["n1"]) as deployed, overheard(deployed) as heard:
        _, headers = await ask_with(deployed, None)
        await wait_until(lambda: "answer" in rows(heard), "it is answered")
    assert not any("traceparent" in (msg.headers or {}) for msg in heard)
    assert "traceparent" not in headers


async def test_tasks_of_a_node_that_left_go_on_in_their_trace(server: EmbeddedServer, space: Space) -> None:
    gate = Gate()
    async with cluster(server.url, space) as deployed:
        leaving = await deployed.add_node("n1", ScriptedEngine(gate))
        asked = asyncio.create_task(ask_with(deployed, HEADERS, "What is the capital of Peru?"))
        await asyncio.wait_for(gate.reached.wait(), 10)
        await deployed.add_node("n2")
        async with overheard(deployed) as heard:
            await deployed.stop("node.n1")
            await asked
            moved = [msg for msg in heard if f".{'task.n2'}." in msg.subject]
    assert leaving.cancelled
    assert moved
    assert all((msg.headers or {}).get("traceparent") == PARENT for msg in moved)


def test_a_process_begins_so_many_traces_a_second_at_most() -> None:
    sampler = AtMost(3)
    taken = [sampler.should_sample(None, 1, "query").decision is Decision.RECORD_AND_SAMPLE for _ in range(50)]
    assert taken[:3] == [True, True, True]
    assert sum(taken) <= 4
