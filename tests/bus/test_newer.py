"""A plan of a newer version in the stream: the services of this one serve it, and lose nothing of it."""

from __future__ import annotations

import asyncio
import json

from schemas.commands import Query
from schemas.subjects import FITNESS, PLAN, Space, Store
from schemas.terms import Policy, Status
from services.runtime.bus import Bus
from services.runtime.client import ask
from services.runtime.provision import provision
from services.runtime.server import EmbeddedServer
from tests.support import Gate, ScriptedEngine, cluster, saying, wait_until


async def test_a_plan_of_a_newer_version_is_served_and_revised(server: EmbeddedServer, space: Space) -> None:
    gate = Gate(then=saying(""))  # the first node fails, so that the plan is revised here
    async with cluster(server.url, space) as deployed:
        await deployed.add_node("broken", ScriptedEngine(gate))
        asked = asyncio.create_task(ask(deployed.bus, Query(query="What is DNA?", id="q1", timeout_s=10)))
        await asyncio.wait_for(gate.reached.wait(), 5)
        await deployed.add_node("sound")
        stored = await deployed.bus.last(PLAN, id="q1")
        assert stored is not None
        newer = json.loads(stored.payload)
        newer["colour"] = "red"
        newer["on_partial"] = "negotiate"
        newer["policy"] |= {"vote": "quantum", "depth": 3}
        newer["chunks"][0]["mood"] = "dark"
        await deployed.bus.client.jetstream().publish(f"{space.prefix}.plan.q1", json.dumps(newer).encode())
        gate.opened.set()
        reply = await asked
        revised = await deployed.bus.last(PLAN, id="q1")
    assert reply.status is Status.COMPLETE
    assert [vote.node for vote in reply.chunks[0].votes] == ["sound"]
    assert [note for note in reply.notes if "quantum" in note or "negotiate" in note] == reply.notes[:2]
    assert revised is not None
    assert revised.message.revision == 1
    kept = json.loads(revised.payload)
    assert (kept["colour"], kept["on_partial"]) == ("red", "negotiate")
    assert (kept["policy"]["vote"], kept["policy"]["depth"]) == ("quantum", 3)
    assert kept["chunks"][0]["mood"] == "dark"


async def test_what_a_newer_trainer_knows_is_kept(server: EmbeddedServer, space: Space, bus: Bus) -> None:
    await provision(bus)
    newer = {"node": "n1", "overall": {"fitness": 0.5, "streak": 4}, "mood": "calm"}
    await bus.client.jetstream().publish(space.full(Store.FITNESS, "n1"), json.dumps(newer).encode())
    async with cluster(server.url, space, nodes=["n1", "n2"], engine=ScriptedEngine(saying("Lima"))) as deployed:
        for turn in range(2):
            policy = Policy(replicas=2, max_replicas=2, early=False)
            await ask(deployed.bus, Query(query="What is the capital of Peru?", id=f"q{turn}", policy=policy))

            async def learned(count: int = turn + 1) -> bool:
                stored = await deployed.bus.last(FITNESS, node="n1")
                return stored is not None and stored.message.overall.count == count

            await wait_until(learned, "the trainer has learned")
        stored = await deployed.bus.last(FITNESS, node="n1")
    assert stored is not None
    kept = json.loads(stored.payload)
    assert (kept["mood"], kept["overall"]["streak"]) == ("calm", 4)
