"""A fleet to storm: servers and services as processes, and clients who ask at a steady rate."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from schemas.subjects import Space
from services.runtime.bus import Bus
from tests.chaos.processes import TIMEOUT_S, Asker, Processes, asking, processes
from tests.servers import Servers, running
from tests.storm.report import Report, report

SPACE = Space("storm")
CONNECTIONS = 4
CLIENTS = 32
NODES = ("node.n1", "node.n2", "node.n3")
KINDS = ("decomposer", "assembler", "synthesizer", "trainer")
PAIRS = tuple(name for kind in KINDS for name in (kind, f"{kind}.2"))


@dataclass
class Fleet:
    """What a scene has to do with."""

    servers: Servers
    services: Processes
    bus: Bus
    askers: Sequence[Asker]
    names: Sequence[str]
    struck: dict[str, int] = field(default_factory=dict)
    told: dict[str, Any] = field(default_factory=dict)
    _num_asked: int = 0

    def strike(self, part: str) -> None:
        """Count a part that was struck."""
        kind = part.partition(".")[0].partition("-")[0]
        kind = "nats-server" if kind == "dellm" else kind
        self.struck[kind] = self.struck.get(kind, 0) + 1

    async def ask(self, scene: str, num: int, rate: float) -> Report:
        """Have clients ask `num` queries, each one after the other, at most `rate` a second in all."""
        began_at = time.monotonic()
        first, self._num_asked = self._num_asked, self._num_asked + num
        left = iter(range(num))
        asked: list[str] = []

        async def client() -> None:
            for number in left:
                await asyncio.sleep(max(0.0, began_at + number / rate - time.monotonic()))
                id_ = f"{scene}-{first + number}"
                asked.append(id_)
                await self.askers[number % len(self.askers)].ask(id_, policy={"wording": "join"})

        await asyncio.gather(*(client() for _ in range(CLIENTS)))
        replies = {id_: found for asker in self.askers for id_, found in asker.replies.items() if id_ in asked}
        took_s = {id_: took for asker in self.askers for id_, took in asker.took_s.items() if id_ in asked}
        seconds = time.monotonic() - began_at
        return report(scene, asked, replies, took_s, seconds=seconds, struck=self.struck, told=self.told)


@asynccontextmanager
async def fleet(
    servers: Servers,
    *,
    names: Sequence[str] = (*PAIRS, *NODES),
    launches: Mapping[str, Sequence[str]] | None = None,
    tree: Path | None = None,
    timeout_s: float = TIMEOUT_S,
) -> AsyncIterator[Fleet]:
    """Run servers, two of each service and three nodes, and clients, while the body runs.

    The services are those of another checkout where a `tree` is given.
    """
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(running(servers))
        trees = dict.fromkeys(names, tree) if tree is not None else {}
        to_be = Processes(
            servers.url, SPACE.prefix, replicas=servers.replicas, launches=dict(launches or {}), trees=trees
        )
        services, bus = await stack.enter_async_context(processes(servers.url, SPACE, names, to_be))
        askers = [await stack.enter_async_context(asking(servers.url, SPACE, timeout_s)) for _ in range(CONNECTIONS)]
        yield Fleet(servers, services, bus, askers, names)


@asynccontextmanager
async def meanwhile(blow: Callable[[], Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
    """Let something happen again and again while the body runs, to the end of the last time."""
    over = asyncio.Event()

    async def go_on() -> None:
        while not over.is_set():
            await blow()

    task = asyncio.create_task(go_on())
    try:
        yield
    finally:
        over.set()
        await task
