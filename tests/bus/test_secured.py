"""The whole pipeline where each user may do what its role needs: on one server, and on three over TLS."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import httpx
import pytest

from schemas.commands import Cancel, Query
from schemas.messages import Reply
from schemas.subjects import CANCEL, FEEDBACK, FITNESS, PRESENCE, Space
from schemas.terms import CANARY, ErrorCode, Status
from services.gateway.service import ANY_PORT, gateway, listen, url_of
from services.runtime.authorization import authorization
from services.runtime.bus import connect
from services.runtime.client import ask
from services.runtime.connection import Connection
from services.runtime.keyring import make_keyring
from services.runtime.lifecycle import Deployment, Service, running
from services.runtime.patience import patient_until
from services.runtime.provision import provision
from services.runtime.server import embedded_server
from services.runtime.wire import BusError
from services.trainer.config import TrainerConfig
from services.trainer.service import trainer
from tests.servers import make_certificates, three_servers
from tests.support import SERVICES, Cluster, Gate, ScriptedEngine, cluster, wait_until

SPACE = Space()
NODES = ("n1", "n2")
TWO_PARTS = "Who wrote Emma, and what is the capital of Peru?"


@pytest.fixture(params=["one server", "three over TLS"])
async def secured(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[tuple[Connection, Path]]:
    """Give the way in and the folder with the servers' logs."""
    if request.param == "one server":
        async with embedded_server(tmp_path / "data", SPACE, NODES) as server:
            yield server.connection, server.folder
        return
    files, keys = make_certificates(tmp_path), tmp_path / "keys"
    users = make_keyring(keys, SPACE, nodes=NODES)
    async with three_servers(tmp_path, files.for_clients + authorization(SPACE, users)) as servers:
        connection = replace(servers, keys=keys, tls_ca=files.authority)
        async with connect(connection.for_user("operator"), space=SPACE, name="operator", patience_s=20) as bus:
            await provision(bus, replicas=3, nodes=NODES)
        yield connection, tmp_path


@asynccontextmanager
async def deployed(
    connection: Connection, engine: ScriptedEngine | None = None, canary_rate: float = 0.0
) -> AsyncIterator[Cluster]:
    services = [name for name in SERVICES if name != "trainer"]
    async with cluster(connection, SPACE, nodes=NODES, services=services, engine=engine) as started:
        config = TrainerConfig(canary_rate=canary_rate, canary_look_s=0.05)
        await started.start(Service("trainer", partial(trainer, config=config)))
        yield started


def no_violation(folder: Path) -> None:
    """All that the services and the commands did was allowed."""
    logs = [path.read_text() for path in folder.rglob("nats.log")]
    assert logs
    assert not [line for text in logs for line in text.splitlines() if "Violation" in line]


def query(id_: str, text: str = TWO_PARTS, timeout_s: float = 20) -> Query:
    return Query(query=text, id=id_, timeout_s=timeout_s)


async def command(connection: Connection, *words: str) -> str:
    """Run a command of `dellm` as people do, with the keys."""
    to = ["--nats", str(connection), "--keys", str(connection.keys)]
    to += ["--tls-ca", str(connection.tls_ca)] if connection.tls_ca else []
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.cli.main", *words, *to),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, told = await process.communicate()
    assert process.returncode == 0, f"{words}: {said.decode()} {told.decode()}"
    return said.decode()


async def test_the_pipeline_and_the_commands(secured: tuple[Connection, Path]) -> None:
    connection, folder = secured
    async with deployed(connection):
        async with connect(connection.for_user("client"), space=SPACE, name="client") as client:
            reply = await ask(client, query("q1"))
            assert reply.status is Status.COMPLETE
            assert {vote.node for chunk in reply.chunks for vote in chunk.votes} <= set(NODES)
            assert await ask(client, query("q1")) == reply, "the same id is answered from what is stored"
        assert "n1" in (said := await command(connection, "status"))
        assert "dellm-node" in said
        assert "Emma" in await command(connection, "answer", "q1")
        assert "Emma" in await command(connection, "replay", "q1")
        assert "Emma" in await command(connection, "ask", TWO_PARTS)
        assert "thank you" in await command(connection, "feedback", "q1", "--good")
        assert "had ended" in await command(connection, "cancel", "q1")
    no_violation(folder)


async def test_where_no_node_is_alive_that_is_told(secured: tuple[Connection, Path]) -> None:
    connection, folder = secured
    async with (
        cluster(connection, SPACE, nodes=(), services=["decomposer"]),
        connect(connection.for_user("client"), space=SPACE, name="client") as client,
    ):
        reply = await ask(client, query("q1", timeout_s=5))
    assert reply.error is not None
    assert reply.error.code is ErrorCode.NO_NODES
    no_violation(folder)


