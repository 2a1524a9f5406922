"""`dellm eval` and the policy flags against a deployment on a real nats-server, with scripted models."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from msgspec import structs

from models.engine import Request
from schemas.subjects import PLAN, Space
from schemas.terms import Policy, VoteRule, Wording
from services.runtime.server import EmbeddedServer
from tests.dellm import dellm, start
from tests.support import SUPERLLM, Gate, ScriptedEngine, answer_at_once, cluster

CAPITALS = {"Peru": "Lima", "Chile": "Santiago", "Cuba": "Havana"}


def write_questions(path: Path) -> None:
    rows: list[dict[str, object]] = [
        {"id": land, "query": f"What is the capital of {land}?", "gold": capital} for land, capital in CAPITALS.items()
    ]
    parts = [{"text": f"what is the capital of {land}", "gold": [capital]} for land, capital in CAPITALS.items()]
    query = ", and ".join(f"what is the capital of {land}" for land in CAPITALS)
    rows.append({"id": "all", "query": query, "parts": parts})
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))


async def say(request: Request) -> str:
    """Know every capital but Cuba's."""
    if request.model == SUPERLLM:
        return await answer_at_once(request)
    return next((CAPITALS[land] for land in ("Peru", "Chile") if land in request.messages[-1].content), "Miami")


async def test_a_set_is_asked_kept_scored_and_gone_on_with(
    server: EmbeddedServer, space: Space, tmp_path: Path
) -> None:
    write_questions(tmp_path / "set.jsonl")
    target = ("--nats", server.url, "--prefix", space.prefix)
    command = ("eval", "set.jsonl", "--out", "kept/full.jsonl", *target)
    engine = ScriptedEngine(say)
    async with cluster(server.url, space, nodes=["n1", "n2"], engine=engine):
        first = await dellm(*command, "--limit", "2", "--json", cwd=tmp_path)
        assert first.code == 0, first.err
        assert json.loads(first.out)["figures"]["parts_right"] == 2
        with (tmp_path / "kept" / "full.jsonl").open("a") as file:
            file.write('{"id": "Cuba", "answ')
        rest = await dellm(*command, "--concurrency", "2", cwd=tmp_path)
        assert rest.code == 0, rest.err
        asked = len(engine.asked)
        again = await dellm(*command, cwd=tmp_path)
        assert len(engine.asked) == asked
    assert rest.out.startswith("parts 4/6 = 0.667   whole 2/4 = 0.500   median ")
    assert again.out == rest.out
    assert "2 of 4 are answered already" in rest.err
    assert "4/4" in rest.err
    lines = (tmp_path / "kept" / "full.jsonl").read_text().splitlines()
    rows = {row["id"]: row for row in map(json.loads, lines)}
    assert list(rows)[:2] == ["Peru", "Chile"]
    assert set(rows) == {*CAPITALS, "all"}
    assert len(lines) == 4, "nothing was asked twice"
    assert rows["all"]["status"] == "complete"
    assert rows["all"]["seconds"] > 0
    assert rows["all"]["timings"]["total_s"] > 0
    assert [bool(chunk["votes"]) for chunk in rows["all"]["chunks"]] == [True, True, True]
    score = await dellm("score", "set.jsonl", "kept/full.jsonl", "--json", cwd=tmp_path)
    (summary,) = json.loads(score.out)
    assert (summary["name"], summary["figures"]["parts_right"]) == ("full", 4)
    assert summary["faults"] == {"model": 2}
    wrong = await dellm("score", "set.jsonl", "kept/full.jsonl", "--wrong", cwd=tmp_path)
    assert wrong.out.splitlines() == [
        "full Cuba: model: What is the capital of Cuba? -> Havana",
        "full all: model: what is the capital of Cuba -> Havana",
    ]
    other = await dellm(*command, "--vote", "best", cwd=tmp_path)
    assert (other.code, "another policy or model" in other.err) == (1, True)


async def test_a_killed_run_has_kept_what_was_answered(server: EmbeddedServer, space: Space, tmp_path: Path) -> None:
    write_questions(tmp_path / "set.jsonl")
    target = ("--nats", server.url, "--prefix", space.prefix)
    gate = Gate(say)

    async def stop_at_chile(request: Request) -> str:
        return await gate(request) if "Chile" in request.messages[-1].content else await say(request)

    async with cluster(server.url, space, nodes=["n1"], engine=ScriptedEngine(stop_at_chile)):
        process = await start("eval", "set.jsonl", "--out", "full.jsonl", *target, cwd=tmp_path)
        await asyncio.wait_for(gate.reached.wait(), 30)
        process.kill()
        await process.communicate()
        gate.opened.set()
        assert [json.loads(row)["id"] for row in (tmp_path / "full.jsonl").read_text().splitlines()] == ["Peru"]
        done = await dellm("eval", "set.jsonl", "--out", "full.jsonl", *target, cwd=tmp_path)
    assert done.out.startswith("parts 4/6")


async def test_what_found_no_nodes_is_asked_again(server: EmbeddedServer, space: Space, tmp_path: Path) -> None:
    write_questions(tmp_path / "set.jsonl")
    command = (
        "eval",
        "set.jsonl",
        "--out",
        "full.jsonl",
        "--nats",
        server.url,
        "--prefix",
        space.prefix,
        "--limit",
        "1",
    )
    async with cluster(server.url, space, nodes=[], engine=ScriptedEngine(say)) as deployed:
        assert (await dellm(*command, cwd=tmp_path)).out.startswith("parts 0/1")
        await deployed.add_node("n1", ScriptedEngine(say))
        assert (await dellm(*command, cwd=tmp_path)).out.startswith("parts 1/1")
    assert len((tmp_path / "full.jsonl").read_text().splitlines()) == 2


async def test_the_policy_flags_travel_with_the_query(server: EmbeddedServer, space: Space, tmp_path: Path) -> None:
    flags = ("--vote", "log-odds", "--replicas", "1", "--max-replicas", "1", "--wording", "join")
    asked = ("ask", "--json", "--id", "mine", "--nats", server.url, "--prefix", space.prefix)
    async with cluster(server.url, space, nodes=["n1", "n2"], engine=ScriptedEngine(say)) as deployed:
        done = await dellm(
            *asked, *flags, "What is the capital of Peru, and what is the capital of Chile?", cwd=tmp_path
        )
        assert done.code == 0, done.err
        stored = await deployed.bus.last(PLAN, id="mine")
    assert stored is not None
    wanted = Policy(vote=VoteRule.LOG_ODDS, replicas=1, max_replicas=1, wording=Wording.JOIN)
    assert structs.asdict(stored.message.policy) == structs.asdict(wanted)
    assert json.loads(done.out)["synthesis"] == {"method": "join", "model": None, "reason": "asked for"}
