"""Signed votes on a real server with users: what is not signed by its node does not count, and the record says so."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner
from msgspec import structs

from models import list_models
from schemas.commands import Query
from schemas.messages import Reply, Result
from schemas.plans import Plan, Task
from schemas.receipts import ModelFile
from schemas.subjects import LATE, PLAN, RESULT, Space
from schemas.terms import Policy, Status
from services.assembler.config import AssemblerConfig
from services.assembler.service import assembler
from services.cli.verify import verify
from services.node.config import NodeConfig
from services.node.service import node
from services.receipts.keys import NODES_FILE, format_keys, parse_keys
from services.receipts.signature import make_receipt
from services.receipts.statement import canonical, make_statement
from services.runtime.bus import Bus, connect
from services.runtime.client import ask
from services.runtime.keys import Identity, new_seed, read_key
from services.runtime.lifecycle import Deployment, Service, running
from services.runtime.server import EmbeddedServer, embedded_server
from services.runtime.supervision import CannotRun
from services.runtime.wire import Entry
from tests.records import said
from tests.support import SERVICES, Cluster, Gate, ScriptedEngine, cluster, wait_until

SPACE = Space()
NODES = ("n1", "n2")
TWO_PARTS = "Who wrote Emma, and what is the capital of Peru?"


@pytest.fixture
async def secured(tmp_path: Path) -> AsyncIterator[EmbeddedServer]:
    async with embedded_server(tmp_path / "data", SPACE, NODES) as started:
        yield started


def keys_of(server: EmbeddedServer) -> Path:
    assert server.keys is not None
    return server.keys


@asynccontextmanager
async def deployed(server: EmbeddedServer, node_keys: Path | None = None) -> AsyncIterator[Cluster]:
    """A deployment without nodes, in which only signed votes count."""
    services = [name for name in SERVICES if name != "assembler"]
    async with cluster(server.connection, SPACE, services=services, to_come=NODES) as started:
        config = AssemblerConfig(node_keys=node_keys or keys_of(server) / NODES_FILE)
        await started.start(Service("assembler", partial(assembler, config=config)))
        yield started


def query(id_: str = "q1", text: str = "Who wrote Emma?") -> Query:
    return Query(query=text, id=id_, timeout_s=20, policy=Policy(replicas=2, early=False))


def reported(reply: Reply, keys: Path, folder: Path) -> tuple[int, str]:
    """Give what `dellm verify` says of a reply, and its exit code."""
    file = folder / "reply.json"
    file.write_bytes(msgspec.json.encode(reply))
    done = CliRunner().invoke(verify, [str(file), "--keys", str(keys)])
    return done.exit_code, done.output


async def test_the_whole_pipeline_with_signatures_required(secured: EmbeddedServer, tmp_path: Path) -> None:
    async with deployed(secured) as started:
        for name in NODES:
            await started.add_node(name)
        reply = await ask(started.bus, query(text=TWO_PARTS))
    assert reply.status is Status.COMPLETE
    assert [{vote.node for vote in chunk.votes} for chunk in reply.chunks] == [set(NODES)] * 2
    assert not [chunk.missing for chunk in reply.chunks if chunk.missing]
    code, output = reported(reply, keys_of(secured), tmp_path)
    assert code == 0, output
    assert len(output.splitlines()) == 4 + 1, output
    assert "chunk 1: n1 holds: 'Who wrote Emma' (won), by a script from a (" in output
    assert "a (of unknown type, not hashed yet)" in output


def answer(server: EmbeddedServer, plan: Plan, by: Identity | None = None, **changes: object) -> Result:
    """Make n1's answer, signed by its own key or by another one."""
    chunk = plan.chunks[0]
    unsigned = Result(
        id=plan.id,
        chunk=0,
        node="n1",
        replica=0,
        started_at=1,
        latency_s=0.1,
        answers=[said("666")],
        chosen=0,
        confidence=0.99,
    )
    unsigned = structs.replace(unsigned, **changes)
    task = Task(
        id=unsigned.id, chunk=0, node="n1", text=chunk.text, kind=chunk.kind, replica=0, deadline_at=9, given=[]
    )
    by = by or read_key(keys_of(server) / "node-n1.nk")
    statement = canonical(make_statement(unsigned, task, [ModelFile(model="m")], "none"))
    return structs.replace(unsigned, receipt=make_receipt(statement, by.public, by.sign))


Forgery = Callable[[EmbeddedServer, Plan], Result]

FORGERIES: dict[str, tuple[Forgery, str]] = {
    "unsigned": (lambda server, plan: structs.replace(answer(server, plan), receipt=None), "it is not signed"),
    "another node's key": (
        lambda server, plan: answer(server, plan, read_key(keys_of(server) / "node-n2.nk")),
        "is not known as this node's",
    ),
    "unknown key": (lambda server, plan: answer(server, plan, Identity(new_seed())), "is not known as this node's"),
    "changed answer": (
        lambda server, plan: structs.replace(answer(server, plan), answers=[said("667")]),
        "signed with other answers",
    ),
    "changed confidence": (
        lambda server, plan: structs.replace(answer(server, plan), confidence=1.0),
        "signed with other confidence",
    ),
    "replayed": (
        lambda server, plan: structs.replace(answer(server, plan, id="q0"), id=plan.id),
        "signed for chunk 1 of query q0",
    ),
    "damaged signature": (
        lambda server, plan: _with_signature_of(answer(server, plan), answer(server, plan, latency_s=0.2)),
        "the signature does not hold",
    ),
}


