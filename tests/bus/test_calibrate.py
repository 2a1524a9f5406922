"""`dellm calibrate` and `dellm replay --since` on what a real nats-server has kept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from schemas.commands import Feedback, Query
from schemas.messages import Assembled
from schemas.records import Calibration, Fitness, Record
from schemas.subjects import ASSEMBLED, CALIBRATION, FEEDBACK, FITNESS, Space
from schemas.terms import Policy, VoteRule
from services.runtime.bus import Bus
from services.runtime.calibrated import OWN
from services.runtime.client import ask, give_feedback
from services.runtime.ledger import find_ledger
from services.runtime.provision import provision
from services.runtime.server import EmbeddedServer
from services.runtime.wire import Entry
from services.voting.calibration import adopt, trust
from tests.dellm import dellm
from tests.kept import record
from tests.support import ScriptedEngine, cluster, saying, wait_until


@pytest.fixture(autouse=True)
def _as_shipped() -> Iterator[None]:
    yield
    adopt({})


async def put_on_record(bus: Bus, since: float) -> int:
    """Have the ledger keep queries of nine days to a model that is worse than is said of it."""
    queries = record(300, 9, -1.5, 2.0)
    for one in queries:
        sealed = Assembled(
            id=one.id,
            query=one.query,
            reply="",
            status=one.status,
            outcomes=one.chunks,
            created_at=since + one.asked_at,
            planned_at=0,
            voted_at=0,
            sealed_at=since + one.sealed_at,
            deadline_at=0,
        )
        await bus.publish(ASSEMBLED, sealed)
        await bus.publish(FEEDBACK, one.feedback[0])

    async def copied() -> bool:
        ledger = await find_ledger(bus)
        return ledger is not None and ledger.messages == 2 * len(queries)

    await wait_until(copied, "all is copied")
    return len(queries)


async def test_running_services_count_with_what_holds_on_other_days(
    server: EmbeddedServer, space: Space, tmp_path: Path
) -> None:
    target = ("--nats", server.url, "--prefix", space.prefix)
    usual = trust("llama", "fact")
    async with cluster(server.url, space, nodes=["n1"], services=("decomposer", "assembler")) as deployed:
        await put_on_record(deployed.bus, since=0)
        overall = Record(fitness=0.9)
        await deployed.bus.commit(Entry(FITNESS, Fitness(node="n1", overall=overall)))
        dry = await dellm("calibrate", *target, "--dry-run", "--plot", "curve.svg", cwd=tmp_path)
        assert dry.code == 0, dry.err
        assert await deployed.bus.last(CALIBRATION, name=OWN) is None
        done = await dellm("calibrate", *target, "--json", cwd=tmp_path)
        assert done.code == 0, done.err
        await wait_until(lambda: trust("llama", "fact") < usual - 0.2, "the services of this process count with it")
        fitness = await deployed.bus.last(FITNESS, node="n1")
        assert fitness is not None
        assert fitness.message.overall.fitness < 0.5, "which its 0.9 was not borne out by"
        reset = await dellm("calibrate", "--reset", *target, cwd=tmp_path)
        assert reset.code == 0, reset.err
        await wait_until(lambda: trust("llama", "fact") == usual, "they are as they were")
        nothing = await dellm("calibrate", *target, "--since", "1h", cwd=tmp_path)
    found = json.loads(done.out)
    assert found["confidence"]["after"]["ece"] < found["confidence"]["before"]["ece"]
    assert list(found["confidence"]["curves"]) == ["llama"]
    assert "before: ECE" in dry.out
    assert "after: ECE" in dry.out
    assert "<svg" in (tmp_path / "curve.svg").read_text()
    assert nothing.code == 3
    assert "nobody said" in nothing.err


async def test_a_service_that_starts_later_counts_with_it_too(server: EmbeddedServer, space: Space, bus: Bus) -> None:
    await provision(bus)
    await bus.commit(Entry(CALIBRATION, Calibration(name=OWN, fitted_at=0, curves={"llama": {"fact": [-3.0, 0.0]}})))
    async with cluster(server.url, space, services=("assembler",)):
        assert trust("llama", "fact") < 0.06


async def test_rules_are_held_against_all_that_is_on_record(
    server: EmbeddedServer, space: Space, tmp_path: Path
) -> None:
    target = ("--nats", server.url, "--prefix", space.prefix)
    policy = Policy(vote=VoteRule.BEST, replicas=3, max_replicas=3, early=False)
    async with cluster(server.url, space, services=("decomposer", "assembler", "synthesizer")) as deployed:
        for node, final in (("n1", "Lima."), ("n2", "Quito."), ("n3", "Quito.")):
            await deployed.add_node(node, ScriptedEngine(saying(final)), fitness=0.9 if node == "n1" else 0.6)
        await ask(deployed.bus, Query(query="What is the capital of Peru?", id="q1", policy=policy))
        unknown = await dellm("replay", "--since", "1d", "--vote", "sum", *target, cwd=tmp_path)
        await give_feedback(deployed.bus, Feedback(id="q1", answer="Lima"))

        async def kept() -> bool:
            ledger = await find_ledger(deployed.bus)
            return ledger is not None and ledger.messages == 3

        await wait_until(kept, "the feedback is on record")
        worse = await dellm("replay", "--since", "1d", "--vote", "sum", "--json", *target, cwd=tmp_path)
        same = await dellm("replay", "--since", "1d", "--vote", "best", *target, cwd=tmp_path)
        exported = await dellm("history", "--export", "all.jsonl", *target, cwd=tmp_path)
    assert (unknown.code, worse.code, same.code, exported.code) == (3, 2, 0, 0), unknown.err + worse.err + same.err
    effect = json.loads(worse.out)
    assert (effect["known"], effect["before"], effect["after"]) == (1, 1, 0)
    assert effect["changes"][0]["verdict"] == "worse"
    again = await dellm("replay", "all.jsonl", "--vote", "sum", "--json", cwd=tmp_path)
    assert json.loads(again.out)["rules"]["sum"][0] == "Quito"
    neither = await dellm("replay", cwd=tmp_path)
    assert neither.code == 64
