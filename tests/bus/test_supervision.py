"""A loop that ends takes its service with it, and the service is begun again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from schemas.messages import Result
from schemas.subjects import RESULT, Space
from services.runtime.bus import Bus
from services.runtime.lifecycle import Deployment, Service, hosted
from services.runtime.routes import Delivery, Route, consume, on
from services.runtime.server import EmbeddedServer
from services.runtime.supervision import MAX_DEATHS, CannotRun, LoopEnded, alongside, beside, kept_alive
from services.runtime.wire import Entry
from tests.support import wait_until


async def forever() -> None:
    await asyncio.Event().wait()


async def fail() -> None:
    raise RuntimeError("a bug")


async def come_back() -> None:
    await asyncio.sleep(0)


@pytest.mark.parametrize(("loop", "why"), [(fail, "a bug"), (come_back, "returned")])
async def test_a_loop_that_ends_ends_the_body(loop: type, why: str) -> None:
    with pytest.raises(LoopEnded, match=why):
        async with alongside(forever(), loop(), name="x"):
            await asyncio.wait_for(forever(), 10)


async def test_the_body_s_own_failure_comes_out_as_it_is() -> None:
    with pytest.raises(KeyError):
        async with alongside(forever(), name="x"):
            raise KeyError("k")


async def test_a_job_that_fails_ends_the_body_and_one_that_ends_does_not() -> None:
    done: list[str] = []

    async def finish() -> None:
        done.append("finish")

    async with beside(finish(), forever()):
        await wait_until(lambda: bool(done), "the job is done")
    with pytest.raises(RuntimeError, match="a bug"):
        async with beside(finish(), fail()):
            await asyncio.wait_for(forever(), 10)
    with pytest.raises(KeyError):
        async with beside(forever()):
            raise KeyError("k")


async def test_what_cannot_run_is_not_begun_again() -> None:
    begun: list[str] = []

    @asynccontextmanager
    async def begin() -> AsyncIterator[None]:
        begun.append("once")
        async with beside(load()):
            yield

    async def load() -> None:
        raise CannotRun("no model")

    with pytest.raises(CannotRun, match="no model"):
        async with kept_alive("x", begin):
            await asyncio.wait_for(forever(), 10)
    assert begun == ["once"]


async def test_what_cannot_begin_is_raised() -> None:
    loading_fails = True

    @asynccontextmanager
    async def begin() -> AsyncIterator[None]:
        if loading_fails:
            raise ValueError("no model")
        yield

    with pytest.raises(ValueError, match="no model"):
        async with kept_alive("x", begin):
            pass


async def test_what_dies_again_and_again_is_given_up() -> None:
    begun = []

    @asynccontextmanager
    async def begin() -> AsyncIterator[None]:
        begun.append(1)
        async with alongside(fail(), name="x"):
            yield

    with pytest.raises(LoopEnded, match="a bug"):
        async with kept_alive("x", begin, pause_s=0.001):
            await asyncio.wait_for(forever(), 10)
    assert len(begun) == MAX_DEATHS


async def test_a_service_whose_pull_loop_dies_is_begun_again(server: EmbeddedServer, space: Space) -> None:
    buses: list[Bus] = []
    consumed: list[int] = []

    async def on_result(delivery: Delivery[Result]) -> None:
        consumed.append(delivery.message.chunk)

    @asynccontextmanager
    async def build(bus: Bus) -> AsyncIterator[Sequence[Route]]:
        buses.append(bus)
        yield [consume("worker", on(RESULT, on_result), concurrency=1)]

    async with hosted([Service("worker", build)], Deployment(url=server.url, space=space, grace_s=0.1)):
        (pull,) = [task for task in asyncio.all_tasks() if task.get_name() == "worker-run"]
        pull.cancel()
        await wait_until(lambda: len(buses) == 2, "the service is begun again")
        result = Result(id="q", chunk=7, node="n", replica=0, started_at=0, latency_s=1, error="none")
        await buses[-1].commit(Entry(RESULT, result))
        await wait_until(lambda: consumed == [7], "and consumes")
        assert buses[0].client.is_closed
