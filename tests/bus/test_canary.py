"""Canaries on a real nats-server, with scripted models."""

from __future__ import annotations

import json
from functools import partial
from random import Random

from schemas.commands import Query
from schemas.messages import Assembled
from schemas.records import Admission, Fitness
from schemas.subjects import ADMIT, ASSEMBLED, FEEDBACK, FITNESS, QUERY, RESULT, Space, Store
from schemas.terms import CANARY, Status
from services.runtime.client import ask
from services.runtime.lifecycle import Service
from services.runtime.server import EmbeddedServer
from services.runtime.wire import Entry
from services.trainer.canary import Canaries
from services.trainer.config import TrainerConfig
from services.trainer.questions import Known
from services.trainer.service import trainer
from tests.support import Cluster, Gate, ScriptedEngine, cluster, saying, wait_until

OFTEN = TrainerConfig(canary_rate=0.5, canary_look_s=0.02)


def draw(_: Random) -> Known:
    return Known("What is the capital of Peru?", "Lima")


def sealed(id_: str = "q1") -> Assembled:
    return Assembled(
        id=id_,
        query="?",
        reply="",
        status=Status.COMPLETE,
        outcomes=[],
        created_at=0,
        planned_at=0,
        voted_at=0,
        sealed_at=0,
        deadline_at=0,
    )


async def ask_user_query(deployed: Cluster, id_: str) -> None:
    await ask(deployed.bus, Query(query="What is the capital of Chile?", id=id_, timeout_s=10))


async def has_results(deployed: Cluster, num: int) -> bool:
    """Tell whether so many nodes have answered a canary."""
    found = (await deployed.bus.read((RESULT, RESULT.at())))[RESULT]
    return len([stored for stored in found if stored.message.id.startswith(CANARY)]) == num


async def fitness(deployed: Cluster) -> dict[str, Fitness]:
    return {
        str(stored.message.node): stored.message
        for stored in (await deployed.bus.read((FITNESS, FITNESS.at())))[FITNESS]
    }


async def test_every_node_answers_and_is_judged_by_the_known_answer(server: EmbeddedServer, space: Space) -> None:
    gate = Gate(saying("It is Lima."))
    async with cluster(server.url, space, services=("decomposer", "assembler", "synthesizer")) as deployed:
        await deployed.start(Service("trainer", partial(trainer, config=OFTEN, draw=draw)))
        for node in ("wrong-1", "wrong-2", "wrong-3"):
            await deployed.add_node(node, ScriptedEngine(saying("It is Quito.")))
        await deployed.add_node("right", ScriptedEngine(gate))
        await ask_user_query(deployed, "q1")
        await ask_user_query(deployed, "q2")
        await wait_until(lambda: has_results(deployed, 3), "the majority has answered a canary")
        gate.opened.set()

        async def learned() -> bool:
            known = await fitness(deployed)
            return "right" in known and known["right"].overall.fitness > known["wrong-1"].overall.fitness

        await wait_until(learned, "one that is right against three stands above them")
        (told,) = (await deployed.bus.read((FEEDBACK, FEEDBACK.at())))[FEEDBACK]
        stored = await deployed.bus.last(ASSEMBLED, id=told.message.id)
    assert told.message.id.startswith(CANARY)
    assert stored is not None
    assert len(stored.message.outcomes[0].votes) == 4, "decided early it would have had three"


async def test_a_canary_is_asked_once_for_so_many_queries_and_when_nobody_waits(
    server: EmbeddedServer, space: Space
) -> None:
    async with cluster(server.url, space, nodes=["n1"]) as deployed:
        canaries = Canaries(deployed.bus, OFTEN, draw)
        async with deployed.bus.tap(space.full(Store.CORE, QUERY.at())) as asked:
            await canaries.on_assembled(sealed())
            await canaries.look()
            assert asked.empty(), "half a canary is due"
            await canaries.on_assembled(sealed())
            await deployed.bus.commit(Entry(ADMIT, Admission(id="another", admitted_at=0)))
            await canaries.look()
            assert asked.empty(), "another query is in flight"
            await deployed.bus.purge(ADMIT, id="another")
            await canaries.look()
            assert json.loads(asked.get_nowait()[1])["id"].startswith(CANARY)
            for _ in range(4):
                await canaries.on_assembled(sealed(f"{CANARY}1"))
            await wait_until(lambda: is_idle(deployed), "nobody waits")
            await canaries.look()
            assert asked.empty(), "canaries do not call for canaries"
        assert len((await deployed.bus.read((FEEDBACK, FEEDBACK.at())))[FEEDBACK]) == 1


async def test_a_canary_without_an_answer_is_forgotten(server: EmbeddedServer, space: Space) -> None:
    async with cluster(server.url, space, services=("decomposer", "trainer")) as deployed:
        canaries = Canaries(deployed.bus, TrainerConfig(canary_rate=1), draw)
        async with deployed.bus.tap(space.full(Store.CORE, QUERY.at())) as asked:
            await canaries.on_assembled(sealed())
            await canaries.look()
            asked.get_nowait()
            await canaries.look()
            assert asked.empty()
        assert not (await deployed.bus.read((FEEDBACK, FEEDBACK.at())))[FEEDBACK]


async def is_idle(deployed: Cluster) -> bool:
    return not (await deployed.bus.read((ADMIT, ADMIT.at())))[ADMIT]
