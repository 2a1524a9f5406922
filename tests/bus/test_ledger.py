"""The ledger on a real nats-server: what the server copies there, for how long, and who may read it."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest

from schemas.commands import Feedback, Query
from schemas.subjects import ASSEMBLED, FEEDBACK, SEALED, Space, Store
from schemas.terms import Policy, Status
from services.ledger.hashed import hash_of
from services.ledger.kept import Kept, put_together
from services.runtime.bus import Bus, connect
from services.runtime.client import ask, give_feedback
from services.runtime.ledger import find_ledger, read_ledger
from services.runtime.lifecycle import Service
from services.runtime.limits import Limits
from services.runtime.patience import patient_until
from services.runtime.provision import provision
from services.runtime.server import EmbeddedServer, embedded_server
from services.runtime.wire import BusError, Entry
from services.trainer.config import TrainerConfig
from services.trainer.service import trainer
from tests.dellm import dellm
from tests.support import Cluster, ScriptedEngine, cluster, saying, wait_until

PERU = "What is the capital of Peru?"
TWO_NODES = Policy(replicas=2, max_replicas=2, early=False)


async def kept(bus: Bus, since: float = 0.0) -> list[Kept]:
    return put_together([stored.message async for _, stored in read_ledger(bus, since)])


@asynccontextmanager
async def deployed(server: EmbeddedServer, space: Space) -> AsyncIterator[Cluster]:
    """Run a deployment whose two nodes disagree."""
    services = ("decomposer", "assembler", "synthesizer")
    async with cluster(
        server.url, space, nodes=["n1"], services=services, engine=ScriptedEngine(saying("Lima."))
    ) as made:
        await made.add_node("n2", ScriptedEngine(saying("Quito.")))
        config = TrainerConfig(ledger_look_s=0.05)
        await made.start(Service("trainer", partial(trainer, config=config)))
        yield made


async def test_a_query_is_on_record_when_the_streams_have_forgotten_it(server: EmbeddedServer, space: Space) -> None:
    async with deployed(server, space) as made:
        bus = made.bus
        reply = await ask(bus, Query(query=PERU, id="q1", policy=TWO_NODES))
        await give_feedback(bus, Feedback(id="q1", answer="Lima"))
        await wait_until(lambda: has_both(bus), "answer and feedback are on record")
        for store in (Store.STREAM, Store.CLAIMS):
            await bus.client.jetstream().purge_stream(space.stream(store))
        (found,) = await kept(bus)
        config = (await bus.client.jetstream().stream_info(space.stream(Store.LEDGER))).config
    assert (found.query, found.answer, found.status) == (PERU, reply.answer, Status.COMPLETE)
    assert found.chunks == reply.chunks
    assert {vote.final for vote in found.chunks[0].votes} == {"Lima", "Quito"}
    assert found.feedback == [Feedback(id="q1", answer="Lima")]
    assert (config.compression, config.max_age) == ("s2", 7 * 86_400)


async def has_feedback(bus: Bus) -> bool:
    return any(one.feedback for one in await kept(bus))


async def has_both(bus: Bus) -> bool:
    return any(one.feedback and one.answer for one in await kept(bus))


async def test_each_part_s_feedback_is_kept_though_the_stream_keeps_the_last_only(bus: Bus) -> None:
    await provision(bus)
    await bus.publish(FEEDBACK, Feedback(id="q0", good=True))
    await wait_until(lambda: holds(bus, 1), "the server copies")
    for chunk in range(3):
        await bus.commit(Entry(FEEDBACK, Feedback(id="q1", chunk=chunk, good=True)))
    await wait_until(lambda: holds(bus, 4), "all of it is copied")
    said = [stored.message async for _, stored in read_ledger(bus) if stored.message.id == "q1"]
    assert [feedback.chunk for feedback in said] == [0, 1, 2]


async def holds(bus: Bus, num: int) -> bool:
    ledger = await find_ledger(bus)
    return ledger is not None and ledger.messages == num


async def test_many_are_read_in_batches_and_from_a_time_on(bus: Bus) -> None:
    await provision(bus)
    for number in range(1201):
        await bus.publish(FEEDBACK, Feedback(id=f"q{number}", good=True))
    await wait_until(lambda: holds(bus, 1201), "all are copied")
    ids = [stored.message.id async for _, stored in read_ledger(bus)]
    assert ids == [f"q{number}" for number in range(1201)]
    assert [stored async for _, stored in read_ledger(bus, time.time() + 60)] == []


async def test_without_texts_decisions_and_hashes_are_kept(server: EmbeddedServer, space: Space, bus: Bus) -> None:
    await provision(bus, Limits(ledger_text=False))
    async with deployed(server, space) as made:
        await ask(made.bus, Query(query=PERU, id="q1", policy=TWO_NODES))
        await give_feedback(made.bus, Feedback(id="q1", answer="The answer is Lima."))
        await wait_until(lambda: has_feedback(bus), "the feedback is on record")
        raw = b"".join([stored.payload async for _, stored in read_ledger(bus)])
        (found,) = await kept(bus)
    for word in (b"Lima", b"Quito", b"Peru", b"capital"):
        assert word not in raw
    assert found.hashed
    assert (found.query, found.status, found.kinds) == (hash_of(PERU), Status.COMPLETE, ["fact"])
    (chunk,) = found.chunks
    assert len({vote.final for vote in chunk.votes}) == 2
    winning = {vote.final for vote in chunk.votes if vote.won}
    assert winning == {chunk.final}
    assert found.feedback[0].answer in {vote.final for vote in chunk.votes}


async def test_the_ledger_is_off_until_it_is_wanted_again(bus: Bus) -> None:
    await provision(bus)
    await bus.publish(FEEDBACK, Feedback(id="q1", good=True))
    await wait_until(lambda: holds(bus, 1), "it is copied")
    await provision(bus, Limits(ledger_days=0))
    off = await find_ledger(bus)
    await provision(bus)  # as any service does when it starts
    still = await find_ledger(bus)
    assert off is not None
    assert (off.days, off.messages) == (0, 0)
    assert still == off
    await provision(bus, Limits(ledger_days=2, ledger_max_bytes=2**20))
    await bus.publish(FEEDBACK, Feedback(id="q2", good=True))

    async def again() -> bool:
        return "q2" in [stored.message.id async for _, stored in read_ledger(bus)]

    await wait_until(again, "it is on again")
    on = await find_ledger(bus)
    assert on is not None
    assert (on.days, on.max_bytes, on.text) == (2, 2**20, True)


async def test_a_ledger_that_vanished_is_made_again(server: EmbeddedServer, space: Space) -> None:
    async with deployed(server, space) as made:
        await made.bus.client.jetstream().delete_stream(space.stream(Store.LEDGER))

        async def is_back() -> bool:
            return await find_ledger(made.bus) is not None

        await wait_until(is_back, "a service has made it again")


async def test_texts_that_may_be_kept_no_longer_are_removed(bus: Bus) -> None:
    await provision(bus)
    await bus.publish(FEEDBACK, Feedback(id="q1", answer="a secret"))
    await wait_until(lambda: holds(bus, 1), "it is copied")
    await provision(bus, Limits(ledger_text=False))
    assert await holds(bus, 0)
    await provision(bus, Limits(ledger_days=0))
    await provision(bus, Limits(ledger_days=1))
    ledger = await find_ledger(bus)
    assert ledger is not None
    assert not ledger.text, "what was said of texts holds while the ledger is off, too"


async def test_what_the_streams_are_told_of_a_message_does_not_end_it_in_the_ledger(bus: Bus, space: Space) -> None:
    await provision(bus)
    address, body = space.full(ASSEMBLED.store, ASSEMBLED.at(id="q1")), b'{"id": "q1"}'
    timer = space.full(Store.STREAM, "timer.q1")
    headers = {"Nats-TTL": "1s", "Nats-Scheduler": timer, "Nats-Schedule-Next": "purge"}
    await bus.client.jetstream().publish(address, body, headers=headers)
    await wait_until(lambda: holds(bus, 1), "it is copied")

    async def gone() -> bool:
        return await bus.last(ASSEMBLED, id="q1") is None

    await wait_until(gone, "the stream has forgotten it")
    assert await holds(bus, 1)


@pytest.mark.parametrize("name", ["client", "gateway", "assembler"])
async def test_the_record_is_for_the_operator(tmp_path: Path, name: str) -> None:
    async with embedded_server(tmp_path, Space(), ("n1",)) as server:
        async with connect(server.connection.for_user("operator"), space=Space(), name="operator") as operator:
            await provision(operator)
            assert await kept(operator) == []
        connection = server.connection.for_user(name) if name != "client" else server.guest
        async with connect(connection, space=Space(), name=name) as other:
            with patient_until(time.time() + 5), pytest.raises(BusError, match="ledger"):
                await kept(other)


async def test_the_trainer_writes_records_where_users_have_keys(tmp_path: Path) -> None:
    async with embedded_server(tmp_path, Space(), ("n1",)) as server:
        async with connect(server.connection.for_user("operator"), space=Space(), name="operator") as operator:
            await provision(operator, Limits(ledger_text=False), nodes=["n1"])
        async with cluster(server.connection, Space(), nodes=["n1"]) as made:
            await ask(made.bus, Query(query=PERU, id="q1"))
            await give_feedback(made.bus, Feedback(id="q1", good=True))
            await wait_until(lambda: has_feedback(made.bus), "it is on record")
            assert await made.bus.last(SEALED, id="q1") is not None
        assert "Permissions Violation" not in (server.folder / "nats.log").read_text()


async def test_the_history_command(server: EmbeddedServer, space: Space, tmp_path: Path) -> None:
    command = ("history", "--nats", server.url, "--prefix", space.prefix)
    async with deployed(server, space) as made:
        await ask(made.bus, Query(query=PERU, id="first-1", policy=TWO_NODES))
        await ask(made.bus, Query(query="Write a poem about Peru.", id="second-2"))
        await give_feedback(made.bus, Feedback(id="first-1", answer="Lima"))
        await wait_until(lambda: has_feedback(made.bus), "the feedback is on record")
        listed = await dellm(*command, cwd=tmp_path)
        rows = await dellm(*command, "--json", "--kind", "fact", "--with-feedback", "--since", "1h", cwd=tmp_path)
        one = await dellm(*command, "fir", cwd=tmp_path)
        none = await dellm(*command, "--contains", "Chile", cwd=tmp_path)
        exported = await dellm(*command, "--export", "all.jsonl", cwd=tmp_path)
        parquet = await dellm(*command, "--export", "all.parquet", cwd=tmp_path)
        odd = await dellm(*command, "--export", "all.csv", cwd=tmp_path)
        wrong = await dellm(*command, "--since", "yesterday", cwd=tmp_path)
    assert listed.code == 0, listed.err
    assert [line.split()[2] for line in listed.out.splitlines()[1:]] == ["first-1", "second-2"]
    (row,) = map(json.loads, rows.out.splitlines())
    assert (row["id"], row["feedback"][0]["answer"]) == ("first-1", "Lima")
    assert "n2" in one.out
    assert "right is Lima" in one.out
    assert (none.code, none.out) == (0, "")
    assert exported.code == 0, exported.err
    assert len((tmp_path / "all.jsonl").read_text().splitlines()) == 2
    assert parquet.code == 0, parquet.err
    assert (odd.code, wrong.code) == (1, 64)
    assert "yesterday" in wrong.err
    assert read_parquet(tmp_path / "all.parquet") == ["first-1", "second-2"]


def read_parquet(path: Path) -> list[str]:
    from pyarrow import parquet  # noqa: PLC0415  # slow to import

    table = parquet.read_table(path)
    votes = table.column("chunks").to_pylist()[0][0]["votes"]
    assert {vote["final"] for vote in votes} == {"Lima", "Quito"}
    return list(table.column("id").to_pylist())
