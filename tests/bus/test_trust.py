"""Each role may do what its row says; whatever else it tries is refused, and told on both sides."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from io import StringIO
from pathlib import Path
from typing import Any

import msgspec
import pytest
from nats.aio.msg import Msg

from schemas.actors import Actor
from schemas.commands import Query
from schemas.messages import Reply, Result
from schemas.subjects import (
    ANSWER,
    PRESENCE,
    RESULT,
    TABLE,
    Space,
    Store,
)
from schemas.terms import Status
from services.runtime.authorization import default_users
from services.runtime.bus import Bus, connect
from services.runtime.client import ask
from services.runtime.keyring import file_of
from services.runtime.logging import configure
from services.runtime.permissions import User
from services.runtime.server import EmbeddedServer, embedded_server
from services.runtime.wire import BusError, Entry
from tests.records import said
from tests.support import Cluster, Gate, ScriptedEngine, cluster, wait_until

SPACE = Space()
NODES = ("n1", "n2")
USERS = [User(actor, name) for actor, name in default_users(NODES, ["client"])]
ASKED = "Who wrote Emma?"


@pytest.fixture
async def secured(tmp_path: Path) -> AsyncIterator[EmbeddedServer]:
    async with embedded_server(tmp_path / "data", SPACE, NODES) as started:
        yield started


@asynccontextmanager
async def as_user(server: EmbeddedServer, name: str) -> AsyncIterator[Bus]:
    async with connect(server.connection.for_user(name), space=SPACE, name=f"as-{name}") as bus:
        yield bus


@contextmanager
def logged() -> Iterator[StringIO]:
    """Take the log as users see it, instead of the quiet one of the tests."""
    told = StringIO()
    configure(told, default_level="warning")
    try:
        yield told
    finally:
        configure(default_level="critical")


def violations(server: EmbeddedServer) -> list[str]:
    return [line for line in (server.folder / "nats.log").read_text().splitlines() if "Violation" in line]


def query(id_: str = "q1", text: str = ASKED, timeout_s: float = 20) -> Query:
    return Query(query=text, id=id_, timeout_s=timeout_s)


def forged(node: str = "n2", id_: str = "q1") -> Result:
    return Result(id=id_, chunk=0, node=node, replica=0, started_at=0, latency_s=0, answers=[said("666")], chosen=0)


@asynccontextmanager
async def waiting_query(server: EmbeddedServer) -> AsyncIterator[tuple[Cluster, asyncio.Task[Reply], Gate]]:
    """A query whose nodes think until the gate is opened."""
    gate = Gate()
    async with cluster(server.connection, SPACE, nodes=NODES, engine=ScriptedEngine(gate)) as deployed:
        asked = asyncio.create_task(ask(deployed.bus, query()))
        await asyncio.wait_for(gate.reached.wait(), 10)
        try:
            yield deployed, asked, gate
        finally:
            gate.opened.set()
            await asyncio.gather(asked, return_exceptions=True)


# --- what is refused -----------------------------------------------------------------------------------------------


def subjects_to_write(user: User) -> list[str]:
    """List what a user must not write: each row that names others, another's name in its own rows, the API."""
    addresses = [
        SPACE.full(row.store, row.at(**dict.fromkeys(row.fields, "x")))
        for row in TABLE
        if user.actor not in row.access.writers or (user.actor is Actor.NODE and "node" in row.fields)
    ]
    if user.actor is not Actor.OPERATOR:
        addresses += [f"$JS.API.STREAM.{verb}.DELLM" for verb in ("CREATE", "UPDATE", "DELETE")]
        addresses += ["$JS.API.CONSUMER.CREATE.DELLM.x.dellm.task.>", "$JS.API.CONSUMER.DURABLE.CREATE.DELLM.x"]
        addresses += ["$JS.API.STREAM.MSG.DELETE.DELLM", "$JS.API.STREAM.NAMES"]
        if not any(user.actor in row.access.scanners for row in TABLE if row.store is Store.STREAM):
            addresses.append("$JS.API.STREAM.MSG.GET.DELLM")  # who may scan the stream reads all of it anyway
        addresses += ["$JS.API.CONSUMER.MSG.NEXT.DELLM.node-n9", "$JS.ACK.DELLM.node-n9.1.1.1.1.1", "$SRV.PING"]
        removed = {SPACE.stream(row.store) for row in TABLE if user.actor in row.access.removers}
        addresses += [
            f"$JS.API.STREAM.PURGE.{SPACE.stream(store)}"
            for store in Store
            if store is not Store.CORE and SPACE.stream(store) not in removed
        ]
    return addresses


