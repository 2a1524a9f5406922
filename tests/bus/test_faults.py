"""What a broken store, a broken message and an old process do to the bus: they are told, and nobody dies of them."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from structlog.testing import capture_logs

from schemas.messages import Reply, Result
from schemas.records import Fitness, Record
from schemas.subjects import DEAD, FITNESS, LATE, TABLE, Space, Store
from services.runtime import wire
from services.runtime.bus import Bus
from services.runtime.fill import Fill, StreamFill, read_fill
from services.runtime.lifecycle import Deployment, Service, hosted, running
from services.runtime.limits import Limits
from services.runtime.patience import patient_until
from services.runtime.provision import FITNESS_MAX_BYTES, FITNESS_MAX_BYTES_BEFORE, MAX_CONSUMERS, provision
from services.runtime.routes import Delivery, Reject, Route, consume, listen, on
from services.runtime.server import EmbeddedServer, find_binary
from services.runtime.survey import find_limits
from services.runtime.wire import BusError, Entry, decode
from tests.support import wait_until

NESTED = b'{"a":' * 50000
NOT_JSON = [NESTED, b"[" * 50000, b'"\xff"', b"", b"nul", b'{"id":' + b"9" * 50000]


def result(node: str = "n", chunk: int = 0) -> Result:
    return Result(id="q", chunk=chunk, node=node, replica=0, started_at=0, latency_s=1, error="none")


@pytest.fixture
async def ready(bus: Bus) -> Bus:
    await provision(bus, Limits(max_in_flight=3))
    return bus


@asynccontextmanager
async def hosting(bus: Bus, server: EmbeddedServer, *routes: Route) -> AsyncIterator[Bus]:
    @asynccontextmanager
    async def build(_: Bus) -> AsyncIterator[Sequence[Route]]:
        yield routes

    async with running(Service("worker", build), Deployment(url=server.url, space=bus.space, grace_s=0.1)) as hosted:
        yield hosted


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

    async with hosting(ready, server, consume("worker", on(LATE, on_result), concurrency=1), listen(LATE, on_event)):
        await ready.client.jetstream().publish(ready.space.full(Store.STREAM, "late.q.0.evil"), NESTED)
        await ready.commit(Entry(LATE, result("good")))
        await wait_until(lambda: consumed == ["good"] and listened == ["good"], "the good one is heard")
        letters = (await ready.read((DEAD, DEAD.at())))[DEAD]
        assert [letter.message.subject.rpartition(".")[2] for letter in letters] == ["evil"]


@pytest.mark.parametrize("num_chars", [59, 60, 64])
async def test_a_node_with_a_long_id_has_dead_letters(num_chars: int, ready: Bus, server: EmbeddedServer) -> None:
    async def refuse(_: Delivery[Result]) -> None:
        raise Reject("of no use")

    durable = f"node-{'n' * num_chars}"
    async with hosting(ready, server, consume(durable, on(LATE, refuse), concurrency=1)):
        await ready.commit(Entry(LATE, result()))

        async def buried() -> bool:
            return bool((await ready.read((DEAD, DEAD.at())))[DEAD])

        await wait_until(buried, "the rejected message is a dead letter")


async def test_patience_ends_with_the_deadline(bus: Bus) -> None:
    started = time.monotonic()
    with patient_until(time.time() + 0.4):
        for call in (
            bus.commit(Entry(LATE, result())),
            bus.commit(Entry(LATE, result()), Entry(LATE, result(chunk=1))),
            bus.read((LATE, LATE.at())),
            bus.purge(LATE),
            read_fill(bus),
        ):
            with pytest.raises(BusError, match="no good answer"):
                await call
    assert time.monotonic() - started < 5, "there is no stream, and the patience of each is limited"
    assert bus.stores_in_doubt.is_set()


async def test_the_earlier_limit_holds(bus: Bus) -> None:
    with patient_until(time.time() - 1), patient_until(time.time() + 600), pytest.raises(BusError):
        await bus.commit(Entry(LATE, result()))


@pytest.mark.parametrize("store", sorted(set(Store) - {Store.CORE, Store.LEDGER}))
async def test_a_store_that_vanished_is_made_again(store: Store, ready: Bus, server: EmbeddedServer) -> None:
    consumed: list[int] = []

    async def on_result(delivery: Delivery[Result]) -> None:
        consumed.append(delivery.message.chunk)

    async with hosting(ready, server, consume("worker", on(LATE, on_result), concurrency=1)) as hosted:
        await ready.client.jetstream().delete_stream(ready.space.stream(store))
        if store is not Store.STREAM:  # the stream's consumer notices by itself, a bucket is missed by its users
            wanted = next(row for row in TABLE if row.store is store)
            await hosted.read((wanted, wanted.at()))
        await ready.commit(Entry(LATE, result(chunk=7)))
        await wait_until(lambda: 7 in consumed, "what is written afterwards is consumed")


async def test_the_fill_of_the_stream_is_known(ready: Bus) -> None:
    before = await read_fill(ready)
    assert before.share == 0
    assert await StreamFill(ready).has_room(600)
    for chunk in range(5):
        await ready.commit(Entry(LATE, msgspec.structs.replace(result(chunk=chunk), error="x" * 100_000)))
    after = await read_fill(ready)
    assert after.num_bytes > 500_000
    assert after.max_bytes == before.max_bytes > 0
    assert abs(after.oldest_at - time.time()) < 60


def test_a_full_stream_keeps_what_is_needed_as_long_as_it_reaches_back() -> None:
    assert not Fill(num_bytes=89, max_bytes=100, oldest_at=1000).would_lose(600, now=1001)
    assert Fill(num_bytes=90, max_bytes=100, oldest_at=1000).would_lose(600, now=1001)
    assert not Fill(num_bytes=100, max_bytes=100, oldest_at=1000).would_lose(600, now=1600)
    assert not Fill(num_bytes=100, max_bytes=-1, oldest_at=1000).would_lose(600, now=1001)


async def test_the_stream_takes_more_consumers_than_the_server_gives_by_default(ready: Bus) -> None:
    config = (await ready.client.jetstream().stream_info(ready.space.stream(Store.STREAM))).config
    assert config.max_consumers == MAX_CONSUMERS > 1000


async def test_provisioning_adds_and_takes_nothing_away(ready: Bus) -> None:
    jetstream, name = ready.client.jetstream(), ready.space.stream(Store.STREAM)
    made = (await jetstream.stream_info(name)).config
    subjects = made.subjects or []
    newer = replace(
        made,
        subjects=[*subjects[1:], f"{ready.space.prefix}.newer.*"],
        max_bytes=2 * (made.max_bytes or 0),
    )
    await jetstream.update_stream(replace(newer, max_age=200.0, max_consumers=100))
    await provision(ready)
    joined = (await jetstream.stream_info(name)).config
    assert set(joined.subjects or ()) == {*subjects, *(newer.subjects or ())}
    assert (joined.max_bytes, joined.max_age) == (newer.max_bytes, 200.0)
    assert joined.max_consumers == MAX_CONSUMERS


async def test_only_what_is_said_outright_lowers_a_limit(ready: Bus) -> None:
    jetstream, name = ready.client.jetstream(), ready.space.stream(Store.ADMIT)
    for said, in_force in ((500, 500), (None, 500), (2, 2), (None, 2)):
        await provision(ready, Limits(max_in_flight=said))
        assert (await jetstream.stream_info(name)).config.max_msgs == in_force


async def test_what_is_as_wanted_is_left_alone(ready: Bus) -> None:
    with capture_logs() as logged:
        await provision(ready)
        await provision(ready, Limits(max_in_flight=3))
    assert not [line for line in logged if line["event"] == "stream.updated"]


@pytest.mark.parametrize(("set_to", "in_force"), [(FITNESS_MAX_BYTES_BEFORE, FITNESS_MAX_BYTES), (1 << 21, 1 << 21)])
async def test_the_fitness_bucket_of_an_earlier_version_gets_room(ready: Bus, set_to: int, in_force: int) -> None:
    """What an operator made of it stays."""
    jetstream, name = ready.client.jetstream(), ready.space.stream(Store.FITNESS)
    made = (await jetstream.stream_info(name)).config
    await jetstream.update_stream(replace(made, max_bytes=set_to))
    await provision(ready)
    assert (await jetstream.stream_info(name)).config.max_bytes == in_force


async def test_the_limits_in_force_are_told(ready: Bus) -> None:
    said = Limits(
        max_in_flight=9,
        stream_max_bytes=2_000_000,
        stream_max_age_s=700.0,
        ledger_days=2.5,
        ledger_max_bytes=3_000_000,
        ledger_text=False,
    )
    await provision(ready, said)
    await provision(ready)
    assert await find_limits(ready) == said


async def test_a_service_that_starts_without_a_leader_waits_for_one(tmp_path: Path) -> None:
    """Of a cluster of two, one server alone has no leader; the service is ready when the other has come."""
    client, routes = [free_port() for _ in range(2)], [free_port() for _ in range(2)]

    async def start(i: int) -> asyncio.subprocess.Process:
        config = tmp_path / f"{i}.conf"
        config.write_text(
            f"host: 127.0.0.1\nport: {client[i]}\nserver_name: s{i}\n"
            f'jetstream {{ store_dir: "{tmp_path / str(i)}" }}\n'
            f"cluster {{ name: c, host: 127.0.0.1, port: {routes[i]}, "
            f"routes: [{', '.join(f'nats://127.0.0.1:{port}' for port in routes)}] }}\n"
        )
        quiet = asyncio.subprocess.DEVNULL
        return await asyncio.create_subprocess_exec(find_binary(), "-c", str(config), stdout=quiet, stderr=quiet)

    @asynccontextmanager
    async def build(_: Bus) -> AsyncIterator[Sequence[Route]]:
        async def ignore(_: Delivery[Result]) -> None:
            return

        yield [consume("worker", on(LATE, ignore), concurrency=1)]

    ready, stop = asyncio.Event(), asyncio.Event()

    async def serve() -> None:
        deployment = Deployment(url=f"nats://127.0.0.1:{client[0]}", space=Space("lonely"), grace_s=0.1)
        async with hosted([Service("worker", build)], deployment):
            ready.set()
            await stop.wait()

    servers = [await start(0)]
    serving = asyncio.create_task(serve())
    try:
        await asyncio.wait([serving], timeout=3)  # longer than one try of the client
        assert not serving.done()
        assert not ready.is_set()
        servers.append(await start(1))
        await asyncio.wait_for(ready.wait(), 25)
    finally:
        stop.set()
        await asyncio.gather(serving, return_exceptions=True)
        for server in servers:
            server.kill()
            await server.wait()


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])
