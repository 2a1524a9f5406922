"""A query in the stream, decided again; also one whose record had no room for what the models said."""

from __future__ import annotations

from msgspec import structs

from schemas.commands import Query
from schemas.messages import ChunkOutcome
from schemas.subjects import ANSWER, Space
from schemas.terms import Policy, VoteRule
from services.cli.replay import stored_answer
from services.evaluation.replay import decide
from services.runtime.client import ask
from services.runtime.server import EmbeddedServer
from services.runtime.wire import Entry
from tests.support import ScriptedEngine, cluster, saying


async def test_a_lean_record_is_decided_again(server: EmbeddedServer, space: Space) -> None:
    policy = Policy(replicas=3, max_replicas=3, early=False)
    async with cluster(server.url, space, nodes=["n1", "n2"], engine=ScriptedEngine(saying("Lima."))) as deployed:
        await deployed.add_node("n3", ScriptedEngine(saying("Quito.")))
        reply = await ask(deployed.bus, Query(query="What is the capital of Peru?", id="q1", policy=policy))
        (whole,) = (await stored_answer(deployed.bus, "q1")).chunks
        for trim in (ChunkOutcome.lean, ChunkOutcome.bare):
            trimmed = structs.replace(reply, chunks=[trim(chunk) for chunk in reply.chunks])
            await deployed.bus.commit(Entry(ANSWER, trimmed))
            (again,) = (await stored_answer(deployed.bus, "q1")).chunks
            for rule in VoteRule:
                made = decide(again, rule)
                assert made is not None
                assert made == decide(whole, rule)
    assert whole == reply.chunks[0]
