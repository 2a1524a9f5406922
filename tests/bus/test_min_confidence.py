"""How sure an answer has to be, through the whole pipeline on a real nats-server."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from schemas.commands import Query
from schemas.subjects import PLAN, Space
from schemas.terms import Policy, Status
from services.decomposer.config import DecomposerConfig
from services.decomposer.service import decomposer
from services.runtime.client import ask
from services.runtime.lifecycle import Service
from services.runtime.server import EmbeddedServer
from tests.support import ScriptedEngine, cluster, saying

PERU = "What is the capital of Peru?"
BIG, SMALL = Path("qwen2.5-coder-1.5b-instruct-q4_k_m.gguf"), Path("qwen2.5-coder-0.5b-instruct-q4_k_m.gguf")


async def test_more_are_asked_then_the_strongest_and_then_it_is_told(server: EmbeddedServer, space: Space) -> None:
    policy = Policy(min_confidence=0.999, max_replicas=2)
    async with cluster(server.url, space) as deployed:
        for node, final in (("n1", "Lima."), ("n2", "Quito."), ("n3", "Bogota.")):
            await deployed.add_node(node, ScriptedEngine(saying(final)), models=(SMALL,))
        await deployed.add_node("n4", ScriptedEngine(saying("Cusco.")), models=(BIG,), fitness=0.3)
        reply = await ask(deployed.bus, Query(query=PERU, id="q1", policy=policy))
        plan = await deployed.bus.last(PLAN, id="q1")
    assert plan is not None
    assert [task.strongest for task in plan.message.assignments] == [False, False, True]
    (chunk,) = reply.chunks
    assert (reply.status, chunk.decided, chunk.winner) == (Status.PARTIAL, "unsure", None)
    assert reply.error is None
    assert reply.answer.startswith(f"Not sure enough to answer: {PERU}")
    assert len(chunk.votes) == 3
    assert "n4" in {vote.node for vote in chunk.votes}
    assert "0.999 is wanted" in reply.answer
    assert any("does not suffice" in note for note in reply.notes)


async def test_what_agrees_is_given_and_costs_no_more(server: EmbeddedServer, space: Space) -> None:
    async with cluster(server.url, space, nodes=["n1", "n2", "n3"], engine=ScriptedEngine(saying("Lima."))) as deployed:
        reply = await ask(deployed.bus, Query(query=PERU, id="q1", policy=Policy(min_confidence=0.6)))
        again = await ask(deployed.bus, Query(query=PERU, id="q2", policy=Policy(min_confidence=0.0)))
    assert (reply.status, reply.answer) == (Status.COMPLETE, "Lima.")
    assert again.status is Status.COMPLETE
    assert len(again.chunks[0].votes) <= len(reply.chunks[0].votes) <= 3


async def test_one_part_may_be_sure_and_the_other_not(server: EmbeddedServer, space: Space) -> None:
    policy = Policy(min_confidence=0.98, max_replicas=1)
    query = "What is 12 times 12, and what is the capital of Peru?"
    async with cluster(server.url, space, nodes=["n1"], engine=ScriptedEngine(saying("144"))) as deployed:
        reply = await ask(deployed.bus, Query(query=query, id="q1", policy=policy))
    assert reply.status is Status.PARTIAL
    assert [chunk.decided == "unsure" for chunk in reply.chunks] == [False, True]
    assert "144" in reply.answer
    assert "Not sure enough to answer: what is the capital of Peru" in reply.answer


async def test_the_operator_s_default(server: EmbeddedServer, space: Space) -> None:
    services = ("assembler", "synthesizer")
    async with cluster(server.url, space, services=services) as deployed:
        config = DecomposerConfig(min_confidence=0.999)
        await deployed.start(Service("decomposer", partial(decomposer, config=config, roster=deployed.roster)))
        await deployed.add_node("n1", ScriptedEngine(saying("Lima.")))
        held = await ask(deployed.bus, Query(query=PERU, id="q1"))
        free = await ask(deployed.bus, Query(query=PERU, id="q2", policy=Policy(min_confidence=0)))
    assert held.chunks[0].decided == "unsure"
    assert free.answer == "Lima."
