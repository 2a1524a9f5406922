"""Who asks the engine says who it is, so that the services of one process take turns."""

from __future__ import annotations

from schemas.commands import Query
from schemas.subjects import Space
from schemas.terms import Policy, VoteRule
from services.runtime.client import ask
from services.runtime.server import EmbeddedServer
from tests.support import SUPERLLM, ScriptedEngine, cluster


async def test_nodes_and_the_synthesizer_ask_in_their_own_names(server: EmbeddedServer, space: Space) -> None:
    everyone = Policy(vote=VoteRule.SUM, replicas=None, max_replicas=1)
    query = Query(query="What is the capital of Peru, and what is the capital of Chile?", id="q1", policy=everyone)
    engine = ScriptedEngine()
    async with cluster(server.url, space, nodes=["n1", "n2"], engine=engine) as deployed:
        await ask(deployed.bus, query)
    assert {request.caller for request in engine.asked if request.model != SUPERLLM} == {"n1", "n2"}
    assert {request.caller for request in engine.asked if request.model == SUPERLLM} == {"synthesizer"}
