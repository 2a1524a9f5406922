"""Model files in the bus's object store: put there, fetched, interrupted, and by whom."""

from __future__ import annotations

import asyncio
import hashlib
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from models.adding import list_added
from models.metadata import Value
from schemas.subjects import Space
from services.runtime.bus import Bus, connect
from services.runtime.objects import find_shared, receive, share
from services.runtime.server import EmbeddedServer, embedded_server
from services.runtime.wire import BusError
from tests.gguf_files import gguf

ROOT = Path(__file__).parents[2]
VALUES: dict[str, Value | list[int]] = {"general.architecture": "llama", "llama.context_length": 512}


class Interrupted(Exception):  # noqa: N818  the name says the cause
    """The test gives up."""


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = gguf(tmp_path / "mine.gguf", VALUES)
    path.write_bytes(path.read_bytes() + os.urandom(9_000_000))
    return path


@pytest.fixture
async def bus(own_server: EmbeddedServer) -> AsyncIterator[Bus]:
    async with connect(own_server.url, space=Space(), name="test") as connected:
        yield connected


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


async def test_a_file_goes_there_and_comes_back(bus: Bus, model: Path, tmp_path: Path) -> None:
    told: list[int] = []
    assert await share(bus, model, told.append) == sha256(model)
    assert told[-1] == model.stat().st_size
    shared = await find_shared(bus, "mine.gguf")
    assert (shared.size, shared.sha256) == (model.stat().st_size, sha256(model))
    part = tmp_path / "part"
    await receive(bus, shared, part)
    assert part.read_bytes() == model.read_bytes()


async def test_it_goes_on_where_it_was_interrupted(bus: Bus, model: Path, tmp_path: Path) -> None:
    await share(bus, model)
    shared = await find_shared(bus, "mine.gguf")
    part, told = tmp_path / "part", list[int]()

    def give_up(done: int) -> None:
        if done >= shared.size // 2:
            raise Interrupted

    with pytest.raises(Interrupted):
        await receive(bus, shared, part, give_up)
    with part.open("ab") as file:
        file.write(b"what was written when the power failed")
    await receive(bus, shared, part, told.append)
    assert told[0] > shared.size // 2
    assert part.read_bytes() == model.read_bytes()


async def test_one_that_was_shared_anew_begins_anew(bus: Bus, model: Path, tmp_path: Path) -> None:
    await share(bus, model)
    part = tmp_path / "part"

    def give_up(_: int) -> None:
        raise Interrupted

    with pytest.raises(Interrupted):
        await receive(bus, await find_shared(bus, "mine.gguf"), part, give_up)
    model.write_bytes(model.read_bytes()[::-1])
    await share(bus, model)
    await receive(bus, await find_shared(bus, "mine.gguf"), part)
    assert part.read_bytes() == model.read_bytes()


async def test_what_is_not_there_is_told(bus: Bus, model: Path) -> None:
    with pytest.raises(BusError, match="no model file is shared on this bus"):
        await find_shared(bus, "mine.gguf")
    await share(bus, model)
    with pytest.raises(BusError, match=r"other\.gguf is not shared on this bus"):
        await find_shared(bus, "other.gguf")


async def test_what_was_changed_in_the_store_is_refused(bus: Bus, model: Path, tmp_path: Path) -> None:
    await share(bus, model)
    shared = await find_shared(bus, "mine.gguf")
    other = type(shared)(shared.name, shared.nuid, shared.size, shared.chunks, "SHA-256=" + "A" * 43 + "=")
    with pytest.raises(BusError, match="expected sha256 0000"):
        await receive(bus, other, tmp_path / "part")
    assert not (tmp_path / "part").exists()


async def test_nodes_may_fetch_and_clients_may_not(model: Path, tmp_path: Path) -> None:
    space = Space()
    async with embedded_server(tmp_path / "data", space, ("n1",)) as server:
        connection = server.connection
        async with connect(connection.for_user("operator"), space=space, name="operator") as operator:
            await share(operator, model)
        for user in ("node-n1", "synthesizer"):
            async with connect(connection.for_user(user), space=space, name=user) as bus:
                await receive(bus, await find_shared(bus, "mine.gguf"), tmp_path / user)
            assert (tmp_path / user).read_bytes() == model.read_bytes()
        async with connect(connection.for_user("node-n1"), space=space, name="node-n1") as bus:
            with pytest.raises(BusError):
                await share(bus, model)
        async with connect(connection.for_user("client"), space=space, name="client") as bus:
            with pytest.raises(BusError):
                await find_shared(bus, "mine.gguf")


async def test_the_commands(own_server: EmbeddedServer, model: Path, tmp_path: Path) -> None:
    async def dellm(*arguments: str) -> subprocess.CompletedProcess[str]:
        return await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-m", "services.cli.main", "models", *arguments, "--nats", own_server.url],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    done = await dellm("share", str(model))
    assert done.returncode == 0, done.stderr
    assert f"mine.gguf is shared, sha256 {sha256(model)}" in done.stdout
    assert "mine.gguf: share 9" in done.stderr
    fetched = await dellm("fetch", "mine.gguf", "--shared", "--folder", "elsewhere")
    assert fetched.returncode == 0, fetched.stderr
    assert (tmp_path / "elsewhere" / "mine.gguf").read_bytes() == model.read_bytes()
    ((found, added),) = list_added(tmp_path / "elsewhere")
    assert (found.sha256, added.source) == (sha256(model), f"shared on {own_server.url}")
    missing = await dellm("fetch", "other.gguf", "--shared", "--folder", "elsewhere")
    assert (missing.returncode, len(missing.stderr.strip().splitlines())) == (1, 1)
