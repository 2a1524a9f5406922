"""The configurations of nats-server in deploy/, each started for real, with the pipeline on it."""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

from schemas.actors import Actor
from schemas.commands import Query
from schemas.subjects import Space
from schemas.terms import Status
from services.node.config import NodeConfig
from services.node.service import node
from services.runtime.bus import connect
from services.runtime.client import ask
from services.runtime.connection import Connection
from services.runtime.keyring import make_keyring, make_leaf
from services.runtime.keys import read_key
from services.runtime.lifecycle import Deployment, Service, running
from services.runtime.permissions import User
from services.runtime.provision import provision
from services.runtime.server import find_binary
from tests.servers import free_port
from tests.support import ScriptedEngine, cluster

DEPLOY = Path(__file__).parents[2] / "deploy"
SPACE = Space()
NODES = ("n1", "n2")


def configure(name: str, folder: Path, ports: dict[str, int], more: str = "") -> Path:
    """Copy a configuration with ports that are free and a store of the test's, the only things that differ."""
    text = (DEPLOY / name).read_text()
    for fixed, free in ports.items():
        text, found = re.subn(rf"(port: ){fixed}\b", rf"\g<1>{free}", text)
        assert found, f"{name} has no port {fixed}"
    text = text.replace("/var/lib/nats", str(folder / "store"))
    path = folder / name
    path.write_text(text + more)
    return path


@asynccontextmanager
async def started(config: Path, port: int, environment: dict[str, str] | None = None) -> AsyncIterator[None]:
    """Run nats-server while the body runs, from when it takes connections."""
    with (config.parent / "nats.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *(find_binary(), "-c", str(config)), env={**os.environ, **(environment or {})}, stdout=log, stderr=log
        )
    try:
        async with asyncio.timeout(15):
            while True:
                assert process.returncode is None, (config.parent / "nats.log").read_text()
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                    writer.close()
                    break
                except OSError:
                    await asyncio.sleep(0.02)
        yield
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def provide(connection: Connection, replicas: int | None = None) -> None:
    async with connect(connection.for_user("operator"), space=SPACE, name="operator", patience_s=20) as bus:
        await provision(bus, replicas=replicas, nodes=NODES, in_files=True)


async def check(connection: Connection) -> None:
    """A client is answered."""
    async with connect(connection.for_user("client"), space=SPACE, name="client", patience_s=20) as client:
        reply = await ask(client, Query(query="Who wrote Emma?", id="q1", timeout_s=10))
    assert reply.status is Status.COMPLETE


