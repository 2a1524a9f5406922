"""What a broken store, a broken message and an old process do to the bus: they are told, and nobody dies of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import msgspec
import pytest

from schemas.messages import Reply, Result
from schemas.records import Fitness, Record
from schemas.subjects import DEAD, FITNESS, RESULT, Store
from services.runtime import wire
from services.runtime.bus import Bus
from services.runtime.lifecycle import Deployment, Service, running
from services.runtime.provision import provision
from services.runtime.routes import Delivery, Reject, Route, consume, listen, on
from services.runtime.server import EmbeddedServer
from services.runtime.wire import Entry, decode
from tests.support import wait_until

NESTED = b'{"a":' * 50000
NOT_JSON = [NESTED, b"[" * 50000, b'"\xff"', b"", b"nul", b'{"id":' + b"9" * 50000]


def result(node: str = "n", chunk: int = 0) -> Result:
    return Result(id="q", chunk=chunk, node=node, replica=0, started_at=0, latency_s=1, error="none")


@pytest.fixture
async def ready(bus: Bus) -> Bus:
    await provision(bus, max_in_flight=3)
    return bus


@asynccontextmanager
async def hosting(bus: Bus, server: EmbeddedServer, *routes: Route) -> AsyncIterator[None]:
    @asynccontextmanager
    async def build(_: Bus) -> AsyncIterator[Sequence[Route]]:
        yield routes

    async with running(Service("worker", build), Deployment(url=server.url, space=bus.space, grace_s=0.1)):
        yield


@pytest.mark.parametrize("payload", NOT_JSON, ids=range(len(NOT_JSON)))
@pytest.mark.parametrize("message", [Reply, Result, Fitness])
def test_what_cannot_be_decoded_is_one_exception(payload: bytes, message: type[msgspec.Struct]) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode(payload, message)


def test_a_decoder_is_kept_for_the_classes_of_the_table_only() -> None:
    before = len(wire.decoders)

    class Passing(msgspec.Struct):
        id: str = ""

    assert decode(b"{}", Passing).id == ""
    assert len(wire.decoders) == before


async def test_a_reader_survives_what_it_reads(ready: Bus) -> None:
    await ready.commit(Entry(FITNESS, Fitness(node="good", overall=Record(fitness=0.5))))
    await ready.client.jetstream().publish(ready.space.full(Store.FITNESS, "evil"), NESTED)
    found = await ready.read((FITNESS, FITNESS.at()))
    assert [stored.message.node for stored in found[FITNESS]] == ["good"]


async def test_a_consumer_and_a_listener_survive_what_they_read(ready: Bus, server: EmbeddedServer) -> None:
    consumed: list[str] = []
    listened: list[str] = []

    async def on_result(delivery: Delivery[Result]) -> None:
        consumed.append(delivery.message.node)

    async def on_event(message: Result) -> None:
        listened.append(message.node)

    async with hosting(
        ready, server, consume("worker", on(RESULT, on_result), concurrency=1), listen(RESULT, on_event)
    ):
        await ready.client.jetstream().publish(ready.space.full(Store.STREAM, "result.q.0.evil"), NESTED)
        await ready.commit(Entry(RESULT, result("good")))
        await wait_until(lambda: consumed == ["good"] and listened == ["good"], "the good one is heard")
        letters = (await ready.read((DEAD, DEAD.at())))[DEAD]
        assert [letter.message.subject.rpartition(".")[2] for letter in letters] == ["evil"]


@pytest.mark.parametrize("num_chars", [59, 60, 64])
async def test_a_node_with_a_long_id_has_dead_letters(num_chars: int, ready: Bus, server: EmbeddedServer) -> None:
    async def refuse(_: Delivery[Result]) -> None:
        raise Reject("of no use")

    durable = f"node-{'n' * num_chars}"
    async with hosting(ready, server, consume(durable, on(RESULT, refuse), concurrency=1)):
        await ready.commit(Entry(RESULT, result()))

        async def buried() -> bool:
            return bool((await ready.read((DEAD, DEAD.at())))[DEAD])

        await wait_until(buried, "the rejected message is a dead letter")
