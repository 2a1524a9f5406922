"""The backup that docs/operating.md tells of, made and gone back to."""

from __future__ import annotations

import asyncio
from pathlib import Path

from schemas.records import Fitness, Record
from schemas.subjects import FITNESS, Space
from services.runtime.bus import connect
from services.runtime.provision import provision
from services.runtime.server import embedded_server
from services.runtime.wire import Entry
from tests.pages import blocks

SPACE = Space()
EARNED = Fitness(node="n1", overall=Record(fitness=0.9, count=7), kinds={})


async def test_what_nodes_have_earned_is_in_a_copy(tmp_path: Path) -> None:
    (command,) = [block.strip() for block in blocks("docs/operating.md", "sh") if block.startswith("cp ")]
    async with embedded_server(tmp_path / ".dellm", SPACE, ["n1"]) as server:
        async with connect(server.connection.for_user("operator"), space=SPACE, name="operator") as bus:
            await provision(bus, nodes=["n1"])
        async with connect(server.connection.for_user("trainer"), space=SPACE, name="trainer") as bus:
            await bus.commit(Entry(FITNESS, EARNED))
    copying = await asyncio.create_subprocess_shell(command, cwd=tmp_path)
    assert await copying.wait() == 0
    async with (
        embedded_server(tmp_path / "backup", SPACE, ["n1"]) as server,
        connect(server.connection.for_user("trainer"), space=SPACE, name="trainer") as bus,
    ):
        (stored,) = (await bus.read((FITNESS, FITNESS.at())))[FITNESS]
    assert stored.message == EARNED
