"""Mixed traffic through the whole pipeline for hours: `make soak HOURS=2`, or `python -m tests.bench.soak --hours 2`.

A nats-server, every service, two nodes and a gateway, each a process of its own, on the tiny model.  `traffic` tells
what clients do.  Fails where after the warm-up a process holds more than 3 % more private memory, where consumers,
subscriptions, tasks, threads, open files or stored messages become more, or where a process dies.  Every sample is in
OUT/soak.csv at once, the curve in OUT/soak.svg at the end, and what the processes logged in OUT/NAME.log.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import psutil

import models
from schemas.subjects import Space
from services.runtime.bus import connect
from services.runtime.loop import new_event_loop
from tests.bench.curve import PRIVATE, RATE, Sample, changes, draw, write_csv
from tests.bench.traffic import KEPT_S, TIMEOUT_S, Traffic
from tests.servers import free_port, place, running
from tests.support import wait_until

MODEL = Path(models.__file__).parent / "smollm2-135m-instruct-q4_1.gguf"
NODES = ("node-1", "node-2")
INFERENCE = {"threads": 1, "context_tokens": 1024, "sequences": 4}  # three processes share the machine
SPACE = Space("soak")
GATEWAY = "gateway"
SERVICES = ("decomposer", "assembler", "synthesizer", "trainer", *NODES, GATEWAY)
SERVER = "nats-server"
FLOWING = ("", "_CLAIMS", "_LEDGER")  # the streams that hold what queries leave, for KEPT_S
READY_S = 600.0  # at the lowest priority on a busy machine
END_S = 30.0
SAMPLES = 30  # of a short run
EVERY_S = 60.0
WARM_UP = 4  # a quarter of the time does not count: caches fill, and what the stream keeps reaches its age
JUDGED_S = 1200.0  # how long samples must have been taken after the warm-up for memory to be judged by them
DAY_S = 24 * 60 * 60


class Died(Exception):  # noqa: N818  # named for its cause
    """A process ended."""


@dataclass
class Deployed:
    """The processes by name, and where the server, its monitor and the gateway answer."""

    folder: Path
    nats: str
    monitor: str
    http: str
    processes: dict[str, psutil.Process] = field(default_factory=dict)

    async def sample(self, at_s: float, traffic: Traffic) -> Sample:
        """Look at every process, and at what the server holds.  Raises Died."""
        figures: dict[str, float] = {}
        for name, process in self.processes.items():
            try:
                memory, files, threads = process.memory_full_info(), process.num_fds(), process.num_threads()
            except psutil.Error:
                raise Died(f"{name} has ended; see its log") from None
            figures[f"{name} private MiB"] = round(memory.uss / 2**20, 2)
            figures[f"{name} resident MiB"] = round(memory.rss / 2**20, 2)
            figures |= {f"{name} files": files, f"{name} threads": threads}
            with suppress(OSError, ValueError):
                figures[f"{name} tasks"] = int((self.folder / f"{name}.tasks").read_text())
        return Sample(at_s, figures | await self._server(traffic.num_kept))

    async def _server(self, num_kept: int) -> dict[str, float]:
        async with httpx.AsyncClient(base_url=self.monitor, timeout=TIMEOUT_S) as client:
            connections = (await client.get("/connz", params={"limit": 1024})).json()["connections"]
            jetstream = (await client.get("/jsz", params={"streams": "true"})).json()
        own = [one for one in connections if one.get("name", "").startswith(f"{SPACE.prefix}-")]
        figures: dict[str, float] = {"connections": len(own)}
        for one in own:
            figures[f"{one['name']} subscriptions"] = one["subscriptions"]
        for stream in streams_of(jetstream):
            figures |= of_stream(stream["name"], stream["state"], num_kept)
        return figures


def topology() -> dict[str, Any]:
    """Give a pool of small nodes."""
    member = {"cluster": "sc-main", "model_a_path": str(MODEL), "model_b_path": str(MODEL)}
    return {
        "superllm": {"id": "superllm-1", "model_path": str(MODEL)},
        "superclusters": [{"id": "sc-main"}],
        "nodes": [{"id": node, **member} for node in NODES],
        "inference": INFERENCE,
    }


def streams_of(jetstream: Mapping[str, Any]) -> list[dict[str, Any]]:
    """List the streams that a server tells of."""
    found = [stream for account in jetstream["account_details"] for stream in account.get("stream_detail") or ()]
    return sorted(found, key=lambda stream: str(stream["name"]))


def of_stream(name: str, state: Mapping[str, Any], num_kept: int) -> dict[str, float]:
    """Give the figures of a stream: one that queries flow through holds as much as there were acts."""
    figures: dict[str, float] = {f"{name} consumers": state["consumer_count"]}
    if name in [f"{SPACE.prefix.upper()}{suffix}" for suffix in FLOWING]:
        for what in ("messages", "bytes"):
            figures[f"{name} {what} {RATE}"] = round(state[what] / max(1, num_kept), 2)
        return figures
    return figures | {f"{name} messages": state["messages"], f"{name} bytes": state["bytes"]}


@asynccontextmanager
async def deployed(folder: Path, out: Path) -> AsyncIterator[Deployed]:
    """Run a server and every service while the body runs; they are ready when it begins."""
    port, http = free_port(), f"127.0.0.1:{free_port()}"
    servers = place(folder, ["127.0.0.1"], f"http: 127.0.0.1:{port}\n")
    found = Deployed(folder, servers.url, f"http://127.0.0.1:{port}", f"http://{http}")
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(running(servers))
        pool = folder / "topology.json"
        pool.write_text(json.dumps(topology()))
        server = servers.members[0].process
        assert server is not None
        found.processes[SERVER] = psutil.Process(server.pid)
        for name in SERVICES:
            options = ["--nats", servers.url, "--prefix", SPACE.prefix, "--topology", str(pool)]
            options += ["--ledger-days", str(KEPT_S / DAY_S), "--canaries", "0.05"]
            options += ["--http", http] if name == GATEWAY else []
            options += ["--node", name] if name in NODES else []
            command = (str(folder / f"{name}.tasks"), "node" if name in NODES else name, *options)
            found.processes[name] = await stack.enter_async_context(process(command, out / f"{name}.log"))
        async with httpx.AsyncClient(base_url=found.http, timeout=READY_S) as client:

            async def is_ready() -> bool:
                with suppress(httpx.HTTPError):
                    return bool((await client.get("/readyz")).json().get("nodes") == len(NODES))
                return False

            await wait_until(is_ready, "the gateway sees all nodes", within_s=READY_S)
        yield found


@asynccontextmanager
async def process(command: tuple[str, ...], log: Path) -> AsyncIterator[psutil.Process]:
    """Run a service while the body runs."""
    environment = {**os.environ, "DELLM_LOG": "warning"}
    with log.open("wb") as written:
        started = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.bench.counted", *command), env=environment, stdout=written, stderr=written
        )
    try:
        yield psutil.Process(started.pid)
    finally:
        with suppress(ProcessLookupError):
            started.terminate()
        try:
            async with asyncio.timeout(END_S):
                await started.wait()
        except TimeoutError:
            started.kill()
            await started.wait()


async def traffic_of(hours: float, every_s: float, out: Path) -> list[Sample]:
    """Run the traffic, and sample what it uses."""
    seconds, samples = hours * 3600, list[Sample]()
    with TemporaryDirectory() as folder:
        async with (
            deployed(Path(folder), out) as found,
            httpx.AsyncClient(base_url=found.http, timeout=TIMEOUT_S + 10) as http,
            connect(found.nats, space=SPACE, name="client") as bus,
        ):
            began_at = time.monotonic()
            traffic = Traffic(bus, http, Random(1))
            going_on = asyncio.create_task(traffic.go_on(began_at + seconds, every_s))
            while not going_on.done():
                await asyncio.wait([going_on], timeout=min(EVERY_S, seconds / SAMPLES))
                samples.append(await found.sample(time.monotonic() - began_at, traffic))
                write_csv(samples, out / "soak.csv")
                _say(line_of(samples[-1], traffic))
            await going_on
    _say("\n".join(f"{count:6} {ending}" for ending, count in sorted(traffic.endings.items())))
    return samples


def line_of(sample: Sample, traffic: Traffic) -> str:
    """Tell in a line what a sample says."""
    sizes = ", ".join(f"{name} {sample.figures[f'{name} {PRIVATE}']:.1f}" for name in (SERVER, *SERVICES))
    return f"{sample.at_s / 60:6.1f} min, {traffic.endings.total():5} acts; MiB: {sizes}"


def soak_pipeline(hours: float, every_s: float, out: Path) -> list[str]:
    """Run for so long, show what it used, and list the faults."""
    out.mkdir(parents=True, exist_ok=True)
    warm_up_s = hours * 3600 / WARM_UP
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        samples = runner.run(traffic_of(hours, every_s, out))
    draw(samples, out / "soak.svg", warm_up_s)
    found = changes(samples, warm_up_s)
    _say("\n".join([f"{'after the warm-up':<40} {'first':>12} {'last':>12} {'grown':>9}", *map(str, found)]))
    if samples[-1].at_s - warm_up_s < JUDGED_S:
        _say(f"memory and what is stored are not judged: that takes {JUDGED_S / 60:.0f} minutes after the warm-up")
        found = [change for change in found if not change.is_size]
    return [str(change) for change in found if change.is_fault]


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201
