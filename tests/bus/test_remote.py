"""Models of servers: what is sent, what is done where a server fails, and another DELLM as one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from models.engine import GrammarError, ModelError, PromptTooLong, Request, turns
from models.reference import RemoteModel
from models.remote import ATTEMPTS, RemoteEngine
from models.server import Unreachable
from schemas.commands import Query
from schemas.subjects import PRESENCE, Space
from schemas.terms import Status
from services.runtime.bus import Bus
from services.runtime.client import ask
from services.runtime.server import EmbeddedServer
from tests.door import served
from tests.model_server import HEAD, Write, event, model_server, refusal, saying
from tests.servers import free_port
from tests.support import ScriptedEngine, cluster, wait_until
from tests.support import saying as script


def request(model: RemoteModel, **options: Any) -> Request:
    usual: dict[str, Any] = {"model": model, "messages": turns("", "Hi"), "max_tokens": 8}
    return Request(**(usual | options))


@asynccontextmanager
async def remote() -> AsyncIterator[RemoteEngine]:
    engine = RemoteEngine()
    try:
        yield engine
    finally:
        await engine.close()


async def test_an_answer_comes_in_pieces() -> None:
    async def answer(_: dict[str, Any], write: Write) -> None:
        await write(HEAD + b": a comment\n\n" + event("Li"))
        await write(event("ma") + event(finish="stop") + b"data: [DONE]\n\n")

    async with model_server(answer) as server, remote() as engine:
        await engine.load(server.model)
        pieces: list[str] = []
        done = await engine.complete(request(server.model), pieces.append)
        assert (done.text, done.finish, done.logprob) == ("Lima", "stop", None)
        assert "".join(pieces) == "Lima"
        stats = engine.stats()[server.model]
        assert (stats.requests, stats.generated_tokens, stats.running) == (1, 2, 0)
        assert engine.down() == {}


async def test_cancelling_ends_the_request() -> None:
    begun = asyncio.Event()

    async def answer(_: dict[str, Any], write: Write) -> None:
        await write(HEAD + event("One"))
        begun.set()
        await asyncio.Event().wait()

    async with model_server(answer) as server, remote() as engine:
        work = asyncio.create_task(engine.complete(request(server.model)))
        await asyncio.wait_for(begun.wait(), 10)
        work.cancel()
        await asyncio.wait_for(server.left.wait(), 10)
        with pytest.raises(asyncio.CancelledError):
            await work


async def test_what_there_is_at_the_deadline_counts() -> None:
    async def answer(_: dict[str, Any], write: Write) -> None:
        await write(HEAD + event("One"))
        await asyncio.Event().wait()

    async with model_server(answer) as server, remote() as engine:
        done = await engine.complete(request(server.model, deadline_at=time.time() + 0.5))
        assert (done.text, done.finish) == ("One", "deadline")
        await asyncio.wait_for(server.left.wait(), 10)


async def test_a_busy_server_is_asked_again() -> None:
    async def answer(_: dict[str, Any], write: Write) -> None:
        if len(server.asked) < ATTEMPTS:
            await write(refusal(503, "loading"))
        else:
            await saying("Lima")({}, write)

    async with model_server(answer) as server, remote() as engine:
        assert (await engine.complete(request(server.model))).text == "Lima"
        assert len(server.asked) == ATTEMPTS
        assert engine.down() == {}


async def test_what_is_not_taken_is_left_out_for_good_and_the_rest_is_refused() -> None:
    async def answer(body: dict[str, Any], write: Write) -> None:
        for name in ("logprobs", "seed"):
            if name in body:
                return await write(refusal(400, f"`{name}` is not supported"))
        return await saying("Lima")({}, write)

    async with model_server(answer) as server, remote() as engine:
        assert (await engine.complete(request(server.model))).text == "Lima"
        assert (await engine.complete(request(server.model))).text == "Lima"
        assert [("logprobs" in body, "top_k" in body) for body in server.asked] == [(True, False)] + [
            (False, False)
        ] * 2
        with pytest.raises(ModelError, match="`seed` is not supported"):
            await engine.complete(request(server.model, temperature=1.0))
        assert engine.down() == {}


async def test_a_prompt_that_is_too_long_and_a_grammar_are_refused() -> None:
    async def answer(_: dict[str, Any], write: Write) -> None:
        await write(refusal(400, "This model's maximum context length is 16 tokens"))

    async with model_server(answer) as server, remote() as engine:
        with pytest.raises(PromptTooLong, match="maximum context length"):
            await engine.complete(request(server.model))
        with pytest.raises(GrammarError, match="takes a JSON schema"):
            await engine.complete(request(server.model, grammar='root ::= "a"'))


@pytest.mark.parametrize("content", [b"<html>", HEAD + b"data: {\n\n"])
async def test_what_is_no_completion_is_told_and_takes_nothing_down(content: bytes) -> None:
    async def answer(_: dict[str, Any], write: Write) -> None:
        await write(content if content.startswith(b"HTTP") else HEAD.replace(b"event-stream", b"html") + content)

    async with model_server(answer) as server, remote() as engine:
        with pytest.raises(ModelError, match=r"m at http://127\.0\.0\.1"):
            await engine.complete(request(server.model))
        assert engine.down() == {}


async def test_a_server_that_breaks_off_is_down_until_it_answers() -> None:
    async def answer(_: dict[str, Any], write: Write) -> None:
        await write(HEAD + event("One"))

    async with model_server(answer) as server, remote() as engine:
        with pytest.raises(Unreachable, match="broke off"):
            await engine.complete(request(server.model))
        assert "broke off" in engine.down()[server.model]
        with pytest.raises(Unreachable):
            await engine.complete(request(server.model))
        assert len(server.asked) == 1
        await wait_until(lambda: not engine.down(), "the server is back")


async def test_a_key_goes_to_its_own_server_only(monkeypatch: pytest.MonkeyPatch) -> None:
    async with model_server(saying("Lima")) as server, model_server(saying("Lima")) as other, remote() as engine:
        monkeypatch.setenv(f"DELLM_KEY_127_0_0_1_{server.port}", "s3cret")
        for each in (server, other):
            await engine.load(each.model)
            await engine.complete(request(each.model))
        assert server.keys == ["bearer s3cret"] * 2
        assert other.keys == [None, None]


async def test_a_key_that_no_header_can_hold_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    async with model_server(saying("Lima")) as server, remote() as engine:
        monkeypatch.setenv(f"DELLM_KEY_127_0_0_1_{server.port}", "s3 cret\nx")
        with pytest.raises(ModelError, match="has characters that no key has") as raised:
            await engine.load(server.model)
        assert "s3" not in str(raised.value)


async def test_a_key_that_is_missing_is_named() -> None:
    async def answer(_: dict[str, Any], write: Write) -> None:
        await write(refusal(401, "no key"))

    async with model_server(answer) as server, remote() as engine:
        with pytest.raises(ModelError, match=f"set DELLM_KEY_127_0_0_1_{server.port}"):
            await engine.complete(request(server.model))


async def test_a_model_that_the_server_has_not_is_told_with_those_it_has() -> None:
    async with model_server(saying("Lima"), names=("a", "b")) as server, remote() as engine:
        with pytest.raises(ModelError, match="it has no such model; it has a, b"):
            await engine.load(server.model)


async def presence_of(bus: Bus, node: str) -> dict[str, str]:
    found = await bus.last(PRESENCE, node=node)
    assert found is not None
    return found.message.down


async def test_a_node_whose_server_dies_says_so_and_comes_back(server: EmbeddedServer, space: Space) -> None:
    """Its server dies in the middle of an answer; the query is answered by another node, and in time."""
    port, begun = free_port(), asyncio.Event()

    async def answer(_: dict[str, Any], write: Write) -> None:
        await write(HEAD + event("It is"))
        begun.set()
        await asyncio.Event().wait()

    async with cluster(server.url, space) as deployed, remote() as engine:

        async def is_down() -> bool:
            return list(await presence_of(deployed.bus, "n1")) == ["m"]

        async def is_up() -> bool:
            return await presence_of(deployed.bus, "n1") == {}

        await deployed.add_node_with("n1", engine, models=(RemoteModel(f"http://127.0.0.1:{port}/v1", "m"),))
        await wait_until(is_down, "the node says that its server is not there yet")
        async with model_server(answer, port=port):
            await wait_until(is_up, "the node says that its server is there")
            asking = asyncio.create_task(ask(deployed.bus, Query(query="Who wrote Emma?", id="q1", timeout_s=20)))
            await asyncio.wait_for(begun.wait(), 10)
            await deployed.add_node("n2", ScriptedEngine(script("Jane Austen wrote Emma.")))
        reply = await asking
        assert reply.status is Status.COMPLETE
        assert "Austen" in reply.answer
        await wait_until(is_down, "the node says that its server is gone")
        async with model_server(saying("Jane Austen wrote Emma."), port=port):
            await wait_until(is_up, "the node is back")


async def test_another_dellm_is_a_server(server: EmbeddedServer, space: Space) -> None:
    async with served(server, space, ScriptedEngine(script("Lima, since 1535."))) as (url, _), remote() as engine:
        model = RemoteModel(f"{url}/v1", "dellm-fast")
        await engine.load(model)
        pieces: list[str] = []
        asked = request(
            model, temperature=0.5, seed=3, stop=("\n\n",), messages=turns("", "What is the capital of Peru?")
        )
        done = await engine.complete(asked, pieces.append)
        assert (done.text.strip(), done.finish, done.logprob) == ("Lima, since 1535.", "stop", None)
        assert "".join(pieces) == done.text
        assert done.completion_tokens > 0
        with pytest.raises(ModelError, match="it has no such model"):
            await engine.load(RemoteModel(f"{url}/v1", "gpt-5"))
