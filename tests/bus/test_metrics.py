"""What real processes show to Prometheus, send by OTLP, and write into their logs."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import nats
import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from schemas.subjects import Space
from services.runtime.server import EmbeddedServer
from tests.servers import free_port
from tests.support import cluster

ROOT = Path(__file__).parents[2]
TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACE = f"00-{TRACE_ID}-00f067aa0ba902b7-01"


@dataclass
class Started:
    """A service in a process of its own, and where its figures are."""

    process: asyncio.subprocess.Process
    metrics_url: str = ""
    lines: list[dict[str, Any]] = field(default_factory=list)

    async def read_until(self, event: str) -> dict[str, Any]:
        """Read log lines until one is of this event."""
        assert self.process.stderr is not None
        while text := await asyncio.wait_for(self.process.stderr.readline(), 30):
            line: dict[str, Any] = json.loads(text)
            self.lines.append(line)
            if line["event"] == event:
                return line
        raise AssertionError(f"no {event}: {self.lines}")

    async def figures(self) -> str:
        async with httpx.AsyncClient() as client:
            return (await client.get(self.metrics_url)).text


@asynccontextmanager
async def started(server: EmbeddedServer, space: Space, name: str, **environment: str) -> AsyncIterator[Started]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services", name, "--nats", server.url, "--prefix", space.prefix, "--metrics", "0"),
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "DELLM_LOG": "info", **environment},
    )
    try:
        found = Started(process)
        found.metrics_url = (await found.read_until("metrics.served"))["url"]
        await found.read_until("service.ready")
        yield found
    finally:
        if process.returncode is None:
            process.terminate()
            await process.communicate()


async def test_a_process_shows_how_its_handlers_ended(server: EmbeddedServer, space: Space) -> None:
    async with (
        started(server, space, "decomposer") as decomposer,
        cluster(server.url, space, nodes=["n1"], services=("assembler", "synthesizer", "trainer")) as deployed,
    ):
        client = await nats.connect(server.url)
        bad = await client.request(f"{space.prefix}.query", b"{}", timeout=10)
        assert b"bad_request" in bad.data
        await client.request(f"{space.prefix}.query", b'{"query": "Who wrote Hamlet?"}', timeout=20)
        await client.close()
        figures = await decomposer.figures()
        own = deployed.deployment.telemetry.metrics.render().decode()
    assert 'dellm_messages_total{outcome="done",service="decomposer",subject="query"} 2.0' in figures
    assert 'dellm_message_seconds_count{service="decomposer",subject="query"} 2.0' in figures
    assert 'dellm_replies_total{error="bad_request",status="failed"} 1.0' in figures
    assert 'dellm_admissions_total{outcome="admitted"} 1.0' in figures
    assert "dellm_nodes 1.0" in figures
    assert "process_resident_memory_bytes" in figures
    assert 'dellm_messages_total{outcome="done",service="node",subject="task"} 1.0' in own
    assert 'dellm_queue_messages{queue="node"} 0.0' in own
    assert 'dellm_votes_total{kind="fact",outcome="won"} 1.0' in own
    assert 'dellm_generations_total{finish="stop",model="a"} 1.0' in own
    assert 'dellm_replies_total{error="",status="complete"} 1.0' in own
    assert "n1" not in figures + own


async def test_the_dashboard_shows_what_there_is(server: EmbeddedServer, space: Space) -> None:
    async with started(server, space, "assembler") as assembler:
        there = set(re.findall(r"^# TYPE (\w+)", await assembler.figures(), re.MULTILINE))
    board = json.loads((ROOT / "deploy/grafana/dellm.json").read_text())
    queries = [target["expr"] for panel in board["panels"] for target in panel.get("targets", ())]
    shown = {
        name.removesuffix("_bucket") for query in queries for name in re.findall(r"\b(?:dellm|process)_\w+", query)
    }
    assert shown
    assert shown - there == set()
    ours = {name for name in there if name.startswith("dellm_") and not name.endswith("_created")}
    assert ours - shown == {"dellm_engine_requests_total", "dellm_tokens_total"}, "the dashboard shows all but these"


async def test_log_lines_have_the_trace_and_the_query(server: EmbeddedServer, space: Space) -> None:
    async with started(server, space, "decomposer") as decomposer:
        client = await nats.connect(server.url)
        payload = b'{"id": "q7", "query": "Who wrote Hamlet?"}'
        await client.request(f"{space.prefix}.query", payload, timeout=10, headers={"traceparent": TRACE})
        await client.close()
        line = await decomposer.read_until("query.refused")
    assert (line["trace"], line["query"], line["code"]) == (TRACE_ID, "q7", "no_nodes")


@pytest.mark.parametrize("address", ["here", "127.0.0.1:99999", "nowhere.invalid:9464", "taken"])
async def test_a_bad_address_is_one_line(server: EmbeddedServer, space: Space, address: str) -> None:
    listening = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    taken = f"127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services", "assembler", "--nats", server.url, "--prefix", space.prefix),
        *("--metrics", taken if address == "taken" else address),
        stderr=asyncio.subprocess.PIPE,
    )
    _, told = await asyncio.wait_for(process.communicate(), 30)
    listening.close()
    assert process.returncode == 1
    assert told.decode().startswith("assembler: --metrics ")
    assert told.count(b"\n") == 1


class Collector(BaseHTTPRequestHandler):
    """Takes what is sent by OTLP, and keeps it."""

    taken: list[tuple[str, bytes]]

    def do_POST(self) -> None:
        self.taken.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        return


async def test_traces_and_figures_are_sent_by_otlp(server: EmbeddedServer, space: Space) -> None:
    taken: list[tuple[str, bytes]] = []
    collector = ThreadingHTTPServer(("127.0.0.1", free_port()), type("Own", (Collector,), {"taken": taken}))
    Thread(target=collector.serve_forever, daemon=True).start()
    endpoint = f"http://127.0.0.1:{collector.server_port}"
    async with started(
        server, space, "decomposer", OTEL_EXPORTER_OTLP_ENDPOINT=endpoint, OTEL_EXPORTER_OTLP_COMPRESSION="none"
    ) as decomposer:
        client = await nats.connect(server.url)
        await client.request(f"{space.prefix}.query", b"{}", timeout=10, headers={"traceparent": TRACE})
        await client.close()
        decomposer.process.terminate()
        await decomposer.process.communicate()
    collector.shutdown()
    collector.server_close()
    traces = [ExportTraceServiceRequest.FromString(body) for path, body in taken if path == "/v1/traces"]
    spans = [
        span for sent in traces for part in sent.resource_spans for scope in part.scope_spans for span in scope.spans
    ]
    assert [(span.name, span.trace_id.hex()) for span in spans] == [("decomposer query", TRACE_ID)]
    sent = ExportMetricsServiceRequest.FromString([body for path, body in taken if path == "/v1/metrics"][-1])
    (resource,) = sent.resource_metrics
    assert "dellm-decomposer" in {each.value.string_value for each in resource.resource.attributes}
    metrics = {metric.name: metric for scope in resource.scope_metrics for metric in scope.metrics}
    (point,) = metrics["dellm_messages"].sum.data_points
    assert point.as_double == 1
    (seconds,) = metrics["dellm_message_seconds"].histogram.data_points
    assert (seconds.count, sum(seconds.bucket_counts)) == (1, 1)
    assert len(seconds.bucket_counts) == len(seconds.explicit_bounds) + 1
