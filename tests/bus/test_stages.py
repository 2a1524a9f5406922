"""Chains on a real nats-server: a later stage begins when what it builds on is answered, whoever leaves meanwhile."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from models.engine import Request
from schemas.commands import Query
from schemas.messages import Reply
from schemas.plans import Given
from schemas.subjects import ANSWER, ASSEMBLED, PLAN, RESULT, ROUTE, TASK, Space
from schemas.terms import CALCULATOR, ErrorCode, Policy, Status, VoteRule
from services.assembler.service import assembler
from services.decomposer.service import decomposer
from services.runtime.client import ask
from services.runtime.lifecycle import Service
from services.runtime.server import EmbeddedServer
from tests.support import SUPERLLM, Cluster, Gate, ScriptedEngine, answer_at_once, cluster, wait_until

CHAIN = "Compute 12 times 8, then add 10 to the result"
FACTS = "Who wrote Emma, and when was she born?"  # nothing that the calculator could answer
SAID = {
    "Compute 12 times 8.": "96",
    "Add 10 to 96.": "106",
    "Halve 106.": "53",
    "Who wrote Emma?": "Jane Austen",
    "Given: Who wrote Emma? Jane Austen. When was she born?": "1775",
}


async def calculate(request: Request) -> str:
    """Answer the parts of the chains, once they are put so that they stand alone."""
    return (
        await answer_at_once(request)
        if request.model == SUPERLLM
        else SAID.get(request.messages[-1].content, "no idea")
    )


@dataclass
class Holding:
    """A script that answers the first stage at once and waits with the second until it is let go."""

    gate: Gate

    async def __call__(self, request: Request) -> str:
        return await (
            self.gate(request) if request.messages[-1].content.startswith(("Add", "Given")) else calculate(request)
        )


def query(text: str = CHAIN, timeout_s: float = 15, id_: str = "q1", replicas: int | None = None) -> Query:
    policy = Policy(vote=VoteRule.SUM, replicas=replicas, max_replicas=1)
    return Query(query=text, id=id_, timeout_s=timeout_s, policy=policy)


def voters(reply: Reply) -> list[list[str]]:
    return [[str(vote.node) for vote in chunk.votes if vote.node != CALCULATOR] for chunk in reply.chunks]


def finals(reply: Reply) -> list[str | None]:
    return [chunk.final for chunk in reply.chunks]


async def is_there(deployed: Cluster, chunk: int) -> bool:
    return bool((await deployed.bus.read((RESULT, RESULT.at(id="q1", chunk=chunk))))[RESULT])


async def test_a_chain_is_answered_stage_by_stage(server: EmbeddedServer, space: Space) -> None:
    engine = ScriptedEngine(calculate)
    async with cluster(server.url, space, nodes=["n1", "n2", "n3"], engine=engine) as deployed:
        reply = await ask(deployed.bus, query(f"{CHAIN}. Then halve it."))
        plan = await deployed.bus.last(PLAN, id="q1")
    assert reply.status is Status.COMPLETE
    assert finals(reply) == ["96", "106", "53"]
    assert [chunk.text for chunk in reply.chunks] == ["Compute 12 times 8", "add 10 to the result.", "halve it."]
    assert [chunk.depends_on for chunk in reply.chunks] == [[], [0], [1]]
    assert reply.chunks[1].given == [Given(question="Compute 12 times 8", answer="96")]
    assert [given.answer for given in reply.chunks[2].given] == ["96", "106"]
    assert plan is not None
    assert plan.message.revision == 2
    assert {assignment.chunk for assignment in plan.message.assignments} == {0, 1, 2}


async def test_replicas_are_limited_in_every_stage(server: EmbeddedServer, space: Space) -> None:
    async with cluster(server.url, space, nodes=["n1", "n2", "n3"], engine=ScriptedEngine(calculate)) as deployed:
        reply = await ask(deployed.bus, query(replicas=2))
        plan = await deployed.bus.last(PLAN, id="q1")
    assert finals(reply) == ["96", "106"]
    assert plan is not None
    assert sorted(assignment.chunk for assignment in plan.message.assignments) == [0, 0, 1, 1]


async def test_a_subject_goes_with_its_parts(server: EmbeddedServer, space: Space) -> None:
    engine = ScriptedEngine()
    async with cluster(server.url, space, nodes=["n1"], engine=engine) as deployed:
        reply = await ask(deployed.bus, query("Marie Curie: when was she born and where did she die?"))
    assert reply.status is Status.COMPLETE
    assert [chunk.context for chunk in reply.chunks] == ["Marie Curie"] * 2
    asked = {request.messages[-1].content for request in engine.asked if request.model != SUPERLLM}
    assert asked == {"Marie Curie: when was she born?", "Marie Curie: where did she die?"}


async def test_what_builds_on_a_failed_stage_is_lost_and_named(server: EmbeddedServer, space: Space) -> None:
    async def fail(request: Request) -> str:
        return "" if request.messages[-1].content.startswith("Who") else await answer_at_once(request)

    async with cluster(server.url, space, nodes=["n1", "n2"], engine=ScriptedEngine(fail)) as deployed:
        reply = await ask(deployed.bus, query(f"What is DNA? {FACTS}"))
        alone = await ask(deployed.bus, query(FACTS, id_="q2"))
    assert reply.status is Status.PARTIAL
    assert [chunk.decided for chunk in reply.chunks] == ["all", "none", "none"]
    assert reply.chunks[2].reason == "it builds on chunk 2, which has no answer"
    assert "No answer to: when was she born? (it builds on chunk 2, which has no answer)" in reply.answer
    assert alone.error is not None
    assert alone.error.code is ErrorCode.INTERNAL
    assert "every node failed" in alone.error.message


async def test_a_node_leaves_in_the_second_stage(server: EmbeddedServer, space: Space) -> None:
    gate = Gate()
    async with cluster(server.url, space) as deployed:
        await deployed.add_node("leaves", ScriptedEngine(Holding(gate)))
        asked = asyncio.create_task(ask(deployed.bus, query(FACTS)))
        await gate.reached.wait()
        stays = await deployed.add_node("stays", ScriptedEngine(calculate))
        await deployed.stop("node.leaves")
        reply = await asked
    assert reply.status is Status.COMPLETE
    assert finals(reply) == ["Jane Austen", "1775"]
    assert voters(reply)[1] == ["stays"]
    texts = {request.messages[-1].content for request in stays.asked}
    assert texts == {"Given: Who wrote Emma? Jane Austen. When was she born?"}, "what it was given moves with it"


async def test_a_stage_waits_for_a_node(server: EmbeddedServer, space: Space) -> None:
    gate = Gate(then=calculate)
    async with cluster(server.url, space, services=("decomposer", "synthesizer", "trainer")) as deployed:
        await deployed.add_node("first", ScriptedEngine(gate))
        asked = asyncio.create_task(ask(deployed.bus, query(FACTS)))
        await gate.reached.wait()
        gate.opened.set()
        await wait_until(lambda: is_there(deployed, 0), "the first stage is answered")
        await deployed.stop("node.first")
        await deployed.start(Service("assembler", assembler))
        await wait_until(lambda: _has_wish(deployed), "the second stage is asked for")
        await deployed.add_node("second", ScriptedEngine(calculate))
        reply = await asked
    assert reply.status is Status.COMPLETE
    assert voters(reply) == [["first"], ["second"]]


async def test_the_assembler_is_away_between_the_stages(server: EmbeddedServer, space: Space) -> None:
    gate = Gate(then=calculate)
    async with cluster(server.url, space, nodes=["n1", "n2"], engine=ScriptedEngine(gate)) as deployed:
        asked = asyncio.create_task(ask(deployed.bus, query()))
        await gate.reached.wait()
        await deployed.stop("assembler")
        gate.opened.set()
        await wait_until(lambda: is_there(deployed, 0), "the first stage is answered")
        assert not await is_there(deployed, 1)
        await deployed.start(Service("assembler", assembler))
        reply = await asked
    assert reply.status is Status.COMPLETE
    assert finals(reply) == ["96", "106"]


async def test_the_decomposer_is_away_between_the_stages(server: EmbeddedServer, space: Space) -> None:
    gate = Gate(then=calculate)
    async with cluster(server.url, space, nodes=["n1"], engine=ScriptedEngine(gate)) as deployed:
        asked = asyncio.create_task(ask(deployed.bus, query()))
        await gate.reached.wait()
        await deployed.stop("decomposer")
        gate.opened.set()
        await wait_until(lambda: _has_wish(deployed), "the second stage is asked for")
        assert not (await deployed.bus.read((TASK, TASK.at(id="q1", chunk=1))))[TASK]
        await deployed.start(Service("decomposer", decomposer))
        reply = await asked
    assert reply.status is Status.COMPLETE
    assert finals(reply) == ["96", "106"]


async def test_a_silent_node_does_not_take_the_time_of_later_stages(server: EmbeddedServer, space: Space) -> None:
    async with cluster(server.url, space, nodes=["n1"], engine=ScriptedEngine(calculate)) as deployed:
        await deployed.add_node("silent", ScriptedEngine(Gate()))
        reply = await ask(deployed.bus, query(FACTS, timeout_s=4))
    assert reply.status is Status.PARTIAL, "not all votes were heard"
    assert finals(reply) == ["Jane Austen", "1775"]
    assert {missing.node for chunk in reply.chunks for missing in chunk.missing} == {"silent"}


async def test_a_chain_that_runs_out_of_time_names_the_missing_stage(server: EmbeddedServer, space: Space) -> None:
    async with cluster(server.url, space, nodes=["n1"], engine=ScriptedEngine(Holding(Gate()))) as deployed:
        reply = await ask(deployed.bus, query(FACTS, timeout_s=2))
    assert reply.status is Status.PARTIAL
    assert finals(reply) == ["Jane Austen", None]
    assert "Jane Austen" in reply.answer
    assert "No answer to: when was she born?" in reply.answer


async def test_two_of_every_service_answer_each_chain_once(server: EmbeddedServer, space: Space) -> None:
    engine = ScriptedEngine(calculate)
    async with (
        cluster(server.url, space, nodes=["n1", "n2"], engine=engine) as deployed,
        cluster(server.url, space, nodes=["n3"], engine=engine),
        deployed.bus.tap(space.event(ANSWER.at())) as stored,
    ):
        ids = [f"q{i}" for i in range(20)]
        replies = await asyncio.gather(*(ask(deployed.bus, query(id_=id_)) for id_ in ids))
        plans = (await deployed.bus.read((PLAN, PLAN.at())))[PLAN]
        sealed = (await deployed.bus.read((ASSEMBLED, ASSEMBLED.at())))[ASSEMBLED]
    assert {reply.status for reply in replies} == {Status.COMPLETE}
    assert {tuple(finals(reply)) for reply in replies} == {("96", "106")}
    assert {plan.message.revision for plan in plans} == {1}, "each second stage began once"
    assert stored.qsize() == len(sealed) == len(ids)


async def _has_wish(deployed: Cluster) -> bool:
    return bool((await deployed.bus.read((ROUTE, ROUTE.at(id="q1"))))[ROUTE])
