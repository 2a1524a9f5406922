"""Examples of a request for code, run on the answer in a real child process."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from msgspec import structs

from models.engine import Request
from schemas.commands import Query
from schemas.subjects import Space
from schemas.terms import Status
from services.node.config import NodeConfig
from services.node.request import VARIED_TEMPERATURE
from services.node.service import node
from services.runtime.client import ask
from services.runtime.lifecycle import Service
from services.runtime.sandbox import run_python
from services.runtime.server import EmbeddedServer
from tests.support import ScriptedEngine, cluster

ASKED = "Write a Python function add(a, b) that adds two numbers. For instance add(2, 3) == 5."
WRONG, RIGHT = "```python\ndef add(a, b):\n    return a - b\n```", "```python\ndef add(a, b):\n    return a + b\n```"
CONFIG = NodeConfig(id="n1", cluster="c", supercluster="s", models=(Path("a.gguf"),), run_code=True)


async def test_code_that_fails_its_examples_is_asked_again_and_told_how(server: EmbeddedServer, space: Space) -> None:
    said = iter([WRONG, RIGHT])

    async def say(_: Request) -> str:
        return next(said)

    engine = ScriptedEngine(say)
    async with cluster(server.url, space) as deployed:
        await deployed.start(Service("node.n1", partial(node, config=CONFIG, engine=engine)))
        reply = await ask(deployed.bus, Query(query=ASKED, id="q", timeout_s=30))
    assert (reply.status, reply.answer) == (Status.COMPLETE, RIGHT)
    assert [(check.family, check.reason) for check in reply.chunks[0].checks] == [("syntax", None), ("examples", None)]
    first, second = engine.asked
    assert "add(2, 3) gave -1, not 5" in second.messages[-1].content
    assert (first.temperature, second.temperature) == (0.0, VARIED_TEMPERATURE)


async def test_code_that_never_passes_says_so(server: EmbeddedServer, space: Space) -> None:
    async def say(_: Request) -> str:
        return WRONG

    engine = ScriptedEngine(say)
    async with cluster(server.url, space) as deployed:
        await deployed.start(Service("node.n1", partial(node, config=CONFIG, engine=engine)))
        reply = await ask(deployed.bus, Query(query=ASKED, id="q", timeout_s=30))
    assert (reply.status, reply.answer) == (Status.COMPLETE, WRONG)
    assert "add(2, 3) gave -1, not 5" in reply.notes[0]


async def test_nothing_is_run_unless_the_operator_says_so(server: EmbeddedServer, space: Space) -> None:
    async def say(_: Request) -> str:
        return WRONG

    engine, config = ScriptedEngine(say), structs.replace(CONFIG, run_code=False)
    async with cluster(server.url, space) as deployed:
        await deployed.start(Service("node.n1", partial(node, config=config, engine=engine)))
        reply = await ask(deployed.bus, Query(query=ASKED, id="q"))
    assert [check.family for check in reply.chunks[0].checks] == ["syntax"]
    assert len(engine.asked) == 1


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("assert 1 == 2, 'no'", "no"),
        ("x = 'x' * 10**10", "MemoryError"),
        ("import socket; socket.create_connection(('127.0.0.1', 9))", "Error"),
        ("open('file', 'w').write('x' * 10**8)", "too large"),
        ("import os; os.environ['HOME']", "KeyError"),
        ("def f(:", "SyntaxError"),
        ("raise SystemExit(3)", "code 3"),
    ],
)
async def test_a_program_is_confined(source: str, told: str) -> None:
    ending = await run_python(source, time_s=30)
    assert not ending.well
    assert told in ending.told


async def test_a_program_that_does_not_end_is_ended() -> None:
    ending = await run_python("while True: pass", time_s=1)
    assert "did not end" in ending.told


async def test_a_program_that_ends_well() -> None:
    assert (await run_python("x = 1")).well
