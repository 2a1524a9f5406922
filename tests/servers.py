"""Servers for tests that need some of their own, with a configuration of their own."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import trustme

from services.runtime.connection import Connection
from services.runtime.server import CONFIG, EmbeddedServer, find_binary

START_S = 15.0


@asynccontextmanager
async def plain_server(folder: Path, more: str) -> AsyncIterator[EmbeddedServer]:
    """Run a server with some more configuration while the body runs."""
    started = EmbeddedServer(folder, more=more)
    await started.start()
    try:
        yield started
    finally:
        await started.stop()


@dataclass(frozen=True)
class Certificates:
    """A certificate authority, a server's certificate and a client's, each with its key in the same file."""

    authority: Path
    server: Path
    client: Path

    @property
    def for_clients(self) -> str:
        """A server's configuration that has clients come over TLS."""
        return f"tls {{ cert_file: {json.dumps(str(self.server))}, key_file: {json.dumps(str(self.server))} }}\n"


def make_certificates(folder: Path) -> Certificates:
    """Make certificates for this machine."""
    authority = trustme.CA()
    made = Certificates(folder / "ca.pem", folder / "server.pem", folder / "client.pem")
    authority.cert_pem.write_to_path(made.authority)
    authority.issue_cert("127.0.0.1", "localhost").private_key_and_cert_chain_pem.write_to_path(made.server)
    authority.issue_cert("dellm@example.org").private_key_and_cert_chain_pem.write_to_path(made.client)
    return made


@dataclass
class Member:
    """A nats-server that may be killed and started again on its store.

    `launch` is put before its command, such as what takes it to another network namespace.
    """

    name: str
    host: str
    port: int
    config: Path
    launch: Sequence[str] = ()
    process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        """Where clients find it."""
        return f"nats://{self.host}:{self.port}"

    @property
    def log(self) -> Path:
        """What it wrote of itself."""
        return self.config.with_suffix("") / "nats.log"

    async def start(self) -> None:
        """Start it, and wait until it takes connections."""
        with self.log.open("ab") as log:
            command = (*self.launch, find_binary(), "-c", str(self.config))
            self.process = await asyncio.create_subprocess_exec(*command, stdout=log, stderr=log)
        async with asyncio.timeout(START_S):
            while True:
                with suppress(OSError):
                    _, writer = await asyncio.open_connection(self.host, self.port)
                    writer.close()
                    return
                await asyncio.sleep(0.02)

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self.process is not None
        self.process.send_signal(number)

    async def kill(self) -> None:
        """End it by force."""
        process, self.process = self.process, None
        if process is not None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()


@dataclass
class Servers:
    """One nats-server, or a cluster of them."""

    members: list[Member] = field(default_factory=list)

    @property
    def url(self) -> str:
        """The address of all of them."""
        return ",".join(member.url for member in self.members)

    @property
    def replicas(self) -> int:
        """How many copies of a stream they can keep."""
        return len(self.members)


def place(
    folder: Path,
    hosts: Sequence[str],
    more: str = "",
    *,
    launches: Sequence[Sequence[str]] = (),
    stores: Sequence[Path] = (),
) -> Servers:
    """Write the configuration of a server on each host, all in one cluster where there are several.

    The first ones have their stores in `stores`, the others in the folder.
    """
    ports, routes = [free_port() for _ in hosts], [free_port() for _ in hosts]
    peers = ", ".join(f'"nats://{host}:{port}"' for host, port in zip(hosts, routes, strict=True))
    servers = Servers()
    for number, (host, port) in enumerate(zip(hosts, ports, strict=True)):
        name = f"dellm-{number}"
        own = (stores[number] if number < len(stores) else folder) / name
        own.mkdir()
        (folder / name).mkdir(exist_ok=True)
        config = CONFIG.format(port=port, folder=json.dumps(str(own)), store=json.dumps(str(own / "store")))
        config = config.replace("host: 127.0.0.1", f"host: {host}")
        config = config.replace("server_name: dellm", f"server_name: {name}")
        cluster = f"cluster {{ name: c, host: {host}, port: {routes[number]}, routes: [{peers}] }}\n"
        path = folder / f"{name}.conf"
        path.write_text(config + (cluster if len(hosts) > 1 else "") + more)
        servers.members.append(Member(name, host, port, path, launches[number] if launches else ()))
    return servers


@asynccontextmanager
async def running(servers: Servers) -> AsyncIterator[Servers]:
    """Run servers while the body runs."""
    try:
        await asyncio.gather(*(member.start() for member in servers.members))
        yield servers
    finally:
        await asyncio.gather(*(member.kill() for member in servers.members))


@asynccontextmanager
async def three_servers(folder: Path, more: str) -> AsyncIterator[Connection]:
    """Run a cluster of three while the body runs."""
    async with running(place(folder, ["127.0.0.1"] * 3, more)) as servers:
        yield Connection.to(servers.url)


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])
