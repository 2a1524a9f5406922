"""What is fed with wild inputs.  Each bad one is to be told once, in one line, soon; anything else is a fault."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout, suppress
from dataclasses import dataclass
from functools import cache, partial
from io import StringIO
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import click
import msgspec

from models.advice import advice
from models.catalogue import check_gguf, read_manifest
from models.engine import ModelError
from models.metadata import read_metadata
from schemas.commands import Query
from schemas.line import one_line
from schemas.subjects import TABLE, Space, Subject
from schemas.topology import TopologyError, load
from services.cli.main import dellm
from services.decomposer.cutting.cut import cut
from services.decomposer.request import claimed_id, parse
from services.evaluation.answers import appending, read_answers
from services.evaluation.questions import read_questions
from services.evaluation.rows import EvaluationError
from services.gateway.chat import read_chat
from services.gateway.errors import HttpError
from services.gateway.responses.request import read_response
from services.runtime.connection import Connection
from services.runtime.context import read_context
from services.runtime.keys import new_seed, read_key
from services.runtime.limits import LimitsError, load_limits
from services.runtime.refusal import Refusal
from services.runtime.replies import is_inbox
from services.runtime.wire import BusError, decode_at
from tests.fuzz.inputs import sample

MAX_LINE_CHARS = 2000
MAX_S = 5.0  # on a busy machine
ROOT = Path(__file__).parents[2]


class Fault(AssertionError):  # noqa: N818  # named for what it is
    """An input did what no input may do."""


@dataclass(frozen=True)
class Target:
    """`feed` is given an input; `seeds` are inputs from which wild ones are made."""

    name: str
    feed: Callable[[bytes], None]
    seeds: Sequence[bytes]


@contextmanager
def told(*errors: type[Exception]) -> Iterator[None]:
    """Have whatever is wrong be one of some errors, told in one line, and not too late."""
    began_at = time.monotonic()
    try:
        yield
    except errors as error:
        check_line(str(error))
    took_s = time.monotonic() - began_at
    if took_s > MAX_S:
        raise Fault(f"it took {took_s:.1f} s")


def check_line(text: str) -> None:
    """Raise a Fault unless a text is one line that a person can read."""
    if not text.strip():
        raise Fault("an error says nothing")
    if len(text.splitlines()) > 1 or not text.isprintable():
        raise Fault(f"an error is not one line: {text[:200]!r}")
    if len(text) > MAX_LINE_CHARS:
        raise Fault(f"an error has {len(text)} characters: {text[:200]!r}")


def _row(row: Subject[Any], payload: bytes) -> None:
    space = Space()
    address = space.full(row.store, row.at(**dict.fromkeys(row.fields, "1")))
    with told(msgspec.DecodeError):
        decode_at(address, payload, row)


def _query(payload: bytes) -> None:
    claimed_id(payload)
    is_inbox(payload.decode(errors="replace"), Space())
    with told(Refusal):
        _cut(parse(payload))


def _cut(query: Query) -> None:
    if len(query.text) < 2000:  # what is longer is cut in a process that is ended in time
        cut(query.text)


@cache
def _folder() -> Path:
    return Path(mkdtemp(prefix="dellm-fuzz-"))


def _file(name: str, payload: bytes) -> Path:
    path = _folder() / name
    path.write_bytes(payload)
    path.chmod(0o600)
    return path


def _topology(payload: bytes) -> None:
    with told(TopologyError):
        load(_file("topology.json", payload))


def _manifest(payload: bytes) -> None:
    with told(ModelError):
        read_manifest(_file("manifest.json", payload))


def _gguf(payload: bytes) -> None:
    path = _file("model.gguf", payload)
    with told(ModelError):
        check_gguf(path)
    with told(ValueError):
        read_metadata(path)
    advice(path)


def _limits(suffix: str, payload: bytes) -> None:
    with told(LimitsError):
        load_limits(_file(f"limits.{suffix}", payload))


def _questions(payload: bytes) -> None:
    with told(EvaluationError):
        read_questions(_file("questions.jsonl", payload))


def _answers(payload: bytes) -> None:
    path = _file("answers.jsonl", payload)
    with told(EvaluationError):
        read_answers(path)
    with told(EvaluationError), appending(path, policy=None, model=None):
        pass


def _connection(payload: bytes) -> None:
    with told(BusError):
        Connection.to(payload.decode(errors="replace"))


def _context(payload: bytes) -> None:
    folder = _folder() / "nats" / "context"
    folder.mkdir(parents=True, exist_ok=True)
    _file("nats/context/fuzz.json", payload)
    with told(ValueError):
        read_context("fuzz", {"XDG_CONFIG_HOME": str(_folder())})


def _key(payload: bytes) -> None:
    with told(ValueError):
        read_key(_file("user.nk", payload))


def _http(read: Callable[[bytes], Any], payload: bytes) -> None:
    with told(HttpError):
        read(payload)


_CONTEXT = click.Context(dellm)
COMMANDS = tuple(
    (name, *rest)
    for name in dellm.list_commands(_CONTEXT)
    for command in [dellm.get_command(_CONTEXT, name)]
    for rest in ([(sub,) for sub in command.commands] if isinstance(command, click.Group) else [()])
)


def _arguments(payload: bytes) -> None:
    """Read the arguments of a command, one a line, as `dellm` does, without doing what they ask for."""
    words = payload.decode(errors="surrogateescape").split("\n")
    with told(*_SAID), suppress(click.exceptions.Exit), _complaining():
        context: click.Context = dellm.make_context("dellm", words[:1], resilient_parsing=False)
        said = [*context._protected_args, *context.args, *words[1:]] or ["ask"]  # noqa: SLF001
        name, command, rest = dellm.resolve_command(context, said)
        assert command is not None
        command.make_context(name, rest, parent=context)


@contextmanager
def _complaining() -> Iterator[None]:
    """Say what is wrong as `dellm` does, and print no help."""
    try:
        with redirect_stdout(StringIO()):
            yield
    except click.ClickException as error:
        check_line(one_line(error.format_message()))


_SAID = (BusError, EvaluationError, ModelError, TopologyError)

_QUERY = json.dumps(
    {
        "query": "What is 15% of 240, and what is the capital of Peru?",
        "id": "a",
        "timeout_s": 30,
        "policy": {"vote": "sum", "replicas": 2, "early": True},
        "response_format": {"type": "json_schema", "schema": {"type": "object", "properties": {"a": {}}}},
        "stop": ["x"],
        "seed": 1,
    }
).encode()
_CHAT = json.dumps(
    {
        "model": "dellm",
        "messages": [{"role": "system", "content": "x"}, {"role": "user", "content": [{"type": "text", "text": "Hi"}]}],
        "max_tokens": 5, "temperature": 0.5, "n": 2, "stop": "x", "stream": True, "seed": 3,
        "response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object"}}},
    }
).encode()  # fmt: skip
_RESPONSE = json.dumps(
    {
        "model": "dellm", "input": [{"role": "user", "content": "Hi"}], "background": True, "stream": False,
        "previous_response_id": "resp_a", "text": {"format": {"type": "json_schema", "name": "a", "schema": {}}},
        "metadata": {"a": "b"}, "instructions": "Be brief.", "max_output_tokens": 9,
    }
).encode()  # fmt: skip
_LINES = b'{"id":"a","query":"What is 2+2?","gold":4}\n{"id":"b","query":"Who?","parts":[{"text":"W","gold":["A"]}]}\n'
_HEADER = (
    b"GGUF\x03\x00\x00\x00" + (1).to_bytes(8, "little") + (2).to_bytes(8, "little")
    + (4).to_bytes(8, "little") + b"name" + (8).to_bytes(4, "little") + (3).to_bytes(8, "little") + b"abc"
    + (1).to_bytes(8, "little") + b"l" + (9).to_bytes(4, "little") + (4).to_bytes(4, "little")
    + (2).to_bytes(8, "little") + bytes(8)
)  # fmt: skip
_KEY = f"# dellm client ann, replies come to _DELLM.client.ann\n{new_seed()}\n".encode()
_ARGUMENTS = tuple("\n".join(words).encode() for name in COMMANDS for words in (
    name, (*name, "--help"), (*name, "a"),
    (*name, "--nats", "nats://h:1", "--prefix", "x", "a"), (*name, "--data", "d"),
    (*name, "--vote", "sum", "--replicas", "2", "a", "b"), (*name, "--max-in-flight", "3", "--config", "c.json"),
))  # fmt: skip

TARGETS: tuple[Target, ...] = (
    *(Target(f"{row.store} {row.pattern}", partial(_row, row), [sample(row.message)]) for row in TABLE),
    Target("query", _query, [_QUERY, sample(Query), b'{"query":"Who wrote Hamlet?"}']),
    Target("arguments", _arguments, _ARGUMENTS),
    Target("topology", _topology, [(ROOT / "topology.json").read_bytes()]),
    Target("manifest", _manifest, [(ROOT / "models" / "manifest.json").read_bytes()]),
    Target("gguf", _gguf, [_HEADER]),
    Target("limits.json", partial(_limits, "json"), [b'{"max_in_flight": 3, "stream_max_age_s": 900.0}']),
    Target("limits.toml", partial(_limits, "toml"), [b"max_in_flight = 3\nstream_max_age_s = 900.0\n"]),
    Target("questions", _questions, [_LINES]),
    Target("answers", _answers, [b'{"id":"a","answer":"4","status":"complete"}\n']),
    Target("connection", _connection, [b"nats://ann:secret@host:4222,tls://other", b"ws://[::1]:80"]),
    Target("context", _context, [b'{"url":"nats://h:1","user":"a","password":"b","nkey":"f"}']),
    Target("key", _key, [_KEY]),
    Target("chat", partial(_http, lambda body: read_chat(body, "a")), [_CHAT]),
    Target("response", partial(_http, lambda body: read_response(body, "a", 1)), [_RESPONSE]),
)  # fmt: skip
