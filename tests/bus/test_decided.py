"""Outcomes that are written, on a real nats-server."""

from __future__ import annotations

import asyncio
import time

from models.engine import Request
from schemas.commands import Cancel, Query
from schemas.messages import Result
from schemas.subjects import ASSEMBLED, CANCEL, DECIDED, RESULT, Space
from schemas.terms import Policy, Status
from services.runtime.client import ask
from services.runtime.server import EmbeddedServer
from services.runtime.wire import Entry, decode
from tests.records import said
from tests.support import SUPERLLM, ScriptedEngine, answer_at_once, cluster, wait_until

TWO_PARTS = "What is the capital of Peru, and what is the capital of Chile?"


async def test_a_late_result_does_not_reopen_a_chunk(server: EmbeddedServer, space: Space) -> None:
    """One node drops its task when the chunk is decided early; then a result comes that another vote would heed."""
    first, second, never = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def quick(request: Request) -> str:
        if request.model != SUPERLLM:
            await (second if "Chile" in request.messages[-1].content else first).wait()
            return "Santiago" if "Chile" in request.messages[-1].content else "Lima"
        return await answer_at_once(request)

    async def slow(request: Request) -> str:
        if "Chile" not in request.messages[-1].content:
            await never.wait()
        return "Santiago"

    engine = ScriptedEngine(quick, logprob=-0.001)
    async with (
        cluster(server.url, space, nodes=["n1", "n2", "n3"], engine=engine) as deployed,
        deployed.bus.tap(space.full(CANCEL.store, CANCEL.at(id="q1"))) as cancels,
    ):
        dropping = {id_: await deployed.add_node(id_, ScriptedEngine(slow)) for id_ in ("n4", "n5")}
        question = Query(query=TWO_PARTS, id="q1", timeout_s=20, policy=Policy(replicas=5, max_replicas=5))
        asked = asyncio.create_task(ask(deployed.bus, question))
        await wait_until(lambda: all(dropped.asked for dropped in dropping.values()), "all are at work")
        first.set()

        async def is_decided() -> bool:
            return await deployed.bus.last(DECIDED, id="q1", chunk=0) is not None

        await wait_until(is_decided, "the first chunk is decided")
        decided = await deployed.bus.last(DECIDED, id="q1", chunk=0)
        assert decided is not None
        assert decided.message.outcome.decided == "early"
        (missing, *_) = [missing.node for missing in decided.message.outcome.missing]
        answers = [said("Quito", model=model, logprob=-0.001) for model in ("a", "b")]
        late = Result(
            id="q1", chunk=0, node=missing, replica=0, started_at=0, latency_s=1, answers=answers, chosen=0,
            confidence=0.99,
        )  # fmt: skip
        await deployed.bus.commit(Entry(RESULT, late))
        second.set()
        started = time.monotonic()
        reply = await asked
        assert time.monotonic() - started < 10, "nobody waits for the deadline"
        await deployed.bus.flush()
        heard = [decode(cancels.get_nowait()[1], Cancel).chunk for _ in range(cancels.qsize())]
        sealed = await deployed.bus.last(ASSEMBLED, id="q1")
    assert heard.count(0) == 1, "one cancel for each decision"
    assert reply.status is Status.COMPLETE
    assert sealed is not None
    assert sealed.message.outcomes[0] == decided.message.outcome