@pytest.mark.parametrize("user", USERS, ids=lambda user: user.name)
async def test_what_is_not_of_a_role_is_refused_and_told_on_both_sides(user: User, secured: EmbeddedServer) -> None:
    unheard = [f"{other.inbox(SPACE)}.>" for other in USERS if other != user]
    if user.actor is not Actor.OPERATOR:
        unheard += [">", "dellm.>", "$JS.>", "$KV.>", "dellm.query"] if user.actor is not Actor.DECOMPOSER else [">"]
    if user.actor not in (Actor.OPERATOR, Actor.OBSERVER):
        unheard.append("event.>")
    unwritten = subjects_to_write(user)
    with logged() as told:
        async with as_user(secured, file_of(user.actor, user.name).removesuffix(".nk")) as bus:
            for address in unwritten:
                await bus.client.publish(address, b"{}")
            for address in unheard:
                await bus.client.subscribe(address)
            await bus.flush()
            wanted = {row.lower() for row in (*unwritten, *unheard)}
            await wait_until(lambda: wanted <= bus.forbidden, f"all is refused, {wanted - bus.forbidden} too")
    lines = [json.loads(line) for line in told.getvalue().splitlines()]
    here = {line["subject"] for line in lines if line["event"] == "nats.forbidden"}
    assert wanted <= here
    there = "\n".join(violations(secured))
    assert all(f'Subject "{address}"' in there for address in (*unwritten, *unheard))


async def test_what_may_not_be_written_is_an_error_at_once(secured: EmbeddedServer) -> None:
    async with cluster(secured.connection, SPACE, nodes=NODES), as_user(secured, "node-n1") as thief:
        async with asyncio.timeout(10):
            with pytest.raises(BusError, match=r"may not publish to dellm\.result\.q1\.0\.n2"):
                await thief.commit(Entry(RESULT, forged("n2")))


async def test_an_unknown_user_is_refused(secured: EmbeddedServer) -> None:
    for url in (secured.url, secured.url.replace("//", "//guest:wrong@")):
        with pytest.raises(BusError, match="Authorization Violation"):
            async with connect(url, space=SPACE, name="stranger", patience_s=10):
                pass


async def test_whoever_has_the_address_may_ask_and_nothing_else(secured: EmbeddedServer) -> None:
    async with cluster(secured.connection, SPACE, nodes=NODES), connect(secured.guest, space=SPACE, name="g") as bus:
        reply = await ask(bus, query())
        assert reply.status is Status.COMPLETE
        for address in ("dellm.plan.q1", "dellm.result.q1.0.n1", "$JS.API.STREAM.NAMES", "$SRV.PING"):
            await bus.client.publish(address, b"{}")
        await bus.client.subscribe("event.>")
        await wait_until(lambda: len(bus.forbidden) == 5, "it may not")
    assert secured.guest.rpartition("@")[0].rpartition(":")[2] not in str(secured.connection)


# --- a stolen key --------------------------------------------------------------------------------------------------

Attack = Callable[[Bus, Bus], Coroutine[Any, Any, None]]


async def _vote_as_another(thief: Bus, _: Bus) -> None:
    await thief.publish(RESULT, forged("n2"))


async def _vote_as_another_under_its_own_subject(thief: Bus, _: Bus) -> None:
    await thief.client.publish("dellm.result.q1.0.n1", msgspec.json.encode(forged("n2")))


async def _have_the_server_write(thief: Bus, _: Bus) -> None:
    """An acknowledgement, a task and a status come to whatever reply subject is named."""
    for state in (
        "dellm.assembled.q1",
        "dellm.answer.q1",
        "dellm.plan.q1",
        "dellm.deadline.q1",
        "dellm.result.q1.0.n2",
        "$KV.dellm_fitness.n2",
        "$KV.dellm_presence.n2",
    ):
        await thief.client.publish("dellm.result.q7.0.n1", b"{}", reply=state)
        for pull in (b'{"batch":1,"no_wait":true}', b'{"batch":1,"expires":100000000}'):
            await thief.client.publish("$JS.API.CONSUMER.MSG.NEXT.DELLM.node-n1", pull, reply=state)


async def _write_by_a_schedule(thief: Bus, _: Bus) -> None:
    for target in ("dellm.assembled.q1", "dellm.deadline.q1", "dellm.result.q1.0.n2"):
        headers = {"Nats-Schedule": "@at 2020-01-01T00:00:00Z", "Nats-Schedule-Target": target}
        await thief.client.publish("dellm.result.q7.0.n1", b'{"id": "q1"}', headers=headers)


async def _unschedule(thief: Bus, _: Bus) -> None:
    headers = {"Nats-Scheduler": "dellm.timer.q1", "Nats-Schedule-Next": "purge"}
    await thief.client.publish("dellm.result.q7.0.n1", b"{}", headers=headers)


async def _empty_the_stores(thief: Bus, _: Bus) -> None:
    for scope in ("all", "sub"):
        await thief.client.publish("dellm.result.q7.0.n1", b"{}", headers={"Nats-Rollup": scope})
        await thief.client.publish("$KV.dellm_presence.n1", b"{}", headers={"Nats-Rollup": scope})
    await thief.client.publish("$JS.API.STREAM.PURGE.DELLM", b"")


async def _stop(thief: Bus, _: Bus) -> None:
    await thief.client.publish("dellm.cancel.q1", b'{"id": "q1"}')