async def test_a_client_cancels_and_gives_feedback(secured: tuple[Connection, Path]) -> None:
    connection, folder = secured
    gate = Gate()
    async with deployed(connection, ScriptedEngine(gate)) as started:
        async with connect(connection.for_user("client"), space=SPACE, name="client") as client:
            asked = asyncio.create_task(ask(client, query("q1")))
            await asyncio.wait_for(gate.reached.wait(), 10)
            await client.publish(CANCEL, Cancel(id="q1"))
            cancelled = await asyncio.wait_for(asked, 10)
            assert cancelled.error is not None
            assert cancelled.error.code is ErrorCode.CANCELLED
            gate.opened.set()
            await ask(client, query("q2"))
            address, payload = "dellm.feedback.q2", b'{"id": "q2", "good": true}'
            assert b"seq" in (await client.request(address, payload, 2)).data

        async def learned() -> bool:
            known = (await started.bus.read((FITNESS, FITNESS.at())))[FITNESS]
            return any(stored.message.told for stored in known)

        await wait_until(learned, "the trainer has learned from it")
    no_violation(folder)


async def test_canaries_and_the_gateway(secured: tuple[Connection, Path]) -> None:
    connection, folder = secured
    with listen(ANY_PORT) as listening:
        async with deployed(connection, canary_rate=1.0) as started, httpx.AsyncClient(timeout=20) as http:
            await started.start(Service("gateway", partial(gateway, listening=listening)))
            url = url_of(listening)
            done = await http.post(f"{url}/query", json={"query": TWO_PARTS})
            assert done.json()["status"] == "complete", done.text
            asked = {"model": "dellm", "stream": True, "messages": [{"role": "user", "content": "Write a poem."}]}
            assert "[DONE]" in (await http.post(f"{url}/v1/chat/completions", json=asked)).text
            response = await http.post(f"{url}/v1/responses", json={"model": "dellm", "input": "Who wrote Emma?"})
            assert response.status_code == 200, response.text
            again = await http.get(f"{url}/v1/responses/{response.json()['id']}")
            assert again.json()["status"] == "completed", again.text
            ready = await http.get(f"{url}/readyz")
            assert ready.status_code == 200, ready.text
            assert (await http.get(f"{url}/metrics")).status_code == 200

            async def judged() -> bool:
                told = (await started.bus.read((FEEDBACK, FEEDBACK.at())))[FEEDBACK]
                return any(stored.message.id.startswith(CANARY) for stored in told)

            await wait_until(judged, "a canary was asked and judged")
    no_violation(folder)


async def test_a_node_leaves_and_its_tasks_move(secured: tuple[Connection, Path]) -> None:
    connection, folder = secured
    async with cluster(connection, SPACE, nodes=[], to_come=NODES) as started:
        gate = Gate()
        await started.add_node("n1", ScriptedEngine(gate))
        asked = asyncio.create_task(ask(started.bus, query("q1")))
        await asyncio.wait_for(gate.reached.wait(), 10)
        await started.add_node("n2")
        await started.stop("node.n1")
        assert (await started.bus.read((PRESENCE, PRESENCE.at())))[PRESENCE][0].message.node == "n2", "it said goodbye"
        reply: Reply = await asyncio.wait_for(asked, 15)
    assert reply.status is Status.COMPLETE
    assert {vote.node for chunk in reply.chunks for vote in chunk.votes} == {"n2"}
    no_violation(folder)


@pytest.mark.parametrize("operated", [True, False])
async def test_after_a_restart_of_the_server_it_goes_on(operated: bool, tmp_path: Path) -> None:  # noqa: FBT001
    """The operator's service makes what the server's memory held; what `dellm auth provision` made is in files."""
    async with embedded_server(tmp_path, SPACE, NODES) as server:
        if not operated:
            await command(server.connection, "auth", "provision")
        async with cluster(server.connection, SPACE, nodes=NODES, operated=operated) as started:
            assert (await ask(started.bus, query("q1"))).status is Status.COMPLETE
            first = server.process
            assert first is not None
            first.kill()
            await wait_until(lambda: server.process is not first, "it is started again")
            reply = await ask(started.bus, query("q2", timeout_s=30), nobody_s=15)
            assert reply.status is Status.COMPLETE, reply.error
        no_violation(server.folder)


async def test_a_service_says_what_is_missing(tmp_path: Path) -> None:
    async with embedded_server(tmp_path, SPACE, NODES) as server:
        deployment = Deployment(url=server.connection, space=SPACE)
        with pytest.raises(BusError, match="dellm auth provision"), patient_until(time.time() + 1):
            async with running(Service("trainer", trainer), deployment):
                pass
        await command(server.connection, "auth", "provision")
        async with running(Service("trainer", trainer), deployment):
            pass
        no_violation(server.folder)
