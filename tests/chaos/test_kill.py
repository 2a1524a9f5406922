"""SIGKILL of each service, and of nats-server, with queries in flight: each is answered once, none is lost."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import nats
import nats.errors
import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg

from schemas.subjects import ANSWER, PRESENCE, TASK, Space
from services.runtime.bus import Bus, connect
from services.runtime.provision import provision
from services.runtime.server import EmbeddedServer
from tests.support import wait_until

NUM_QUERIES = 24
TIMEOUT_S = 40
RESEND_S = 2.0
DOWN_S = 0.5
QUESTION = "What is the capital of Peru? Compute 12 times 8, then add 10 to the result."


@dataclass
class Processes:
    """Each service as a process of its own."""

    url: str
    prefix: str
    running: dict[str, asyncio.subprocess.Process] = field(default_factory=dict)

    async def start(self, name: str) -> None:
        scripted = name == "synthesizer" or name.startswith("node.")
        options = ["--nats", self.url, "--prefix", self.prefix]
        command = ["tests.chaos.host", name, self.url, self.prefix] if scripted else ["services", name, *options]
        environment = {"DELLM_LOG": os.environ.get("DELLM_LOG", "error"), "PATH": "", "PYTHONPATH": str(Path.cwd())}
        self.running[name] = await asyncio.create_subprocess_exec(sys.executable, "-m", *command, env=environment)

    async def kill(self, name: str) -> None:
        process = self.running.pop(name)
        process.send_signal(signal.SIGKILL)
        await process.wait()

    async def close(self) -> None:
        for name in list(self.running):
            await self.kill(name)


@asynccontextmanager
async def processes(server: EmbeddedServer, space: Space, names: Sequence[str]) -> AsyncIterator[tuple[Processes, Bus]]:
    """Run services while the body runs; they are all ready when it begins."""
    started = Processes(server.url, space.prefix)
    async with connect(server.url, space=space, name="chaos") as bus:
        await provision(bus)
        try:
            for name in names:
                await started.start(name)
            await wait_until(lambda: _all_answer(bus, len(names)), "all services answer $SRV.PING", within_s=30)
            await wait_until(lambda: _all_present(bus, names), "all nodes are present", within_s=30)
            yield started, bus
        finally:
            await started.close()


async def _all_answer(bus: Bus, num: int) -> bool:
    inbox = bus.client.new_inbox()
    pongs = await bus.client.subscribe(inbox)
    await bus.client.publish("$SRV.PING", b"", reply=inbox)
    prefix, found = f"{bus.space.prefix}-", 0
    with suppress(nats.errors.TimeoutError):
        while found < num:
            pong = await pongs.next_msg(0.5)
            found += json.loads(pong.data or b"{}").get("name", "").startswith(prefix)
    await pongs.unsubscribe()
    return found >= num


async def _all_present(bus: Bus, names: Sequence[str]) -> bool:
    present = {stored.message.node for stored in (await bus.read((PRESENCE, PRESENCE.at())))[PRESENCE]}
    return present == {name.removeprefix("node.") for name in names if name.startswith("node.")}


@dataclass
class Asker:
    """A plain NATS client that sends each id again until it is answered, and keeps every reply."""

    client: Client
    prefix: str
    replies: dict[str, list[bytes]] = field(default_factory=dict)

    async def ask(self, id_: str) -> None:
        inbox = self.client.new_inbox()
        answered = asyncio.Event()

        async def on_reply(msg: Msg) -> None:
            if msg.headers is None or "Status" not in msg.headers:
                self.replies.setdefault(id_, []).append(msg.data)
                answered.set()

        await self.client.subscribe(inbox, cb=on_reply)
        payload = json.dumps({"query": QUESTION, "id": id_, "timeout_s": TIMEOUT_S}).encode()
        give_up_at = time.monotonic() + TIMEOUT_S + 5
        while not answered.is_set() and time.monotonic() < give_up_at:
            await self.client.publish(f"{self.prefix}.query", payload, reply=inbox)
            try:
                async with asyncio.timeout(RESEND_S):
                    await answered.wait()
            except TimeoutError:
                continue


@asynccontextmanager
async def asking(server: EmbeddedServer, space: Space) -> AsyncIterator[Asker]:
    """Connect a client that outlives a server's death."""
    client = await nats.connect(server.url, max_reconnect_attempts=-1, reconnect_time_wait=0.1, error_cb=_ignore)
    try:
        yield Asker(client, space.prefix)
    finally:
        await client.close()


async def _ignore(_: Exception) -> None:
    """Connection errors are what these tests are about."""


SERVICES = ("decomposer", "assembler", "synthesizer", "trainer", "node.n1", "node.n2")


@pytest.mark.timeout(180)
@pytest.mark.parametrize("victim", ["decomposer", "node.n1", "assembler", "synthesizer", "trainer", "nats-server"])
async def test_every_query_is_answered_once(victim: str, own_server: EmbeddedServer) -> None:
    space = Space("chaos")
    async with (
        processes(own_server, space, SERVICES) as (services, bus),
        asking(own_server, space) as asker,
        bus.tap(space.event(ANSWER.at())) as stored,
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
        num_stored = stored.qsize()

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
    async with processes(own_server, space, SERVICES) as (services, bus), asking(own_server, space) as asker:
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
