"""A node is there while its models are loaded, and says so; a model that cannot be loaded ends it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from models.engine import ModelError
from models.reference import ModelReference, model_name
from schemas.subjects import PRESENCE, Space
from services.node.config import NodeConfig
from services.node.service import node
from services.runtime.bus import Bus
from services.runtime.lifecycle import Deployment, provisioned
from services.runtime.server import EmbeddedServer
from services.runtime.supervision import CannotRun
from tests.support import ScriptedEngine, wait_until


@dataclass
class LoadingEngine(ScriptedEngine):
    """Its models are loaded when the test says so; `bad` cannot be."""

    may_load: asyncio.Event = field(default_factory=asyncio.Event)

    async def load(self, model: ModelReference) -> None:
        if model_name(model) != "quick":
            await self.may_load.wait()
        if model_name(model) == "bad":
            raise ModelError("bad.gguf: llama.cpp cannot load it")
        await super().load(model)


CONFIG = NodeConfig(id="n", cluster="c", supercluster="s", models=(Path("slow.gguf"), Path("quick.gguf")))


async def test_a_node_is_there_before_its_models_are(server: EmbeddedServer, space: Space, bus: Bus) -> None:
    engine = LoadingEngine()
    async with provisioned(bus, Deployment(url=server.url, space=space)):

        async def loading() -> list[str] | None:
            found = await bus.last(PRESENCE, node="n")
            return None if found is None else found.message.loading

        async def is_left(names: list[str]) -> bool:
            return await loading() == names

        async with node(bus, CONFIG, engine):
            await wait_until(lambda: is_left(["slow"]), "the quick one is loaded")
            engine.may_load.set()
            await wait_until(lambda: is_left([]), "both are loaded")


async def test_a_model_that_cannot_be_loaded_ends_its_node(server: EmbeddedServer, space: Space, bus: Bus) -> None:
    engine = LoadingEngine()
    config = NodeConfig(id="n", cluster="c", supercluster="s", models=(Path("bad.gguf"),))

    async def run() -> None:
        async with provisioned(bus, Deployment(url=server.url, space=space)), node(bus, config, engine):
            engine.may_load.set()
            await asyncio.wait_for(asyncio.Event().wait(), 10)

    with pytest.raises(CannotRun, match="cannot load it"):
        await run()
