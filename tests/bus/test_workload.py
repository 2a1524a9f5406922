"""Queries that come together are spread over nodes, each of which does one task at a time."""

from __future__ import annotations

import asyncio
from random import Random

import pytest

from schemas.commands import Query
from schemas.subjects import Space
from services.decomposer.intake import TRIAL_SHARE
from services.runtime.client import ask
from services.runtime.server import EmbeddedServer
from tests.support import Gate, ScriptedEngine, cluster, wait_until

NODES = ("n1", "n2", "n3", "n4", "n5")
WITHOUT_TRIAL = [id_ for id_ in (f"poem-{i}" for i in range(100)) if Random(id_).random() >= TRIAL_SHARE]


@pytest.mark.parametrize("burst", [WITHOUT_TRIAL[:5], WITHOUT_TRIAL[5:10]])
async def test_texts_that_come_at_once_go_to_a_node_each(
    server: EmbeddedServer, space: Space, burst: list[str]
) -> None:
    gate = Gate()
    async with cluster(server.url, space) as deployed:
        engines = {node: await deployed.add_node(node, ScriptedEngine(gate)) for node in NODES}
        asked = [asyncio.create_task(ask(deployed.bus, Query(query="Write a poem.", id=id_))) for id_ in burst]

        def at_work() -> bool:
            return all(len(engine.asked) == 1 for engine in engines.values())

        try:
            await wait_until(at_work, "every node has a poem to write")
        finally:
            gate.opened.set()
            await asyncio.gather(*asked, return_exceptions=True)
