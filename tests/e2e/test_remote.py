"""llama.cpp's own OpenAI-compatible server with real SmolLM2, as a node's model."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from models.engine import ModelError, Request, turns
from models.reference import RemoteModel
from models.remote import RemoteEngine
from schemas.commands import Query
from schemas.subjects import PRESENCE, Space
from schemas.terms import Status
from services.runtime.bus import Bus
from services.runtime.client import ask
from services.runtime.server import EmbeddedServer
from tests.servers import free_port
from tests.support import ScriptedEngine, cluster, saying, wait_until

ROOT = Path(__file__).parents[2]
TINY = ROOT / "models" / "smollm2-135m-instruct-q4_1.gguf"
KEY = "s3cret"
STORY = turns("", "Write a story about a lighthouse keeper, with many details.")
START_S = 60.0

pytestmark = pytest.mark.timeout(180)


@contextmanager
def llama_server(folder: Path, *options: str, port: int = 0) -> Iterator[tuple[RemoteModel, subprocess.Popen[bytes]]]:
    """Run the server while the body runs; the body waits until it answers."""
    port = port or free_port()
    command = [sys.executable, "-m", "llama_cpp.server", "--model", str(TINY), "--model_alias", "smollm2", *options]
    with (folder / f"server-{port}.log").open("ab") as log:
        process = subprocess.Popen(
            [*command, "--n_ctx", "1024", "--n_threads", "1", "--host", "127.0.0.1", "--port", str(port)],
            env={**os.environ, "PYTHONWARNINGS": "ignore"},
            stdout=log,
            stderr=log,
        )
    try:
        yield RemoteModel(f"http://127.0.0.1:{port}/v1", "smollm2"), process
    finally:
        process.kill()
        process.wait()


async def answers(model: RemoteModel, key: str = "") -> None:
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {key}"} if key else {}) as client:

        async def listed() -> bool:
            try:
                return (await client.get(f"{model.url}/models")).is_success
            except httpx.TransportError:
                return False

        await wait_until(listed, "the server answers", START_S)


@pytest.fixture(scope="module")
async def model(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RemoteModel]:
    with llama_server(tmp_path_factory.mktemp("llama")) as (model, _):
        await answers(model)
        yield model


@pytest.fixture
async def engine() -> AsyncIterator[RemoteEngine]:
    engine = RemoteEngine()
    yield engine
    await engine.close()


def request(model: RemoteModel, **options: Any) -> Request:
    usual: dict[str, Any] = {"model": model, "messages": turns("", "What is the capital of France?"), "max_tokens": 24}
    return Request(**(usual | options))


async def test_an_answer_has_pieces_figures_and_a_log_probability(engine: RemoteEngine, model: RemoteModel) -> None:
    await engine.load(model)
    pieces: list[str] = []
    done = await engine.complete(request(model), pieces.append)
    assert "".join(pieces) == done.text != ""
    assert len(pieces) > 2
    assert done.finish in ("stop", "length")
    assert done.logprob is not None
    assert -3 < done.logprob <= 0
    assert 0 < done.completion_tokens <= 24
    assert done.prompt_tokens > 8


async def test_what_a_client_says_of_the_generation_is_honoured(engine: RemoteEngine, model: RemoteModel) -> None:
    drawn: dict[str, Any] = {"messages": STORY, "temperature": 1.0, "top_k": 0, "min_p": 0.0}
    first = await engine.complete(request(model, seed=1, **drawn))
    again = await engine.complete(request(model, seed=1, **drawn))
    other = await engine.complete(request(model, seed=2, **drawn))
    assert first.text == again.text != other.text
    assert (first.finish, first.completion_tokens) == ("length", 24)
    cut = await engine.complete(request(model, messages=STORY, stop=(" ",)))
    assert (" " in cut.text.strip(), cut.finish) == (False, "stop")


async def test_a_schema_holds(engine: RemoteEngine, model: RemoteModel) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    done = await engine.complete(request(model, max_tokens=64, grammar="root ::= x", json_schema=json.dumps(schema)))
    assert isinstance(json.loads(done.text)["n"], int)


async def test_a_request_that_is_cancelled_leaves_the_server_free(engine: RemoteEngine, model: RemoteModel) -> None:
    begun = asyncio.Event()
    long = request(model, messages=STORY, max_tokens=900)
    asking = asyncio.create_task(engine.complete(long, lambda _: begun.set()))
    await asyncio.wait_for(begun.wait(), START_S)
    asking.cancel()
    assert (await engine.complete(request(model))).text
    with pytest.raises(asyncio.CancelledError):
        await asking


async def test_a_server_with_a_key(tmp_path: Path, engine: RemoteEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    with llama_server(tmp_path, "--api_key", KEY) as (model, _):
        await answers(model, KEY)
        variable = f"DELLM_KEY_{model.url[len('http://') : -len('/v1')].replace('.', '_').replace(':', '_')}"
        with pytest.raises(ModelError, match=variable):
            await engine.complete(request(model))
        monkeypatch.setenv(variable, KEY)
        assert (await engine.complete(request(model))).text


async def models_down(bus: Bus, node: str) -> list[str] | None:
    found = await bus.last(PRESENCE, node=node)
    return None if found is None else list(found.message.down)


async def test_a_server_that_is_killed_in_the_middle(
    tmp_path: Path, server: EmbeddedServer, space: Space, engine: RemoteEngine
) -> None:
    port = free_port()
    story = Query(query="Write a story about a lighthouse keeper.", id="q1", timeout_s=30, max_tokens=800)
    async with cluster(server.url, space) as deployed:

        async def tells(names: list[str]) -> bool:
            return await models_down(deployed.bus, "n1") == names

        with llama_server(tmp_path, port=port) as (model, process):
            await answers(model)
            await deployed.add_node_with("n1", engine, models=(model,))
            asking = asyncio.create_task(ask(deployed.bus, story))
            await wait_until(lambda: any(stats.running for stats in engine.stats().values()), "the server works on it")
            await deployed.add_node("n2", ScriptedEngine(saying("Once there was a lighthouse.")))
            process.kill()
            reply = await asking
            assert reply.status is Status.COMPLETE
            assert reply.answer == "Once there was a lighthouse."
            await wait_until(lambda: tells(["smollm2"]), "the node says that its server is gone")
        with llama_server(tmp_path, port=port):
            await wait_until(lambda: tells([]), "the node is back", START_S)
