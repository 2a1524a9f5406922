"""The disk under the store is full: a client hears so by his deadline, whatever was under way."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from schemas.commands import Query
from schemas.messages import Reply, Result
from schemas.subjects import LATE, RESULT, Space
from schemas.terms import ErrorCode, Status
from services.runtime.client import ask
from services.runtime.patience import patient_until
from services.runtime.server import EmbeddedServer
from services.runtime.wire import BusError, Entry
from tests.disk import NoDisk, fill, small_disk
from tests.support import Cluster, Gate, ScriptedEngine, cluster, wait_until

TIMEOUT_S = 3.0
SPARE_S = 0.7  # of a busy machine; a query that is told as lost past its deadline is told 1 s past it


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    try:
        with small_disk(tmp_path / "disk", megabytes=6) as folder:
            yield folder
    except NoDisk as error:
        pytest.skip(str(error))


@pytest.fixture
async def small_server(disk: Path) -> AsyncIterator[EmbeddedServer]:
    started = EmbeddedServer(disk)
    await started.start()
    try:
        yield started
    finally:
        await started.stop()


async def ask_once(deployed: Cluster, id_: str) -> tuple[Reply, float]:
    started = time.monotonic()
    query = Query(query="What is DNA?", id=id_, timeout_s=TIMEOUT_S)
    reply = await ask(deployed.bus, query, resend_s=60)
    return reply, time.monotonic() - started


async def nothing_can_be_written(deployed: Cluster) -> None:
    """Write until the server has noticed that its disk is full."""

    async def refused() -> bool:
        filler = Result(id="x", chunk=0, node="x", replica=0, started_at=0, latency_s=0, error="x" * 10_000)
        for row in (RESULT, LATE):  # one in each stream
            try:
                with patient_until(time.time() + 0.2):
                    await deployed.bus.commit(Entry(row, filler))
            except BusError:
                continue
            return False
        return True

    await wait_until(refused, "the server refuses what it cannot keep")


async def test_a_query_that_finds_the_disk_full(small_server: EmbeddedServer, disk: Path) -> None:
    async with cluster(small_server.url, Space("full"), nodes=["n1"]) as deployed:
        assert (await ask_once(deployed, "before"))[0].status is Status.COMPLETE
        fill(disk)
        for turn in range(2):
            reply, took_s = await ask_once(deployed, f"q{turn}")
            assert took_s < TIMEOUT_S + SPARE_S
            assert reply.error is not None
            assert reply.error.code is ErrorCode.INTERNAL


async def test_a_query_whose_disk_gets_full(small_server: EmbeddedServer, disk: Path) -> None:
    gate = Gate()
    async with cluster(small_server.url, Space("full")) as deployed:
        await deployed.add_node("n1", ScriptedEngine(gate))
        asked = asyncio.create_task(ask_once(deployed, "q"))
        await asyncio.wait_for(gate.reached.wait(), 10)
        fill(disk)
        await nothing_can_be_written(deployed)
        gate.opened.set()
        reply, took_s = await asked
    assert took_s < TIMEOUT_S + SPARE_S
    assert reply.error is not None
    assert reply.error.code is ErrorCode.INTERNAL
