"""What the tests of the bus are made of: a scripted engine, a deployment in this process, and waiting without sleeping.

The server is a real nats-server; only inference is scripted, behind the same narrow interface that llama.cpp stands
behind.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from models.engine import Completion, Engine, Request, Stats, Turn
from models.reference import ModelReference
from schemas.subjects import Space
from services.assembler.service import assembler
from services.decomposer.roster import Roster
from services.decomposer.service import decomposer
from services.node.config import NodeConfig
from services.node.service import node
from services.runtime.bus import Bus, connect
from services.runtime.connection import Connection
from services.runtime.lifecycle import Build, Deployment, Service, operator, running
from services.runtime.limits import Limits
from services.runtime.telemetry.telemetry import Telemetry
from services.synthesizer.config import SynthesizerConfig
from services.synthesizer.service import synthesizer
from services.trainer.service import trainer

WAIT_S = 10.0
SUPERLLM = Path("superllm.gguf")

Say = Callable[[Request], Awaitable[str]]


async def answer_at_once(request: Request) -> str:
    """Answer a chunk by naming it, and a synthesis by repeating the answers."""
    if request.model == SUPERLLM:
        lines = [line.removeprefix("- ") for line in request.messages[-1].content.splitlines() if line.startswith("- ")]
        return " ".join(lines)
    return f"It is {request.messages[-1].content.strip().rstrip('?.')}."


@dataclass
class ScriptedEngine:
    """An engine whose models say what a script says; it counts what it was asked and what was cancelled."""

    say: Say = answer_at_once
    word_s: float = 0.0  # for which each word of what is streamed is waited
    logprob: float | None = -0.1
    library: str = "a script"
    threads: int = 1
    gpu_layers: int = 0
    context_tokens: int = 4096
    asked: list[Request] = field(default_factory=list)
    cancelled: int = 0
    loaded: list[ModelReference] = field(default_factory=list)
    servers_down: dict[ModelReference, str] = field(default_factory=dict)

    async def complete(self, request: Request, on_text: Callable[[str], None] | None = None) -> Completion:
        self.asked.append(request)
        started = time.monotonic()
        try:
            text = await self.say(request)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if on_text is not None:
            for word in text.split(" "):
                await asyncio.sleep(self.word_s)
                on_text(f"{word} ")
        return Completion(
            text=text,
            logprob=self.logprob,
            prompt_tokens=len(request.messages[-1].content.split()),
            completion_tokens=len(text.split()),
            latency_s=time.monotonic() - started,
            finish="stop",
        )

    async def count_tokens(self, model: ModelReference, messages: Sequence[Turn]) -> int:
        del model
        return sum(len(turn.content.split()) for turn in messages)

    async def load(self, model: ModelReference) -> None:
        self.loaded.append(model)

    def stats(self) -> dict[ModelReference, Stats]:
        return {}

    def down(self) -> dict[ModelReference, str]:
        return self.servers_down

    async def close(self) -> None:
        return


@dataclass
class Gate:
    """A script that says nothing until it is opened."""

    then: Say = answer_at_once
    opened: asyncio.Event = field(default_factory=asyncio.Event)
    reached: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, request: Request) -> str:
        if request.model != SUPERLLM:
            self.reached.set()
            await self.opened.wait()
        return await self.then(request)


def saying(text: str) -> Say:
    """Make a script that always says the same."""

    async def say(request: Request) -> str:
        return await answer_at_once(request) if request.model == SUPERLLM else text

    return say


@dataclass
class Cluster:
    """A deployment in this process, to which services can be added and from which they can be taken."""

    deployment: Deployment
    bus: Bus
    roster: Roster = field(default_factory=Roster)
    _running: dict[str, AsyncExitStack] = field(default_factory=dict)
    _buses: dict[str, Bus] = field(default_factory=dict)

    async def start(self, service: Service) -> None:
        stack = AsyncExitStack()
        self._buses[service.name] = await stack.enter_async_context(running(service, self.deployment))
        self._running[service.name] = stack

    def bus_of(self, name: str) -> Bus:
        """The connection of a service."""
        return self._buses[name]

    async def stop(self, name: str) -> None:
        if name in self._running:
            await self._running.pop(name).aclose()

    async def add_node(self, id_: str, engine: ScriptedEngine | None = None, **settings: object) -> ScriptedEngine:
        engine = engine or ScriptedEngine()
        await self.add_node_with(id_, engine, **settings)
        return engine

    async def add_node_with(self, id_: str, engine: Engine, **settings: object) -> None:
        config = NodeConfig(
            id=id_,
            cluster=str(settings.pop("cluster", "cluster-1")),
            supercluster=str(settings.pop("supercluster", "sc-main")),
            models=settings.pop("models", (Path("a.gguf"), Path("b.gguf"))),  # type: ignore[arg-type]
            **settings,  # type: ignore[arg-type]
        )
        await self.start(Service(f"node.{id_}", partial(node, config=config, engine=engine)))
        if "decomposer" in self._running:
            await self.knows(id_)

    async def knows(self, id_: str) -> None:
        """Wait until the decomposer knows a node."""

        async def known() -> bool:
            return id_ in await self.roster.current()

        await wait_until(known, f"the decomposer knows {id_}")

    async def close(self) -> None:
        for name in reversed(list(self._running)):
            await self.stop(name)


SERVICES = ("decomposer", "assembler", "synthesizer", "trainer")


@asynccontextmanager
async def cluster(
    url: str | Connection,
    space: Space,
    *,
    nodes: Sequence[str] = (),
    to_come: Sequence[str] = (),
    operated: bool = True,
    services: Sequence[str] = SERVICES,
    engine: ScriptedEngine | None = None,
    max_in_flight: int = 64,
    telemetry: Telemetry | None = None,
) -> AsyncIterator[Cluster]:
    """Run services and nodes while the body runs; where there are keys, nodes may be added that are `to_come`.

    Where it is `operated`, a service with the operator's key makes the streams.
    """
    engine = engine or ScriptedEngine()
    roster = Roster()
    builds: dict[str, Build] = {
        "decomposer": partial(decomposer, roster=roster),
        "assembler": assembler,
        "trainer": trainer,
        "synthesizer": partial(synthesizer, config=SynthesizerConfig(model=SUPERLLM), engine=engine),
    }
    limits = Limits(max_in_flight=max_in_flight)
    deployment = Deployment(
        url=url,
        space=space,
        limits=limits,
        nodes=(*nodes, *to_come),
        grace_s=0.2,
        telemetry=telemetry or Telemetry(),
    )
    async with connect(deployment.connection.for_user("operator"), space=space, name="test") as bus:
        deployed = Cluster(deployment, bus, roster)
        try:
            if operated and deployment.connection.keys is not None:
                await deployed.start(Service("operator", operator))
            for name in services:
                await deployed.start(Service(name, builds[name]))
            for id_ in nodes:
                await deployed.add_node(id_, engine)
            yield deployed
        finally:
            await deployed.close()


async def wait_until(
    predicate: Callable[[], Awaitable[bool] | bool], description: str, within_s: float = WAIT_S
) -> None:
    """Wait until something is so, or fail saying what was not."""
    give_up_at = time.monotonic() + within_s
    while True:
        found = predicate()
        if await found if isinstance(found, Awaitable) else found:
            return
        assert time.monotonic() < give_up_at, f"not within {within_s} s: {description}"
        await asyncio.sleep(0.01)
