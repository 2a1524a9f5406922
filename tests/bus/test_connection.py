"""Connecting as somebody, over TLS, to a real server; and what is told when it is refused."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from schemas.subjects import Space
from services.runtime.bus import connect
from services.runtime.connection import Connection
from services.runtime.server import EmbeddedServer
from services.runtime.wire import BusError
from tests.servers import make_certificates, plain_server

SPACE = Space("a")
SECRET = "s3cr3t"


@asynccontextmanager
async def reached(connection: Connection, patience_s: float = 5.0) -> AsyncIterator[None]:
    async with connect(connection, space=SPACE, name="test", patience_s=patience_s) as bus:
        await bus.flush()
        yield


async def test_a_wrong_user_is_told_at_once(tmp_path: Path) -> None:
    async with plain_server(tmp_path, "authorization { user: alice, password: right }") as server:
        async with reached(Connection.to(server.url.replace("//", "//alice:right@"))):
            pass
        for wrong in (server.url.replace("//", f"//alice:{SECRET}@"), server.url):
            async with asyncio.timeout(20):  # and not after 30 s of patience
                with pytest.raises(BusError, match="Authorization Violation") as told:
                    async with reached(Connection.to(wrong), patience_s=30):
                        pass
            assert SECRET not in str(told.value)


async def test_over_tls(tmp_path: Path) -> None:
    files = make_certificates(tmp_path)
    async with plain_server(tmp_path, files.for_clients) as server:
        async with reached(Connection(servers=(server.url,), tls_ca=files.authority)):
            pass
        with pytest.raises(BusError, match="certificate"):
            async with reached(Connection.to(server.url), patience_s=30):
                pass


async def test_over_tls_with_a_clients_certificate(tmp_path: Path) -> None:
    files = make_certificates(tmp_path)
    tls = files.for_clients.replace("}", f', ca_file: "{files.authority}", verify: true }}')
    async with plain_server(tmp_path, tls) as server:
        unknown = Connection(servers=(server.url,), tls_ca=files.authority)
        async with reached(replace(unknown, tls_cert=files.client, tls_key=files.client)):
            pass
        with pytest.raises(BusError, match="cannot connect"):
            async with reached(unknown, patience_s=2):
                pass


async def test_a_server_without_tls_hears_nothing_where_tls_is_asked_for(own_server: EmbeddedServer) -> None:
    with pytest.raises(BusError, match="no TLS"):
        async with reached(Connection.to(own_server.url.replace("nats://", f"tls://alice:{SECRET}@"))):
            pass
    assert SECRET not in (own_server.folder / "nats.log").read_text()


async def test_a_command_that_fails_keeps_the_password() -> None:
    command = [sys.executable, "-m", "services.cli.main", "status", "--nats", f"nats://user:{SECRET}@127.0.0.1:1"]
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await process.communicate()
    assert process.returncode == 1
    assert b"nats://127.0.0.1:1" in said
    assert SECRET.encode() not in said
    assert len(said.splitlines()) == 1
