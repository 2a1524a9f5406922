"""Services as processes of their own, and clients who outlive a server's death and keep every reply."""

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
from typing import Any

import nats
import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg

from schemas.subjects import PRESENCE, Space
from services.runtime.bus import Bus, connect
from services.runtime.provision import provision
from tests.support import wait_until

QUESTION = "What is the capital of Peru? Compute 12 times 8, then add 10 to the result."
TIMEOUT_S = 40
RESEND_S = 2.0
SPARE_S = 5.0  # past its time for which a reply is waited for
READY_S = 60.0


@dataclass
class Processes:
    """Each service as a process of its own, by name: `decomposer`, or `decomposer.2` for another of the same.

    `launches` are put before the commands of some, such as what takes them to another network namespace, and `trees`
    are the folders of other versions of this project that some are started from.
    """

    url: str
    prefix: str
    replicas: int = 1
    launches: dict[str, Sequence[str]] = field(default_factory=dict)
    trees: dict[str, Path] = field(default_factory=dict)
    running: dict[str, asyncio.subprocess.Process] = field(default_factory=dict)

    async def start(self, name: str) -> None:
        """Start a service; it need not be ready when this returns."""
        tree, kind = self.trees.get(name, Path.cwd()), name.partition(".")[0]
        scripted = kind in ("synthesizer", "node")
        command = ["tests.chaos.host", name if kind == "node" else kind, self.url, self.prefix]
        if not scripted:
            command = ["services", kind, "--nats", self.url, "--prefix", self.prefix, "--replicas", str(self.replicas)]
        environment = {"DELLM_LOG": os.environ.get("DELLM_LOG", "error"), "PATH": "", "PYTHONPATH": str(tree)}
        self.running[name] = await asyncio.create_subprocess_exec(
            *(*self.launches.get(name, ()), sys.executable, "-m", *command), env=environment, cwd=tree
        )

    def signal(self, name: str, number: signal.Signals) -> None:
        """Send a service a signal."""
        self.running[name].send_signal(number)

    async def kill(self, name: str) -> None:
        """End a service by force."""
        process = self.running.pop(name)
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGKILL)
        await process.wait()

    async def end(self, name: str) -> None:
        """End a service in order."""
        process = self.running.pop(name)
        process.terminate()
        await process.wait()

    async def close(self) -> None:
        """End all by force."""
        await asyncio.gather(*(self.kill(name) for name in list(self.running)))


@asynccontextmanager
async def processes(
    url: str, space: Space, names: Sequence[str], to_be: Processes | None = None
) -> AsyncIterator[tuple[Processes, Bus]]:
    """Run services while the body runs; they are all ready when it begins.  `to_be` says how, where it matters."""
    started = to_be or Processes(url, space.prefix)
    async with connect(url, space=space, name="chaos", patience_s=30) as bus:
        await provision(bus, replicas=started.replicas)
        try:
            for name in names:
                await started.start(name)
            await wait_until(lambda: _all_answer(bus, len(names)), "all services answer $SRV.PING", within_s=READY_S)
            await wait_until(lambda: all_present(bus, names), "all nodes are present", within_s=READY_S)
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


async def all_present(bus: Bus, names: Sequence[str]) -> bool:
    """Tell whether all nodes of these services are there, and no others."""
    present = {stored.message.node for stored in (await bus.read((PRESENCE, PRESENCE.at())))[PRESENCE]}
    return present == {name.removeprefix("node.") for name in names if name.startswith("node.")}


@dataclass
class Asker:
    """A plain NATS client that sends each id again until it is answered, and where it was told to try later.

    `replies` holds every reply to each id but those, `took_s` how long the first one took.
    """

    client: Client
    prefix: str
    timeout_s: float = TIMEOUT_S
    replies: dict[str, list[bytes]] = field(default_factory=dict)
    took_s: dict[str, float] = field(default_factory=dict)
    _inbox: str = ""
    _answered: dict[str, asyncio.Event] = field(default_factory=dict)

    async def ask(self, id_: str, **fields: Any) -> None:
        """Ask until there is a reply, or the query's time is long over; `fields` are added to the query."""
        if not self._inbox:
            self._inbox = self.client.new_inbox()
            await self.client.subscribe(f"{self._inbox}.*", cb=self._on_reply)
        answered = self._answered[id_] = asyncio.Event()
        payload = json.dumps({"query": QUESTION, "id": id_, "timeout_s": self.timeout_s, **fields}).encode()
        asked_at = time.monotonic()
        give_up_at = asked_at + self.timeout_s + SPARE_S
        while not answered.is_set() and time.monotonic() < give_up_at:
            with suppress(nats.errors.Error):  # it may be about to connect again
                await self.client.publish(f"{self.prefix}.query", payload, reply=f"{self._inbox}.{id_}")
            with suppress(TimeoutError):
                async with asyncio.timeout(RESEND_S):
                    await answered.wait()
        if answered.is_set():
            self.took_s[id_] = time.monotonic() - asked_at

    async def _on_reply(self, msg: Msg) -> None:
        header = msg.headers or {}
        if "Status" not in header and header.get("Nats-Service-Error-Code") != "overloaded":
            id_ = msg.subject.rpartition(".")[2]
            self.replies.setdefault(id_, []).append(msg.data)
            self._answered[id_].set()


@asynccontextmanager
async def asking(url: str, space: Space, timeout_s: float = TIMEOUT_S) -> AsyncIterator[Asker]:
    """Connect a client that outlives a server's death."""
    client = await nats.connect(
        url.split(","), max_reconnect_attempts=-1, reconnect_time_wait=0.1, error_cb=_ignore, connect_timeout=1
    )
    try:
        yield Asker(client, space.prefix, timeout_s)
    finally:
        await client.close()


async def _ignore(_: Exception) -> None:
    """Connection errors are what these tests are about."""
