"""The roster follows the buckets: who falls silent leaves, and a server that was away leaves nothing stale."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random

import pytest

from schemas.records import Fitness, Presence, Record
from schemas.subjects import FITNESS, PRESENCE, PRESENCE_TTL_S, Space, Store
from services.decomposer.roster import Roster, read_candidates
from services.runtime.bus import Bus, connect
from services.runtime.lifecycle import Deployment, provisioned, repeating
from services.runtime.provision import provision
from services.runtime.server import EmbeddedServer
from services.runtime.wire import Entry, deletion
from tests.support import wait_until

SPARE_S = 3.0


def presence(node: str) -> Presence:
    return Presence(node=node, cluster="c", supercluster="s", models=["a"], slots=1, fitness=0.5, started_at=0)


async def there(roster: Roster) -> list[str]:
    return [str(candidate.presence.node) for candidate in (await roster.current()).all()]


async def is_there(roster: Roster, *nodes: str) -> None:
    async def so() -> bool:
        return await there(roster) == list(nodes)

    await wait_until(so, f"{nodes} are there")


@pytest.fixture
async def ready(bus: Bus) -> Bus:
    await provision(bus)
    return bus


@asynccontextmanager
async def beating(bus: Bus, node: str) -> AsyncIterator[None]:
    async def beat() -> None:
        await bus.publish(PRESENCE, presence(node))

    async with repeating(0.5, beat):
        yield


async def test_who_falls_silent_leaves_in_time_and_who_beats_stays(ready: Bus) -> None:
    roster = Roster()
    await ready.commit(Entry(PRESENCE, presence("silent")))
    started = time.monotonic()
    async with roster.following(ready), beating(ready, "well"):
        await is_there(roster, "silent", "well")
        await is_there(roster, "well")
        assert time.monotonic() - started < PRESENCE_TTL_S + SPARE_S
        assert "silent" in roster.members.left


async def test_the_last_one_that_falls_silent_leaves_too(ready: Bus) -> None:
    roster = Roster()
    await ready.commit(Entry(PRESENCE, presence("silent")))
    async with roster.following(ready):
        await is_there(roster, "silent")
        await is_there(roster)


async def test_who_says_goodbye_leaves_at_once(ready: Bus) -> None:
    roster = Roster()
    async with roster.following(ready):
        await ready.commit(Entry(PRESENCE, presence("n1")))
        await is_there(roster, "n1")
        started = time.monotonic()
        await ready.commit(deletion(PRESENCE, presence("n1")))
        await is_there(roster)
        assert time.monotonic() - started < PRESENCE_TTL_S / 2
    assert await read_candidates(ready) == []


async def test_what_was_committed_before_somebody_asks_is_found(ready: Bus) -> None:
    roster = Roster()
    async with roster.following(ready):
        assert await roster.pool(Random(1)) == []
        await ready.commit(Entry(PRESENCE, presence("n1")))
        assert [candidate.presence.node for candidate in await roster.pool(Random(1))] == ["n1"]


async def test_fitness_is_followed_and_forgotten_with_its_bucket(ready: Bus, server: EmbeddedServer) -> None:
    roster = Roster()
    await ready.commit(Entry(FITNESS, Fitness(node="n1", overall=Record(fitness=0.1))))

    async def is_fit(share: float) -> None:
        async def so() -> bool:
            return [node.record("fact").fitness for node in (await roster.current()).all()] == [share]

        await wait_until(so, f"its fitness is {share}")

    deployment = Deployment(url=server.url, space=ready.space)
    async with provisioned(ready, deployment), roster.following(ready), beating(ready, "n1"):
        await is_fit(0.1)
        await ready.commit(Entry(FITNESS, Fitness(node="n1", overall=Record(fitness=0.9))))
        await is_fit(0.9)
        await ready.client.jetstream().publish(ready.space.full(Store.FITNESS, "n1"), b"not JSON")
        await is_fit(0.5)
        await ready.commit(Entry(FITNESS, Fitness(node="n1", overall=Record(fitness=0.8))))
        await is_fit(0.8)
        await ready.client.jetstream().delete_stream(ready.space.stream(Store.FITNESS))
        await is_fit(0.5)
        await ready.commit(Entry(FITNESS, Fitness(node="n1", overall=Record(fitness=0.7))))
        await is_fit(0.7)


async def test_a_server_that_was_away_leaves_nothing_stale(own_server: EmbeddedServer) -> None:
    space, roster = Space("stale"), Roster()
    port = int(own_server.url.rpartition(":")[2])

    async with (
        connect(own_server.url, space=space, name="test") as bus,
        provisioned(bus, Deployment(url=own_server.url, space=space)),
        roster.following(bus),
    ):
        async with beating(bus, "dies"), beating(bus, "lives"):
            await is_there(roster, "dies", "lives")
        await own_server.stop()
        stopped = time.monotonic()
        while time.monotonic() < stopped + PRESENCE_TTL_S + 1:  # longer than a beat lasts
            assert await there(roster) == ["dies", "lives"], "while the server is away nobody leaves"
            await asyncio.sleep(0.2)
        await own_server.start(port)
        async with beating(bus, "lives"):
            assert await there(roster) == ["dies", "lives"]
            came_back = time.monotonic()
            await is_there(roster, "lives")
            assert time.monotonic() - came_back < PRESENCE_TTL_S + SPARE_S
            await bus.commit(Entry(PRESENCE, presence("new")))
            await is_there(roster, "lives", "new")