ATTACKS: tuple[Attack, ...] = (
    _vote_as_another,
    _vote_as_another_under_its_own_subject,
    _have_the_server_write,
    _write_by_a_schedule,
    _unschedule,
    _empty_the_stores,
    _stop,
)


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__.strip("_"))
async def test_a_stolen_node_key_cannot(attack: Attack, secured: EmbeddedServer) -> None:
    async with waiting_query(secured) as (deployed, asked, gate):
        before = await state_of(deployed.bus)
        async with as_user(secured, "node-n1") as thief:
            await attack(thief, deployed.bus)
            await thief.flush()
            await marker(deployed.bus, thief)
        assert not asked.done(), "the query is not stopped"
        after = await state_of(deployed.bus)
        assert {name: after.get(name) for name in before} == before, "nothing is gone or other than it was"
        assert not [name for name in after.keys() - before.keys() if not name.endswith(".n1") and ".dead." not in name]
        gate.opened.set()
        reply = await asked
    assert reply.status is Status.COMPLETE
    (chunk,) = reply.chunks
    assert "666" not in reply.answer
    assert all(vote.final != "666" for vote in chunk.votes)


async def test_a_stolen_node_key_reads_no_others_tasks(secured: EmbeddedServer) -> None:
    async with waiting_query(secured), as_user(secured, "node-n1") as thief:
        heard: list[str] = []

        async def on_message(msg: Msg) -> None:
            heard.append(msg.subject)

        inbox = thief.client.new_inbox()
        await thief.subscribe(f"{inbox}.>", on_message)
        forbidden = [
            "$JS.API.CONSUMER.MSG.NEXT.DELLM.node-n2",
            "$JS.API.DIRECT.GET.DELLM",
            "$JS.API.DIRECT.GET.DELLM.dellm.task.n2.q1.0",
            "$JS.API.DIRECT.GET.DELLM.dellm.plan.q1",
            "$JS.API.STREAM.MSG.GET.DELLM",
            "$JS.API.CONSUMER.CREATE.DELLM.spy.dellm.task.n2.>",
            "$JS.API.CONSUMER.CREATE.DELLM.node-n1.dellm.task.>",
        ]
        for number, address in enumerate(forbidden):
            await thief.client.publish(address, b'{"batch": 1}', reply=f"{inbox}.{number}")
        await wait_until(lambda: {subject.lower() for subject in forbidden} <= thief.forbidden, "all is refused")
        await thief.flush()
    assert not heard


async def test_a_client_writes_no_answer_and_spoils_no_id(secured: EmbeddedServer) -> None:
    async with cluster(secured.connection, SPACE, nodes=NODES) as deployed:
        async with as_user(secured, "client") as client:
            stored = Reply(id="q1", status=Status.COMPLETE, answer="666")
            await client.publish(ANSWER, stored)
            for address in ("dellm.assembled.q1", "dellm.plan.q1", "dellm.deadline.q1"):
                await client.client.publish(address, b"junk")
                await client.client.publish("dellm.feedback.q1", b"{}", reply=address)
                await client.client.publish("dellm.query", b"{}", reply=address)
            await client.flush()
            assert (await ask(client, query())).answer != "666"
        assert not [name for name in await state_of(deployed.bus) if "junk" in name]


async def test_an_answer_comes_to_its_client_alone(secured: EmbeddedServer) -> None:
    """Whoever asks gets the reply, also where the address names another's inbox."""
    async with cluster(secured.connection, SPACE, nodes=NODES), as_user(secured, "client") as victim:
        heard: list[bytes] = []

        async def on_message(msg: Msg) -> None:
            heard.append(msg.data)

        inbox = victim.client.new_inbox()
        await victim.subscribe(inbox, on_message)
        await victim.flush()
        async with connect(secured.guest, space=SPACE, name="g") as other:
            await other.client.publish("dellm.query", json.dumps({"query": ASKED, "id": "q5"}).encode(), reply=inbox)
            await other.flush()
            assert (await ask(other, query("q6"))).status is Status.COMPLETE
        await victim.flush()
    assert not heard


async def state_of(bus: Bus) -> dict[str, int]:
    """Give the sequence of every message of the stores, but for what passes by itself: heartbeats."""
    found: dict[str, int] = {}
    for row in TABLE:
        if row.store is not Store.CORE and row is not PRESENCE:
            for name, stored in (
                (SPACE.full(row.store, row.name(stored.message)), stored)
                for stored in (await bus.read((row, row.at())))[row]
            ):
                found[name] = stored.sequence
    info = await bus.client.jetstream().stream_info(SPACE.stream(Store.STREAM), subjects_filter=">")
    found |= {name: found.get(name, -1) for name in info.state.subjects or ()}
    nodes = (await bus.read((PRESENCE, PRESENCE.at())))[PRESENCE]
    return found | {f"$KV.{stored.message.node}": 0 for stored in nodes}


async def marker(operator: Bus, thief: Bus) -> None:
    """Wait until what the thief sent, and what schedules fire, has been seen to: a last write of its own is stored."""
    last = forged("n1", "marker")
    await thief.commit(Entry(RESULT, last))

    async def stored() -> bool:
        return await operator.last(RESULT, id="marker", chunk=0, node="n1") is not None

    await wait_until(stored, "the server has come to the end")
    await asyncio.sleep(0.5)  # a schedule fires within 250 ms, and a pull that waits ends within 100
