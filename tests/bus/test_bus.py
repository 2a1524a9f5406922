"""What the bus promises: nothing lost, nothing written twice, every message seen to its end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from nats.aio.msg import Msg

from schemas.commands import Feedback
from schemas.messages import Result
from schemas.plans import Timer
from schemas.records import Admission, Presence
from schemas.subjects import ADMIT, DEAD, FEEDBACK, LATE, PLAN, PRESENCE, TIMER, Space
from services.runtime import consume as consume_module
from services.runtime.bus import Bus, connect
from services.runtime.lifecycle import Deployment, Service, running
from services.runtime.limits import Limits
from services.runtime.provision import provision
from services.runtime.routes import Delivery, Reject, Retry, Route, consume, on
from services.runtime.server import EmbeddedServer, ServerError, embedded_server
from services.runtime.wire import BusError, Conflict, Entry, Full, TooLarge
from tests.support import wait_until


def result(id_: str = "q", chunk: int = 0, node: str = "n") -> Result:
    return Result(id=id_, chunk=chunk, node=node, replica=0, started_at=0, latency_s=1, error="none")


def timer(id_: str) -> Timer:
    return Timer(id=id_)


@pytest.fixture
async def ready(bus: Bus) -> Bus:
    await provision(bus, Limits(max_in_flight=3))
    return bus


@asynccontextmanager
async def handling(
    bus: Bus, server: EmbeddedServer, handler: Callable[[Delivery[Result]], Awaitable[None]], concurrency: int = 4
) -> AsyncIterator[None]:
    @asynccontextmanager
    async def build(_: Bus) -> AsyncIterator[Sequence[Route]]:
        yield [consume("worker", on(LATE, handler), concurrency=concurrency, ack_wait_s=1)]

    async with running(Service("worker", build), Deployment(url=server.url, space=bus.space, grace_s=0.1)):
        yield


async def test_create_only_and_compare_and_set(ready: Bus) -> None:
    sequence = await ready.commit(Entry(LATE, result(), expect=0))
    with pytest.raises(Conflict):
        await ready.commit(Entry(LATE, result(), expect=0))
    assert await ready.commit(Entry(LATE, result(), expect=sequence)) > sequence
    with pytest.raises(Conflict):
        await ready.commit(Entry(LATE, result(), expect=sequence))


async def test_a_batch_is_written_whole_or_not_at_all(ready: Bus) -> None:
    await ready.commit(Entry(LATE, result("a")))
    with pytest.raises(Conflict):
        await ready.commit(Entry(TIMER, timer("b")), Entry(LATE, result("a"), expect=0), Entry(LATE, result("c")))
    assert await ready.last(TIMER, id="b") is None
    await ready.commit(Entry(TIMER, timer("b")), Entry(LATE, result("c"), expect=0))
    assert (await ready.read((LATE, LATE.at(id="c"))))[LATE][0].message == result("c")


async def test_a_full_bucket_refuses_but_lets_others_go(ready: Bus) -> None:
    for i in range(3):
        await ready.commit(Entry(ADMIT, Admission(id=f"q{i}", admitted_at=0), expect=0))
    with pytest.raises(Full):
        await ready.commit(Entry(ADMIT, Admission(id="q3", admitted_at=0), expect=0))
    await ready.purge(ADMIT, id="q0")
    await ready.commit(Entry(ADMIT, Admission(id="q3", admitted_at=0), expect=0))


async def test_reads_more_subjects_than_the_server_gives_at_once(ready: Bus) -> None:
    for start in range(0, 1500, 500):
        await ready.commit(*(Entry(LATE, result(chunk=start + i)) for i in range(500)))
    found = await ready.read((LATE, LATE.at(id="q")))
    assert {stored.message.chunk for stored in found[LATE]} == set(range(1500))


async def test_reads_several_subjects_in_one_go_and_leaves_deleted_keys_out(ready: Bus) -> None:
    await ready.commit(Entry(LATE, result("x")))
    found = await ready.read((PLAN, PLAN.at(id="x")), (LATE, LATE.at(id="x")))
    assert found[PLAN] == []
    assert [stored.message.id for stored in found[LATE]] == ["x"]
    store = await ready.client.jetstream().key_value(ready.space.bucket(PRESENCE.store))
    there = Presence(node="n", cluster="c", supercluster="s", models=[], slots=1, fitness=0.5, started_at=0)
    await ready.commit(Entry(PRESENCE, there))
    assert (await store.get("n")).value == msgspec.json.encode(there), "any NATS client reads the bucket"
    await store.delete("n")
    assert await ready.last(PRESENCE, node="n") is None


async def test_presence_passes(ready: Bus) -> None:
    there = Presence(node="n", cluster="c", supercluster="s", models=[], slots=1, fitness=0.5, started_at=0)
    await ready.commit(Entry(PRESENCE, there))

    async def gone() -> bool:
        return await ready.last(PRESENCE, node="n") is None

    await wait_until(gone, "a node without a heartbeat is absent")


async def test_too_large_a_message_is_refused_here_and_the_connection_lives(ready: Bus) -> None:
    huge = msgspec.structs.replace(result(), error="x" * ready.client.max_payload)
    with pytest.raises(TooLarge):
        await ready.commit(Entry(LATE, huge))
    with pytest.raises(TooLarge):
        await ready.send("somewhere", b"x" * (ready.client.max_payload - 1000), {"header": "y" * 2000})
    await ready.commit(Entry(LATE, result()))


async def test_outcomes_of_a_handler(ready: Bus, server: EmbeddedServer) -> None:
    deliveries: dict[str, int] = {}

    async def handle(delivery: Delivery[Result]) -> None:
        node = delivery.message.node
        deliveries[node] = delivery.num_delivered
        if node == "retried" and delivery.num_delivered < 3:
            raise Retry(0.01)
        if node == "rejected":
            raise Reject("of no use")
        if node == "broken" and delivery.num_delivered == 1:
            raise RuntimeError("a bug")

    async with handling(ready, server, handle):
        for node in ("fine", "retried", "rejected", "broken"):
            await ready.commit(Entry(LATE, result(node=node)))
        wanted = {"fine": 1, "retried": 3, "rejected": 1, "broken": 2}
        await wait_until(lambda: deliveries == wanted, f"{wanted}")

        async def buried() -> bool:
            return bool((await ready.read((DEAD, DEAD.at())))[DEAD])

        await wait_until(buried, "the rejected message is a dead letter")
        (letter,) = (await ready.read((DEAD, DEAD.at())))[DEAD]
    assert letter.message.reason == "of no use"
    assert letter.message.subject.endswith(".late.q.0.rejected")


async def test_a_long_handler_keeps_its_message(ready: Bus, server: EmbeddedServer) -> None:
    deliveries, done = [], asyncio.Event()

    async def handle(delivery: Delivery[Result]) -> None:
        deliveries.append(delivery.num_delivered)
        await done.wait()

    async with ready.tap("$JS.ACK.>") as acks, handling(ready, server, handle):
        await ready.commit(Entry(LATE, result()))
        in_progress = 0
        while in_progress < 8:  # one comes every third of a second
            _, said = await asyncio.wait_for(acks.get(), 10)
            in_progress += said.startswith(b"+WPI")
        done.set()
        while said.startswith(b"+WPI"):  # until it is acked
            _, said = await asyncio.wait_for(acks.get(), 10)
    assert deliveries == [1], "ack_wait is 1 s; the handler took over 2 s"


async def test_no_more_messages_than_slots(ready: Bus, server: EmbeddedServer) -> None:
    running_now, most, more = 0, 0, asyncio.Event()

    async def handle(_: Delivery[Result]) -> None:
        nonlocal running_now, most
        running_now += 1
        most = max(most, running_now)
        await more.wait()
        running_now -= 1

    async with handling(ready, server, handle, concurrency=3):
        for i in range(20):
            await ready.commit(Entry(LATE, result(chunk=i)))
        await wait_until(lambda: running_now == 3, "all slots are taken")
        info = await ready.client.jetstream().consumer_info(ready.space.prefix.upper(), "worker")
        assert info.num_ack_pending == 3, "the others may go to another process"
        more.set()

        async def drained() -> bool:
            info = await ready.client.jetstream().consumer_info(ready.space.prefix.upper(), "worker")
            return not info.num_pending and not info.num_ack_pending

        await wait_until(drained, "all are handled")
    assert most == 3


async def test_a_consumer_takes_another_inbox_now_and_then(
    ready: Bus, server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consume_module, "RENEW_PULLS", 2)
    seen: list[int] = []
    inboxes: set[str] = set()

    async def on_pull(msg: Msg) -> None:
        inboxes.add(msg.reply.rpartition(".")[0])

    async def handle(delivery: Delivery[Result]) -> None:
        seen.append(delivery.message.chunk)

    await ready.subscribe("$JS.API.CONSUMER.MSG.NEXT.>", on_pull)
    async with handling(ready, server, handle, concurrency=4):
        for i in range(40):
            await ready.commit(Entry(LATE, result(chunk=i)))
        await wait_until(lambda: sorted(seen) == list(range(40)), "each is handled once")
    assert len(inboxes) > 2


async def test_a_stopped_service_hands_its_work_back(ready: Bus, server: EmbeddedServer) -> None:
    begun = asyncio.Event()
    finished = asyncio.Event()

    async def hang(_: Delivery[Result]) -> None:
        begun.set()
        await asyncio.Event().wait()

    async def finish(_: Delivery[Result]) -> None:
        finished.set()

    async with handling(ready, server, hang):
        await ready.commit(Entry(LATE, result()))
        await begun.wait()
    async with handling(ready, server, finish):
        started = time.monotonic()
        await asyncio.wait_for(finished.wait(), 5)
    assert time.monotonic() - started < 0.9, "naked, not left to its ack_wait"


async def test_consuming_goes_on_after_the_server_is_killed(own_server: EmbeddedServer, space: Space) -> None:
    seen = []

    async def handle(delivery: Delivery[Result]) -> None:
        seen.append(delivery.message.chunk)

    async with connect(own_server.url, space=space, name="test") as bus:
        await provision(bus)
        async with handling(bus, own_server, handle):
            await bus.commit(Entry(LATE, result(chunk=1)))
            await wait_until(lambda: seen == [1], "the first is handled")
            assert own_server.process is not None
            own_server.process.kill()
            await own_server.process.wait()
            write = asyncio.create_task(bus.commit(Entry(LATE, result(chunk=2))))
            await own_server.start(port=int(own_server.url.rpartition(":")[2]))
            await write
            await wait_until(lambda: 2 in seen, "the second is handled")


async def test_the_embedded_server_is_started_again_should_it_die(tmp_path: Path) -> None:
    folder = tmp_path
    async with (
        embedded_server(folder) as server,
        connect(server.connection.for_user("operator"), space=Space(), name="test") as bus,
    ):
        url, first = server.url, server.process
        assert first is not None
        with pytest.raises(ServerError, match="in use"):
            async with embedded_server(folder):
                pass
        await provision(bus)
        await bus.commit(Entry(FEEDBACK, Feedback(id="q", good=True)))
        first.kill()
        await wait_until(lambda: server.process is not first, "another process serves")
        assert server.url == url
        assert await bus.last(FEEDBACK, id="q") is not None, "on the same store"


async def test_connect_says_what_is_wrong() -> None:
    with pytest.raises(BusError, match=r"cannot connect to NATS at nats://127\.0\.0\.1:1"):
        async with connect("nats://127.0.0.1:1", space=Space("a"), name="test", patience_s=0.5):
            pass


async def test_an_old_server_is_refused(server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.runtime.bus.MIN_SERVER", (99, 0))
    with pytest.raises(BusError, match="or newer is needed"):
        async with connect(server.url, space=Space("a"), name="test"):
            pass
