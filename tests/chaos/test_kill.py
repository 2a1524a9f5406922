"""SIGKILL of each service, and of nats-server, with queries in flight: each is answered once, none is lost."""

from __future__ import annotations

import asyncio
import json
import time

import pytest

from schemas.subjects import ANSWER, TASK, Space
from services.runtime.bus import Bus
from services.runtime.server import EmbeddedServer
from tests.chaos.processes import TIMEOUT_S, Processes, asking, processes
from tests.support import wait_until

NUM_QUERIES = 24
DOWN_S = 0.5


SERVICES = ("decomposer", "assembler", "synthesizer", "trainer", "node.n1", "node.n2")


@pytest.mark.timeout(180)
@pytest.mark.parametrize("victim", ["decomposer", "node.n1", "assembler", "synthesizer", "trainer", "nats-server"])
async def test_every_query_is_answered_once(victim: str, own_server: EmbeddedServer) -> None:
    space = Space("chaos")
    async with (
        processes(own_server.url, space, SERVICES) as (services, bus),
        asking(own_server.url, space) as asker,
        bus.tap(space.event(ANSWER.at())) as events,
    ):
        asked = []
        for i in range(NUM_QUERIES):
            asked.append(asyncio.create_task(asker.ask(f"q{i}")))
            await asyncio.sleep(0.05)
            if i == NUM_QUERIES // 2:
                if victim == "nats-server":
                    await restart(own_server)
                else:
                    await services.kill(victim)
                    asked.append(asyncio.create_task(_start_again(services, victim)))
        await asyncio.gather(*asked)
        answers = {stored.message.id: stored.payload for stored in (await bus.read((ANSWER, ANSWER.at())))[ANSWER]}
        num_stored = events.qsize()

    ids = {f"q{i}" for i in range(NUM_QUERIES)}
    assert set(asker.replies) == ids, "none is lost"
    for id_, replies in asker.replies.items():
        assert set(replies) == {answers[id_]}, "whoever delivers it, and however often, it is the same answer"
    if victim != "nats-server":  # a tap misses what happens while the server is away
        assert num_stored == NUM_QUERIES, "each answer is written once"
    statuses = {id_: json.loads(payload)["status"] for id_, payload in answers.items()}
    assert set(statuses.values()) == {"complete"}, statuses


async def _has_tasks(bus: Bus, node: str) -> bool:
    return bool((await bus.read((TASK, TASK.at(node=node))))[TASK])


@pytest.mark.timeout(120)
async def test_a_node_killed_for_good_loses_its_work_to_another(own_server: EmbeddedServer) -> None:
    space = Space("chaos")
    async with processes(own_server.url, space, SERVICES) as (services, bus), asking(own_server.url, space) as asker:
        asked = [asyncio.create_task(asker.ask(f"q{i}")) for i in range(NUM_QUERIES)]
        await wait_until(lambda: _has_tasks(bus, "n1"), "the node has work")
        await services.kill("node.n1")
        started = time.monotonic()
        await asyncio.gather(*asked)
    assert time.monotonic() - started < TIMEOUT_S / 2, "long before the deadline"
    replies = {id_: json.loads(received[0]) for id_, received in asker.replies.items()}
    assert {reply["status"] for reply in replies.values()} == {"complete"}
    nodes = [vote["node"] for reply in replies.values() for chunk in reply["chunks"] for vote in chunk["votes"]]
    assert nodes.count("n2") > nodes.count("n1")


async def restart(server: EmbeddedServer) -> None:
    assert server.process is not None
    server.process.kill()
    await server.process.wait()
    await asyncio.sleep(DOWN_S)
    await server.start(port=int(server.url.rpartition(":")[2]))


async def _start_again(services: Processes, name: str) -> None:
    await asyncio.sleep(DOWN_S)
    await services.start(name)
