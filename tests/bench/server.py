"""The contender `llama-server`: a client in the manner of OpenAI's over loopback, and as many slots as clients."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from functools import partial

from tests.bench.jobs import SYSTEM, Answer, Contender, Job, temperature

HOST = "127.0.0.1"
REQUEST_S = 600.0


@asynccontextmanager
async def llama_server(job: Job) -> AsyncIterator[Contender]:
    """Start the server, give it to be asked, stop it."""
    with _running(job) as port, ThreadPoolExecutor(job.concurrency) as pool:
        computed: list[int] = []

        async def ask(prompt: str, seed: int | None) -> Answer:
            work = partial(_complete, port, _body(job, prompt, seed), time.perf_counter(), computed.append)
            return await asyncio.get_running_loop().run_in_executor(pool, work)

        yield Contender(ask=ask, counters=lambda: {"prefill_tokens_computed": sum(computed)})


@contextmanager
def _running(job: Job) -> Iterator[int]:
    assert job.llama_server is not None
    with socket.socket() as free:
        free.bind((HOST, 0))
        port: int = free.getsockname()[1]
    flags = {
        "--model": job.model,
        "--ctx-size": job.context_tokens * job.slots,
        "--parallel": job.slots,
        "--threads": job.threads,
        "--threads-batch": job.threads,
        "--host": HOST,
        "--port": port,
    }
    command = [job.llama_server, *(str(word) for flag in flags.items() for word in flag)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for_health(port, process)
        yield port
    finally:
        process.terminate()
        process.wait(30)


def _wait_for_health(port: int, process: subprocess.Popen[bytes], timeout_s: float = 120) -> None:
    give_up_at = time.monotonic() + timeout_s
    while time.monotonic() < give_up_at:
        if process.poll() is not None:
            sys.exit(f"llama-server ended with {process.returncode}")
        try:
            connection = http.client.HTTPConnection(HOST, port, timeout=5)
            connection.request("GET", "/health")
            if connection.getresponse().status == http.HTTPStatus.OK:
                return
        except OSError:
            pass
        time.sleep(0.1)
    sys.exit("llama-server does not become healthy")


def _body(job: Job, prompt: str, seed: int | None) -> bytes:
    body = {
        "messages": [{"role": "system", "content": SYSTEM}, {"role": "user", "content": prompt}],
        "max_tokens": job.max_tokens,
        "temperature": temperature(seed),
        "seed": seed or 0,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    return json.dumps(body).encode()


def _complete(port: int, body: bytes, started: float, on_prefill: Callable[[int], None]) -> Answer:
    """Ask, and read the stream to its end; `on_prefill` gets the prompt tokens that were computed."""
    connection = http.client.HTTPConnection(HOST, port, timeout=REQUEST_S)
    connection.request("POST", "/v1/chat/completions", body, {"Content-Type": "application/json"})
    response = connection.getresponse()
    if response.status != http.HTTPStatus.OK:
        sys.exit(f"llama-server: {response.status} {response.read()[:200]!r}")
    first_at, usage, computed = 0.0, {"prompt_tokens": 0, "completion_tokens": 0}, 0
    for line in response:
        if not line.startswith(b"data: {"):
            continue
        event = json.loads(line.removeprefix(b"data: "))
        if error := event.get("error"):
            sys.exit(f"llama-server: {error['message']}")
        if not first_at and any(choice["delta"].get("content") for choice in event["choices"]):
            first_at = time.perf_counter()
        usage = event.get("usage") or usage
        if timings := event.get("timings"):  # of the whole request, where they come more than once
            computed = timings["prompt_n"]
    ended = time.perf_counter()
    connection.close()
    on_prefill(computed)
    return Answer(
        first_s=(first_at or ended) - started,
        latency_s=ended - started,
        prompt_tokens=usage["prompt_tokens"],
        completion_tokens=usage["completion_tokens"],
    )
