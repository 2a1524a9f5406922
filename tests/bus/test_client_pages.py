"""The clients of docs/clients.md, run as they stand there by a user who may ask and nothing else."""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import nats
import pytest

from schemas.commands import Cancel, Query
from schemas.messages import Reply
from schemas.subjects import FEEDBACK, Space
from services.runtime.bus import connect
from services.runtime.server import embedded_server
from services.runtime.wire import decode
from tests.npm import installed
from tests.pages import blocks
from tests.support import Cluster, cluster, wait_until

PAGE = "docs/clients.md"


@pytest.fixture
async def deployed(tmp_path: Path) -> AsyncIterator[tuple[str, Cluster]]:
    """Give the address of whoever may ask, and what answers."""
    async with (
        embedded_server(tmp_path, Space(), ["n1"]) as server,
        cluster(server.connection, Space(), nodes=["n1"]) as started,
    ):
        yield server.guest, started


async def run(url: str, *words: str, cwd: Path | None = None) -> str:
    process = await asyncio.create_subprocess_exec(
        *words,
        cwd=cwd,
        env={**os.environ, "NATS_URL": url},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, told = await process.communicate()
    assert process.returncode == 0, told.decode()
    return said.decode()


def check(said: str) -> None:
    answer, *votes = said.splitlines()
    assert "Hamlet" in answer
    assert any(vote.startswith("  n1 (") for vote in votes)


async def test_python(deployed: tuple[str, Cluster], tmp_path: Path) -> None:
    (code,) = blocks(PAGE, "python")
    script = tmp_path / "client.py"
    script.write_text(code)
    check(await run(deployed[0], sys.executable, str(script)))


async def test_javascript(deployed: tuple[str, Cluster]) -> None:
    packages = await asyncio.to_thread(installed)
    (code,) = blocks(PAGE, "js")
    script = packages / "client.mjs"
    script.write_text(code)
    check(await run(deployed[0], "node", str(script), cwd=packages))


async def test_the_nats_command(deployed: tuple[str, Cluster]) -> None:
    if shutil.which("nats") is None:
        pytest.skip("the `nats` command is not installed here")
    (command,) = [line for block in blocks(PAGE, "sh") for line in block.splitlines() if " req " in line]
    assert "Hamlet" in await run(deployed[0], "bash", "-c", command)


async def test_what_else_clients_send(deployed: tuple[str, Cluster]) -> None:
    """The messages of the page's `nats pub`, published by a plain client."""
    url, started = deployed
    lines = [line for block in blocks(PAGE, "sh") for line in block.splitlines() if " pub " in line]
    published = dict(shlex.split(line)[-2:] for line in lines)
    assert set(published) == {"dellm.feedback.python-1", "dellm.cancel.python-1"}
    assert decode(published["dellm.cancel.python-1"].encode(), Cancel).id == "python-1"
    client = await nats.connect(url)
    query = msgspec.json.encode(Query(query="Who wrote Hamlet?", id="python-1"))
    assert "Hamlet" in decode((await client.request("dellm.query", query, timeout=20)).data, Reply).answer
    for address, payload in published.items():
        await client.publish(address, payload.encode())
    await client.close()
    trainer = started.deployment.connection.for_user("trainer")
    async with connect(trainer, space=Space(), name="test") as bus:

        async def is_stored() -> bool:
            stored = await bus.last(FEEDBACK, id="python-1")
            return stored is not None and stored.message.good is True

        await wait_until(is_stored, "the feedback is stored")


async def test_a_refusal_tells_its_code_in_a_header(deployed: tuple[str, Cluster]) -> None:
    client = await nats.connect(deployed[0])
    answered = await client.request("dellm.query", b'{"query": ""}', timeout=20)
    await client.close()
    refused = decode(answered.data, Reply)
    assert refused.error is not None
    assert answered.headers is not None
    assert answered.headers["Nats-Service-Error-Code"] == str(refused.error.code)
