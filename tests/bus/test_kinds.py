from __future__ import annotations

import pytest

from models.engine import Request, turns
from schemas.commands import Query
from schemas.subjects import Space
from schemas.terms import Policy, Status
from services.kinds import table
from services.kinds.kind import Kind, Reading, Way
from services.kinds.prompt import Prompt
from services.runtime.client import ask
from services.runtime.server import EmbeddedServer
from tests.support import ScriptedEngine, cluster

COLOUR_TOKENS = 8
COLOUR = Kind(
    name="colour",
    recognise=lambda request: request.startswith("Colour of"),
    ways=lambda _: (Way("colour"),),
    prompt=lambda question, method: Prompt(f"Method {method}.", f"{question} One word.", max_tokens=COLOUR_TOKENS),
    read=lambda said: Reading(said.text.strip(), said.text.strip(" .").lower()),
    tell=lambda _, final: f"<{final}>",
)


async def test_a_kind_of_ones_own_is_one_object_and_one_entry(
    server: EmbeddedServer, space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table, "KINDS", (COLOUR, *table.KINDS))

    async def say(request: Request) -> str:
        assert request.messages == turns("Method colour.", "Colour of the sky. One word.")
        assert request.max_tokens == COLOUR_TOKENS
        return " Blue."

    async with cluster(server.url, space, nodes=["n1", "n2"], engine=ScriptedEngine(say)) as deployed:
        query = Query(query="Colour of the sky", id="q", policy=Policy(replicas=2))
        reply = await ask(deployed.bus, query)
    (chunk,) = reply.chunks
    assert (reply.status, reply.answer) == (Status.COMPLETE, "Blue.")
    assert (chunk.kind, chunk.final, len(chunk.votes)) == ("colour", "blue", 2)
    assert {answer.method for vote in chunk.votes for answer in vote.answers} == {"colour"}
