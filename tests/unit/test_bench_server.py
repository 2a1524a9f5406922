"""The client of llama-server, against a stream as llama-server (of llama-cpp-python 0.3.36) writes it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tests.bench.jobs import Job
from tests.bench.server import _body, _complete


def delta(content: str | None) -> dict[str, object]:
    return {"choices": [{"index": 0, "finish_reason": None, "delta": {"role": "assistant", "content": content}}]}


TIMINGS = {"cache_n": 20, "prompt_n": 31, "predicted_n": 3}
ANSWERED: list[dict[str, object]] = [
    delta(None),
    {**delta("It is"), "timings": TIMINGS},
    delta(" 2."),
    {"choices": [{"index": 0, "finish_reason": "stop", "delta": {}}]},
    {"choices": [], "usage": {"prompt_tokens": 51, "completion_tokens": 3, "total_tokens": 54}, "timings": TIMINGS},
]


@pytest.fixture
def serve() -> Iterator[tuple[int, list[dict[str, object]], list[dict[str, object]]]]:
    """Give the port, the events that it will stream, and the bodies that it was sent."""
    events: list[dict[str, object]] = []
    bodies: list[dict[str, object]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b": ping\n\n")
            for event in events:
                self.wfile.write(b"data: %s\n\n" % json.dumps(event).encode())
            self.wfile.write(b"data: [DONE]\n\n")

        def log_message(self, *_: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port, events, bodies
        server.shutdown()
        thread.join()


JOB = Job(
    contender="llama-server",
    model="m.gguf",
    threads=2,
    max_tokens=64,
    concurrency=1,
    slots=1,
    context_tokens=512,
    prompts=[],
    warm_up="",
)


def test_counts_are_the_servers_and_timings_count_once(
    serve: tuple[int, list[dict[str, object]], list[dict[str, object]]],
) -> None:
    port, events, bodies = serve
    events += ANSWERED
    computed: list[int] = []
    answer = _complete(port, _body(JOB, "1 + 1?", 7), 0.0, computed.append)
    assert (answer.prompt_tokens, answer.completion_tokens, computed) == (51, 3, [31])
    assert 0 < answer.first_s <= answer.latency_s
    (body,) = bodies
    assert (body["seed"], body["temperature"], body["max_tokens"]) == (7, 0.8, 64)


def test_an_error_in_the_stream_is_told(serve: tuple[int, list[dict[str, object]], list[dict[str, object]]]) -> None:
    port, events, _ = serve
    events.append({"error": {"code": 500, "message": "context is full", "type": "server_error"}})
    with pytest.raises(SystemExit, match="context is full"):
        _complete(port, _body(JOB, "1 + 1?", None), 0.0, lambda _: None)