def _with_signature_of(result: Result, other: Result) -> Result:
    assert result.receipt is not None
    assert other.receipt is not None
    return structs.replace(result, receipt=structs.replace(result.receipt, signature=other.receipt.signature))


@asynccontextmanager
async def n1_is_silent(server: EmbeddedServer) -> AsyncIterator[tuple[Cluster, asyncio.Task[Reply], Plan]]:
    """A query that both nodes were asked and n1 never answers."""
    gate = Gate()
    async with deployed(server) as started:
        await started.add_node("n1", ScriptedEngine(gate))
        await started.add_node("n2")
        asked = asyncio.create_task(ask(started.bus, query()))
        await asyncio.wait_for(gate.reached.wait(), 10)
        stored = await started.bus.last(PLAN, id="q1")
        assert stored is not None
        try:
            yield started, asked, stored.message
        finally:
            gate.opened.set()


async def publish(server: EmbeddedServer, result: Result) -> None:
    """Publish a result as n1 may."""
    async with as_n1(server) as thief:
        await thief.commit(Entry(RESULT, result))


@asynccontextmanager
async def as_n1(server: EmbeddedServer) -> AsyncIterator[Bus]:
    async with connect(server.connection.for_user("node-n1"), space=SPACE, name="thief") as bus:
        yield bus


@pytest.mark.parametrize("name", FORGERIES)
async def test_what_is_forged_does_not_count_and_the_record_says_why(name: str, secured: EmbeddedServer) -> None:
    forge, reason = FORGERIES[name]
    async with n1_is_silent(secured) as (_, asked, plan):
        await publish(secured, forge(secured, plan))
        reply = await asyncio.wait_for(asked, 10)
    assert reply.status is Status.COMPLETE
    (chunk,) = reply.chunks
    assert [vote.node for vote in chunk.votes] == ["n2"]
    (missing,) = chunk.missing
    assert (missing.node, missing.failed) == ("n1", True)
    assert missing.reason.startswith("not counted: ")
    assert reason in missing.reason
    assert "66" not in reply.answer


async def test_what_is_signed_counts(secured: EmbeddedServer, tmp_path: Path) -> None:
    """The same answer as in the forgeries, which therefore fail by what is forged alone."""
    async with n1_is_silent(secured) as (_, asked, plan):
        await publish(secured, answer(secured, plan))
        reply = await asyncio.wait_for(asked, 10)
    assert {vote.node for vote in reply.chunks[0].votes} == set(NODES)
    assert reported(reply, keys_of(secured), tmp_path)[0] == 0
    tampered = json.loads(msgspec.json.encode(reply))
    tampered["chunks"][0]["votes"][0]["final"] = "668"
    code, output = reported(msgspec.convert(tampered, Reply), keys_of(secured), tmp_path)
    assert code == 1
    assert "REFUSED: another answer was signed ('668')" in output


async def test_a_late_forgery_teaches_the_trainer_nothing(secured: EmbeddedServer) -> None:
    async with deployed(secured) as started:
        await started.add_node("n2")
        await ask(started.bus, query())
        stored = await started.bus.last(PLAN, id="q1")
        assert stored is not None
        honest = answer(secured, stored.message)
        await publish(secured, structs.replace(honest, confidence=1.0))
        await publish(secured, honest)

        async def late() -> bool:
            return bool((await started.bus.read((LATE, LATE.at(id="q1"))))[LATE])

        await wait_until(late, "the honest one comes to the trainer")
        (told,) = (await started.bus.read((LATE, LATE.at(id="q1"))))[LATE]
        assert told.message == honest


async def test_a_node_is_known_from_when_its_key_is_in_the_file(secured: EmbeddedServer, tmp_path: Path) -> None:
    known = parse_keys((keys_of(secured) / NODES_FILE).read_text())
    file = tmp_path / "nodes.pub"
    file.write_text(format_keys([]))
    async with deployed(secured, file) as started:
        await started.add_node("n1")
        refused = await ask(started.bus, query("q1"))
        assert refused.status is Status.FAILED
        assert refused.error is not None
        assert refused.error.message == "every node failed: not counted: no key of this node is known"
        new = tmp_path / "new"
        new.write_text(format_keys([("n1", next(iter(known["n1"])))]))
        new.replace(file)
        assert (await ask(started.bus, query("q2"))).status is Status.COMPLETE


async def test_an_assembler_without_its_file_says_so(secured: EmbeddedServer, tmp_path: Path) -> None:
    config = AssemblerConfig(node_keys=tmp_path / "none")
    async with cluster(secured.connection, SPACE, services=[], to_come=NODES):
        service = Service("assembler", partial(assembler, config=config))
        with pytest.raises(CannotRun, match="none: No such file"):
            async with running(service, Deployment(url=secured.connection, space=SPACE)):
                pass


async def test_a_model_file_that_was_changed_ends_its_node(secured: EmbeddedServer, tmp_path: Path) -> None:
    model = list_models()[-1]
    wrong = tmp_path / model.file
    wrong.write_bytes(b"GGUF of somebody")
    config = NodeConfig(id="n1", cluster="c", supercluster="s", models=(wrong,))
    service = Service("node.n1", partial(node, config=config, engine=ScriptedEngine()))
    async with cluster(secured.connection, SPACE, services=[], to_come=NODES):
        with pytest.raises(CannotRun, match=f"expected sha256 {model.sha256}"):
            async with asyncio.timeout(10), running(service, Deployment(url=secured.connection, space=SPACE)):
                await asyncio.Event().wait()
