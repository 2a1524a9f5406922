"""What the gateway adds to a bare NATS request-reply: `make bench`, or `python -m tests.bench.gateway --help`.

Services, gateway and client are processes of their own; inference is scripted.  The same query goes by NATS and over
HTTP in turn, one at a time and many at once, so that what else the machine does falls on both.  Then streams are held
open, for the memory that the gateway needs for them.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import psutil
from rich.console import Console
from rich.table import Table

from schemas.messages import Reply
from schemas.subjects import Space
from schemas.terms import Status
from services.runtime.bus import Bus, connect
from services.runtime.logging import configure
from services.runtime.loop import new_event_loop
from services.runtime.wire import decode
from tests.bench.pipeline import NODES, QUERY, node_name, percentile, server_on, timed
from tests.support import Gate, ScriptedEngine, cluster

TARGETS = {"p50_ms_more": 2.0, "MB_with_streams": 150.0}
MEGABYTE = 1024 * 1024
WARM_UP = 40
BODY = {"model": "dellm", "messages": [{"role": "user", "content": QUERY}]}
Timed = list[float]


class Connection:
    """A kept HTTP connection: no more than what a measure needs, as a full client's own time would be counted."""

    def __init__(self, address: str) -> None:
        self._host, self._port = urlsplit(address).hostname or "", urlsplit(address).port or 0
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def send(self, body: Mapping[str, object]) -> asyncio.StreamReader:
        """Post a chat completion; give what to read the reply from."""
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host, self._port)
        reader, writer = self._streams
        payload = json.dumps(body).encode()
        head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: {self._host}\r\nContent-Length: {len(payload)}\r\n\r\n"
        writer.write(head.encode() + payload)
        return reader

    async def ask(self) -> None:
        """Ask and read the whole reply."""
        reader = await self.send(BODY)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        assert head.startswith(b"http/1.1 200"), head
        await reader.readexactly(int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0]))

    def close(self) -> None:
        """Leave."""
        if self._streams is not None:
            self._streams[1].close()


@asynccontextmanager
async def process(*command: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """Run a process while the body runs, from when it has said its first line."""
    started = await asyncio.create_subprocess_exec(sys.executable, "-m", *command, stdout=asyncio.subprocess.PIPE)
    assert started.stdout is not None
    try:
        yield started, (await started.stdout.readline()).decode().strip()
    finally:
        with suppress(ProcessLookupError):
            started.terminate()
        await started.wait()


async def compare(bus: Bus, address: str, num: int, in_flight: int) -> tuple[Timed, Timed]:
    """Ask by NATS and over HTTP in turn, `in_flight` at once."""

    async def by_nats() -> None:
        msg = await bus.request(f"{bus.space.prefix}.query", json.dumps({"query": QUERY}).encode(), 60)
        assert decode(msg.data, Reply).status is Status.COMPLETE, msg.data

    connections = [Connection(address) for _ in range(in_flight)]
    over_nats: Timed = []
    over_http: Timed = []

    async def ask(call: Callable[[], Awaitable[None]], took: Timed) -> None:
        took.extend(await timed(call, max(1, 10 // in_flight)))

    for _ in range(max(1, num // max(10, in_flight))):
        await asyncio.gather(*(ask(by_nats, over_nats) for _ in connections))
        await asyncio.gather(*(ask(connection.ask, over_http) for connection in connections))
    for connection in connections:
        connection.close()
    return over_nats, over_http


async def held_streams(server: str, num: int) -> tuple[float, float]:
    """Hold streams open whose nodes think, at a gateway of their own; its MB before and then."""
    gate = Gate()
    space, nodes = Space("held"), [node_name(number) for number in range(NODES)]
    async with (
        cluster(
            server,
            space,
            nodes=nodes,
            engine=ScriptedEngine(gate),
            max_in_flight=2 * num,
        ),
        process("services", "gateway", "--nats", server, "--prefix", space.prefix) as (gateway, address),
    ):
        own = psutil.Process(gateway.pid)
        before = own.memory_info().rss / MEGABYTE
        connections = [Connection(address) for _ in range(num)]
        streams = [await connection.send({**BODY, "stream": True}) for connection in connections]
        heads = await asyncio.gather(*(stream.readuntil(b"\r\n\r\n") for stream in streams))
        assert all(head.startswith(b"HTTP/1.1 200") for head in heads)
        held = own.memory_info().rss / MEGABYTE
        gate.opened.set()
        await asyncio.gather(*(stream.readuntil(b"[DONE]") for stream in streams))
        for connection in connections:
            connection.close()
    return before, held


async def bench(arguments: argparse.Namespace) -> dict[str, float]:
    """Start everything, measure, stop everything."""
    figures: dict[str, float] = {}
    with TemporaryDirectory() as folder:
        async with (
            server_on(Path(folder), [], secured=False) as server,
            process("tests.bench.pipeline", "--serve", server.url),
            process("services", "gateway", "--nats", server.url, "--prefix", "bench") as (gateway, address),
            connect(server.url, space=Space("bench"), name="bench") as bus,
        ):
            await compare(bus, address, WARM_UP, 1)
            own = psutil.Process(gateway.pid)
            for in_flight in (1, arguments.in_flight):
                began = own.cpu_times()
                nats, http = await compare(bus, address, arguments.num, in_flight)
                spent = own.cpu_times()
                at = f"_at_{in_flight}"
                busy_s = spent.user + spent.system - began.user - began.system
                figures[f"cpu_ms_of_the_gateway{at}"] = 1e3 * busy_s / len(http)
                for share, name in ((0.5, "p50"), (0.99, "p99")):
                    more = percentile(http, share) - percentile(nats, share)
                    figures[f"{name}_ms_nats{at}"] = 1e3 * percentile(nats, share)
                    figures[f"{name}_ms_http{at}"] = 1e3 * percentile(http, share)
                    figures[f"{name}_ms_more{at}"] = 1e3 * more
                figures[f"mean_ms_more{at}"] = 1e3 * (statistics.mean(http) - statistics.mean(nats))
            figures["MB_at_rest"], figures[f"MB_with_streams_{arguments.streams}"] = await held_streams(
                server.url, arguments.streams
            )
    return figures


def main() -> None:
    """Print a table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--num", type=int, default=600, help="queries each way, at each number in flight")
    parser.add_argument("--in-flight", type=int, default=64)
    parser.add_argument("--streams", type=int, default=200)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    configure(default_level="warning", for_good=True)
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        figures = runner.run(bench(arguments))
    if arguments.json:
        print(json.dumps({name: round(value, 2) for name, value in figures.items()}, indent=2))  # noqa: T201
        return
    title = f"the gateway over bare NATS, {len(os.sched_getaffinity(0))} cores, load {os.getloadavg()[0]:.1f}"
    table = Table("figure", "value", "target", title=title)
    for name, value in figures.items():
        target = next((limit for begin, limit in TARGETS.items() if name.startswith(begin)), "")
        table.add_row(name, f"{value:.2f}", str(target))
    Console().print(table)
    Console().print(f"{time.strftime('%F')}  {' '.join(['python -m tests.bench.gateway', *sys.argv[1:]])}", style="dim")


if __name__ == "__main__":
    main()
