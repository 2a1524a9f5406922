"""What telemetry costs: the durable pipeline without and with it, in turns: `python -m tests.bench.telemetry`.

The nodes answer at once, so that all that is measured is work of the services.  `on` is as shipped: figures that are
scraped every second, spans and figures sent by OTLP to a server in another process; `all` records every query.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from services.runtime.bus import Bus, connect
from services.runtime.logging import configure
from services.runtime.loop import new_event_loop
from services.runtime.server import EmbeddedServer, embedded_server
from tests.bench.pipeline import NODES, QUERY, SPACE, Usage, node_name, started, timed
from tests.servers import free_port

MODES = {"off": {}, "on": {}, "all": {"OTEL_TRACES_SAMPLER": "parentbased_always_on"}}
IN_FLIGHT = 64
SCRAPE_S = 1.0


class Sink(BaseHTTPRequestHandler):
    """Takes what is sent by OTLP, and forgets it."""

    def do_POST(self) -> None:
        """Take it."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def take_all(port: int) -> None:
    """Be the server that traces are sent to."""
    ThreadingHTTPServer(("127.0.0.1", port), Sink).serve_forever()


@contextmanager
def sink() -> Iterator[str]:
    """Run it in a process of its own while the body runs."""
    port = free_port()
    process = multiprocessing.get_context("spawn").Process(target=take_all, args=(port,), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.join()


async def ask_many(bus: Bus, num: int) -> float:
    """Ask so many queries, IN_FLIGHT at a time; give how long it took."""

    async def question() -> None:
        reply = json.loads((await bus.request(f"{SPACE.prefix}.query", json.dumps({"query": QUERY}).encode(), 60)).data)
        assert reply["status"] == "complete", reply

    began = time.perf_counter()
    await asyncio.gather(*(timed(question, num // IN_FLIGHT) for _ in range(IN_FLIGHT)))
    return time.perf_counter() - began


async def scrape(port: int) -> None:
    """Read the figures as Prometheus does, more often."""
    async with httpx.AsyncClient(timeout=60) as client:
        while True:
            (await client.get(f"http://127.0.0.1:{port}/metrics")).raise_for_status()
            await asyncio.sleep(SCRAPE_S)


async def one_round(server: EmbeddedServer, mode: str, endpoint: str, num: int) -> dict[str, float]:
    """Measure one process."""
    port = free_port()
    telling = [] if mode == "off" else ["--metrics", str(port)]
    environment = {} if mode == "off" else {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, **MODES[mode]}
    async with (
        started("--serve", server, range(NODES), NODES, more=telling, environment=environment) as serving,
        connect(server.connection.for_user("operator"), space=SPACE, name="bench") as bus,
    ):
        await ask_many(bus, IN_FLIGHT)
        scraping = asyncio.create_task(scrape(port)) if telling else None
        usage = Usage({"services": [serving]})
        used_s = usage.read()
        took_s = await ask_many(bus, num)
        cpu_s = usage.since(used_s)["services"]
        if scraping is not None:
            assert not scraping.done(), scraping
            scraping.cancel()
    return {"cpu_ms_a_query": 1e3 * cpu_s / num, "queries_per_s": num / took_s}


async def bench(rounds: int, num: int) -> dict[str, dict[str, float]]:
    """Measure all modes in turns; give medians, and those of the ratios to `off` in the same round."""
    found: dict[str, list[dict[str, float]]] = {mode: [] for mode in MODES}
    with TemporaryDirectory() as folder, sink() as endpoint:
        async with embedded_server(Path(folder), SPACE, [node_name(i) for i in range(NODES)]) as server:
            for number in range(rounds):
                for mode in MODES if number % 2 == 0 else reversed(MODES):
                    found[mode].append(await one_round(server, mode, endpoint, num))
    report = {}
    for mode, figures in found.items():
        report[mode] = {name: statistics.median(each[name] for each in figures) for name in figures[0]}
        for name in figures[0]:
            ratios = [each[name] / before[name] for each, before in zip(figures, found["off"], strict=True)]
            report[mode][f"{name}_over_off"] = statistics.median(ratios)
    return report


def main() -> None:
    """Print JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--queries", type=int, default=512)
    arguments = parser.parse_args()
    configure(default_level="warning", for_good=True)
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        report = runner.run(bench(arguments.rounds, arguments.queries))
    rounded = {mode: {name: round(value, 3) for name, value in figures.items()} for mode, figures in report.items()}
    print(json.dumps(rounded, indent=2))  # noqa: T201


if __name__ == "__main__":
    main()