async def test_one_server(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    make_keyring(keys, SPACE, nodes=NODES)
    port = free_port()
    async with started(configure("nats-server.conf", tmp_path, {"4222": port}), port):
        connection = replace(Connection.to(f"nats://127.0.0.1:{port}"), keys=keys)
        await provide(connection)
        async with cluster(connection, SPACE, nodes=NODES):
            await check(connection)


async def test_three_servers(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    make_keyring(keys, SPACE, nodes=NODES)
    ports, routes = [free_port() for _ in range(3)], [free_port() for _ in range(3)]
    environment = {
        "NATS_CLUSTER_PASSWORD": "s3cret",
        "NATS_ROUTES": json.dumps([f"nats://dellm:s3cret@127.0.0.1:{port}" for port in routes]),
    }
    async with AsyncExitStack() as stack:
        for number, port in enumerate(ports):
            folder = tmp_path / f"server-{number}"
            folder.mkdir()
            (folder / "keys").symlink_to(keys)
            free = {"4222": port, "6222": routes[number], "8222": free_port()}
            config = configure("nats-cluster.conf", folder, free)
            named = {**environment, "NATS_SERVER_NAME": f"nats-{number}"}
            await stack.enter_async_context(started(config, port, named))
        connection = replace(Connection.to(",".join(f"nats://127.0.0.1:{port}" for port in ports)), keys=keys)
        await provide(connection, replicas=3)
        async with cluster(connection, SPACE, nodes=NODES):
            await check(connection)


async def test_a_supercluster(tmp_path: Path) -> None:
    """Two sites of three servers: all services and a node at the first, a node and the client at the second."""
    keys = tmp_path / "keys"
    make_keyring(keys, SPACE, nodes=NODES)
    sites = ("north", "south")
    ports, routes, gateways = ({site: [free_port() for _ in range(3)] for site in sites} for _ in range(3))
    login = "nats://dellm:s3cret@127.0.0.1"
    joined = [{"name": site, "urls": [f"{login}:{port}" for port in gateways[site]]} for site in sites]
    async with AsyncExitStack() as stack:
        for site in sites:
            for number, port in enumerate(ports[site]):
                folder = tmp_path / f"{site}-{number}"
                folder.mkdir()
                (folder / "keys").symlink_to(keys)
                free = {
                    "4222": port,
                    "6222": routes[site][number],
                    "7222": gateways[site][number],
                    "8222": free_port(),
                }
                environment = {
                    "NATS_SERVER_NAME": f"{site}-{number}",
                    "NATS_CLUSTER": site,
                    "NATS_CLUSTER_PASSWORD": "s3cret",
                    "NATS_ROUTES": json.dumps([f"{login}:{port}" for port in routes[site]]),
                    "NATS_GATEWAYS": json.dumps(joined),
                }
                config = configure("nats-supercluster.conf", folder, free)
                await stack.enter_async_context(started(config, port, environment))
        north, south = (
            replace(Connection.to(",".join(f"nats://127.0.0.1:{port}" for port in ports[site])), keys=keys)
            for site in sites
        )
        await provide(north, replicas=3)
        async with cluster(north, SPACE, to_come=("n2",)):
            await stack.enter_async_context(node_at(south, "n2"))
            await check(south)


@asynccontextmanager
async def node_at(connection: Connection, id_: str) -> AsyncIterator[None]:
    """Run a node that connects in a way of its own while the body runs, from when it is there."""
    config = NodeConfig(id=id_, cluster="c", supercluster="s", models=(Path("a.gguf"),))
    service = Service(f"node.{id_}", partial(node, config=config, engine=ScriptedEngine()))
    async with running(service, Deployment(url=connection, space=SPACE, grace_s=0.2)):
        yield


async def test_nodes_and_clients_behind_a_leaf(tmp_path: Path) -> None:
    keys, leaf_folder = tmp_path / "keys", tmp_path / "leaf"
    leaf_folder.mkdir()
    make_keyring(keys, SPACE, nodes=NODES)
    make_leaf(keys, SPACE, [(Actor.NODE, node) for node in NODES] + [(Actor.CLIENT, "client")])
    (leaf_folder / "keys").symlink_to(keys)
    hub_port, leaf_port, own_port = free_port(), free_port(), free_port()
    hub = configure("nats-server.conf", tmp_path, {"4222": hub_port}, f"leafnodes {{ port: {leaf_port} }}\n")
    leaf = configure("nats-leaf-nodes.conf", leaf_folder, {"4222": own_port})
    environment = {"DELLM_HUB": f"nats://127.0.0.1:{leaf_port}"}
    async with started(hub, hub_port), started(leaf, own_port, environment):
        connection = replace(Connection.to(f"nats://127.0.0.1:{hub_port}"), keys=keys)
        await provide(connection)
        there = replace(Connection.to(f"nats://127.0.0.1:{own_port}"), keys=keys)
        async with cluster(connection, SPACE, to_come=NODES), node_at(there, "n1"), node_at(there, "n2"):
            await check(there)


async def test_clients_behind_a_leaf(tmp_path: Path) -> None:
    keys, leaf_folder = tmp_path / "keys", tmp_path / "leaf"
    leaf_folder.mkdir()
    make_keyring(keys, SPACE, nodes=NODES)
    hub_port, leaf_port, own_port = free_port(), free_port(), free_port()
    hub = configure("nats-server.conf", tmp_path, {"4222": hub_port}, f"leafnodes {{ port: {leaf_port} }}\n")
    leaf = configure("nats-leaf.conf", leaf_folder, {"4222": own_port})
    seed = read_key(keys / "client.nk").seed
    environment = {"DELLM_HUB": f"nats://127.0.0.1:{leaf_port}", "DELLM_CLIENT_SEED": seed}
    async with started(hub, hub_port), started(leaf, own_port, environment):
        connection = replace(Connection.to(f"nats://127.0.0.1:{hub_port}"), keys=keys)
        await provide(connection)
        async with cluster(connection, SPACE, nodes=NODES):
            there = Connection.to(f"nats://127.0.0.1:{own_port}")
            await check(replace(there, inbox_prefix=User(Actor.CLIENT, "client").inbox(SPACE)))
