"""SIGKILL of a gateway, of the node that writes and of nats-server, while a response is streamed; and SIGTERM."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from schemas.subjects import Space
from services.runtime.server import EmbeddedServer
from tests.chaos.processes import processes
from tests.chaos.test_kill import SERVICES, restart
from tests.support import wait_until

NUM_SEEN = 12
BODY = {"model": "dellm", "input": "Write a poem about the sea.", "stream": True, "background": True}


@dataclass
class Gateway:
    """A gateway as a process of its own."""

    url: str
    process: asyncio.subprocess.Process

    async def kill(self) -> None:
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGKILL)
        await self.process.wait()


@asynccontextmanager
async def gateway(server: EmbeddedServer, space: Space) -> AsyncIterator[Gateway]:
    environment = {"DELLM_LOG": os.environ.get("DELLM_LOG", "error"), "PATH": "", "PYTHONPATH": str(Path.cwd())}
    command = [sys.executable, "-m", "services", "gateway", "--nats", server.url, "--prefix", space.prefix]
    process = await asyncio.create_subprocess_exec(*command, env=environment, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    started = Gateway((await process.stdout.readline()).decode().strip(), process)
    try:
        yield started
    finally:
        await started.kill()


async def events_of(stream: httpx.Response) -> AsyncIterator[dict[str, Any]]:
    async for line in stream.aiter_lines():
        if line.startswith("data: {"):
            yield json.loads(line.removeprefix("data: "))


async def streamed(client: httpx.AsyncClient, address: str, after: int = -1) -> list[dict[str, Any]]:
    async with client.stream("GET", f"{address}?stream=true&starting_after={after}") as stream:
        assert stream.status_code == 200
        return [event async for event in events_of(stream)]


@pytest.mark.timeout(120)
@pytest.mark.parametrize("victim", ["gateway", "node", "nats-server"])
async def test_a_stream_goes_on_with_the_same_numbers(victim: str, own_server: EmbeddedServer) -> None:
    space = Space("chaos")
    async with (
        processes(own_server.url, space, SERVICES) as (services, _),
        gateway(own_server, space) as one,
        gateway(own_server, space) as other,
        httpx.AsyncClient(timeout=60) as client,
    ):
        seen: list[dict[str, Any]] = []
        async with client.stream("POST", f"{one.url}/v1/responses", json=BODY) as stream:
            address = f"{other.url}/v1/responses/resp_{stream.headers['x-request-id']}"
            events = events_of(stream)
            while len(seen) < NUM_SEEN:
                seen.append(await anext(events))
            writer = seen[-1]["delta"].strip().rpartition("-")[0]
            if victim == "gateway":
                await one.kill()
            elif victim == "node":
                await services.kill(writer)
            else:
                await restart(own_server)
            live = [event async for event in events] if victim != "gateway" else []

        async def there() -> bool:
            return (await client.get(address)).status_code == 200

        await wait_until(there, "the response can be fetched", within_s=30)
        rest = await streamed(client, address, seen[-1]["sequence_number"])
        again = await streamed(client, address)
        shown = (await client.get(address)).json()

    assert again == seen + rest
    assert live in ([], rest), "who stays connected hears the same"
    assert live or victim == "gateway"
    assert [event["sequence_number"] for event in again] == list(range(len(again)))
    assert shown == again[-1]["response"]
    assert shown["status"] == "completed"
    deltas: dict[int, str] = {}
    for event in again:
        if event["type"] == "response.output_text.delta":
            deltas[event["output_index"]] = deltas.get(event["output_index"], "") + event["delta"]
    answer = deltas[max(deltas)]
    assert shown["output"][0]["content"][0]["text"] == answer
    assert len(deltas) == 1 or victim == "node"
    if victim == "node":
        assert not answer.startswith(writer), "another node wrote it anew"


@pytest.mark.timeout(60)
async def test_sigterm_lets_a_stream_end(own_server: EmbeddedServer) -> None:
    space = Space("chaos")
    async with (
        processes(own_server.url, space, SERVICES),
        gateway(own_server, space) as one,
        httpx.AsyncClient(timeout=30) as client,
    ):
        body = {"model": "dellm", "messages": [{"role": "user", "content": BODY["input"]}], "stream": True}
        async with client.stream("POST", f"{one.url}/v1/chat/completions", json=body) as stream:
            lines = stream.aiter_lines()
            async for line in lines:
                if '"content":"node' in line:
                    break
            one.process.terminate()

            async def unready() -> bool:
                return (await client.get(f"{one.url}/readyz")).status_code == 503

            await wait_until(unready, "it is not ready")
            rest = [line async for line in lines if line]
        assert rest[-1] == "data: [DONE]"
        assert '"finish_reason":"stop"' in rest[-2]
        assert await asyncio.wait_for(one.process.wait(), 10) == 0
