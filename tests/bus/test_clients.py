"""What people use: OpenAI's client without asyncio, its retries, and the lines of README."""

from __future__ import annotations

import asyncio
import re
import shutil
from functools import partial
from pathlib import Path

import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam

from schemas.subjects import Space
from services.runtime.server import EmbeddedServer
from tests.door import openai_at, served
from tests.support import Gate, ScriptedEngine, saying

ASK: list[ChatCompletionMessageParam] = [{"role": "user", "content": "What is the capital of Peru?"}]
README = (Path(__file__).parents[2] / "README.md").read_text()
CURL_LINES = [line for line in README.splitlines() if line.startswith("curl ")]


async def test_the_client_without_asyncio(server: EmbeddedServer, space: Space) -> None:
    def use(url: str) -> tuple[str | None, str, str, list[str]]:
        with openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as client:
            whole = client.chat.completions.create(model="dellm", messages=ASK)
            with client.chat.completions.create(model="dellm", messages=ASK, stream=True) as stream:
                pieces = [chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices]
            response = client.responses.create(model="dellm", input="What is the capital of Peru?")
            names = [model.id for model in client.models.list()]
        return whole.choices[0].message.content, "".join(pieces), response.output_text, names

    async with served(server, space, ScriptedEngine(saying("Lima."))) as (url, _):
        whole, streamed, response, names = await asyncio.to_thread(use, url)
    assert whole == streamed == response == "Lima."
    assert "dellm" in names


async def test_a_retry_is_the_same_query(server: EmbeddedServer, space: Space) -> None:
    gate = Gate(saying("Lima."))
    engine = ScriptedEngine(gate)
    asked: list[object] = []

    async def note(request: object) -> None:
        asked.append(request)
        if len(asked) > 1:
            gate.opened.set()

    async with (
        served(server, space, engine) as (url, _),
        openai.DefaultAsyncHttpxClient(event_hooks={"request": [note]}) as plain,
        openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="none", max_retries=3, http_client=plain) as client,
    ):
        create = partial(client.chat.completions.create, model="dellm", messages=ASK)
        done = await create(timeout=1.0, extra_headers={"Idempotency-Key": "once"})
        num_generated = len(engine.asked)
        again = await create(extra_headers={"Idempotency-Key": "once"})
    assert done.choices[0].message.content == again.choices[0].message.content == "Lima."
    assert done.id == again.id
    assert len(asked) >= 3
    assert len(engine.asked) == num_generated == len({request.model for request in engine.asked})
    assert engine.cancelled == 0


async def test_what_is_not_there_yet_is_tried_again(server: EmbeddedServer, space: Space) -> None:
    async with (
        served(server, space, ScriptedEngine(saying("Lima.")), nodes=()) as (url, deployed),
        openai_at(url, max_retries=8) as client,
    ):
        asking = asyncio.create_task(client.chat.completions.create(model="dellm", messages=ASK))
        await deployed.add_node("n1", ScriptedEngine(saying("Lima.")))
        assert (await asking).choices[0].message.content == "Lima."


@pytest.mark.skipif(shutil.which("curl") is None or shutil.which("bash") is None, reason="there is no curl here")
@pytest.mark.parametrize("line", CURL_LINES)
async def test_a_line_of_readme(server: EmbeddedServer, space: Space, tmp_path: Path, line: str) -> None:
    async with served(server, space, ScriptedEngine()) as (url, _):
        (tmp_path / ".dellm").mkdir()
        (tmp_path / ".dellm" / "http").write_text(url)
        curl = await asyncio.create_subprocess_exec(
            "bash", "-c", f"set -e; {line} --fail --silent", cwd=tmp_path, stdout=asyncio.subprocess.PIPE
        )
        said, _ = await curl.communicate()
    assert curl.returncode == 0
    assert re.search(rb'"status":\s*"(complete|completed|queued|in_progress)"', said)


def test_readme_has_such_lines() -> None:
    assert len(CURL_LINES) >= 2
