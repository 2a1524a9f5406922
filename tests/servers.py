"""Servers for tests that need some of their own, with a configuration of their own."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import trustme

from services.runtime.connection import Connection
from services.runtime.server import CONFIG, EmbeddedServer, find_binary


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


@asynccontextmanager
async def three_servers(folder: Path, more: str) -> AsyncIterator[Connection]:
    """Run a cluster of three while the body runs."""
    ports, routes = [free_port() for _ in range(3)], [free_port() for _ in range(3)]
    peers = ", ".join(f'"nats://127.0.0.1:{port}"' for port in routes)
    processes = []
    try:
        for number in range(3):
            own = folder / f"server-{number}"
            own.mkdir()
            config = CONFIG.format(
                port=ports[number], folder=json.dumps(str(own)), store=json.dumps(str(own / "store"))
            )
            config = config.replace("server_name: dellm", f"server_name: dellm-{number}")
            cluster = f"cluster {{ name: c, host: 127.0.0.1, port: {routes[number]}, routes: [{peers}] }}\n"
            (own / "nats.conf").write_text(config + cluster + more)
            with (own / "nats.log").open("wb") as log:
                processes.append(
                    await asyncio.create_subprocess_exec(
                        *(find_binary(), "-c", str(own / "nats.conf")), stdout=log, stderr=log
                    )
                )
        yield Connection.to(",".join(f"nats://127.0.0.1:{port}" for port in ports))
    finally:
        for process in processes:
            process.kill()
            await process.wait()


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])
