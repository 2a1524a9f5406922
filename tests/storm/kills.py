"""SIGKILL, or SIGSTOP and SIGCONT, of one part after the other, a leader of the stream among them."""

from __future__ import annotations

import asyncio
import json
import re
import signal
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any

from schemas.subjects import Store
from services.runtime.wire import BusError
from tests.servers import Member
from tests.storm.fleet import SPACE, Fleet

DOWN_S = 0.5
STOPPED_S = 3.0
_NEW_LEADER = re.compile(
    r"^\[\d+\] (\S+ \S+) \[INF\] JetStream cluster new (?:stream|consumer) leader for '\S+ > STORM"
)


class Striker:
    """Strikes a part of a fleet each time that it is called, and mends it a moment later."""

    def __init__(self, fleet: Fleet, every_s: float, dice: Random) -> None:
        self._fleet = fleet
        self._every_s = every_s
        self._dice = dice
        self._mending: set[asyncio.Task[None]] = set()
        self._away: set[str] = set()
        self.servers_killed_at: list[datetime] = []

    async def kill(self) -> None:
        """Kill a part, and start it again after a moment."""
        await self._strike(self._parts(), self._kill)

    async def stop(self) -> None:
        """Stop a part for a while, which its peers do not hear of."""
        await self._strike(self._parts(), self._stop)

    async def kill_leader(self) -> None:
        """Kill the server that leads the stream."""
        leader = await find_leader(self._fleet)
        await self._strike([leader] if leader else [], self._kill)

    async def mended(self) -> None:
        """Wait until all parts are back."""
        while self._mending:
            await asyncio.wait(self._mending)

    def _parts(self) -> list[str]:
        """List what may be struck: of the servers one at a time, since a cluster lives on two of three."""
        servers = [member.name for member in self._fleet.servers.members]
        if self._away & set(servers):
            servers = []
        return [part for part in (*self._fleet.names, *servers) if part not in self._away]

    async def _strike(self, parts: Sequence[str], blow: Callable[[str], Coroutine[Any, Any, None]]) -> None:
        await asyncio.sleep(self._every_s)
        if not parts:
            return
        part = self._dice.choice(list(parts))
        self._fleet.strike(part)
        self._away.add(part)
        task = asyncio.create_task(blow(part))
        self._mending.add(task)
        task.add_done_callback(self._mending.discard)
        task.add_done_callback(lambda _: self._away.discard(part))

    def _server(self, part: str) -> Member | None:
        return next((member for member in self._fleet.servers.members if member.name == part), None)

    async def _kill(self, part: str) -> None:
        server = self._server(part)
        if server is not None:
            self.servers_killed_at.append(datetime.now())  # noqa: DTZ005  # as the server writes its log
            await server.kill()
            await asyncio.sleep(DOWN_S)
            await server.start()
        else:
            await self._fleet.services.kill(part)
            await asyncio.sleep(DOWN_S)
            await self._fleet.services.start(part)

    async def _stop(self, part: str) -> None:
        server = self._server(part)
        send = server.signal if server is not None else lambda number: self._fleet.services.signal(part, number)
        send(signal.SIGSTOP)
        await asyncio.sleep(STOPPED_S)
        send(signal.SIGCONT)


async def find_leader(fleet: Fleet) -> str | None:
    """Name the server that leads the stream, None where nobody does now."""
    try:
        info = await fleet.bus.ask_jetstream(f"STREAM.INFO.{SPACE.stream(Store.STREAM)}")
    except BusError:
        return None
    leader = json.loads(info).get("cluster", {}).get("leader")
    return str(leader) if leader else None


def elections(logs: Sequence[Path], killed_at: Sequence[datetime], within_s: float = 12.0) -> list[float]:
    """Tell for each server's death how long it took until the last group of the stream that it led had a new leader.

    A death that no election followed led nothing.
    """
    elected_at = sorted(_elected_at(logs))
    found = []
    for number, death in enumerate(killed_at):
        following = killed_at[number + 1] if number + 1 < len(killed_at) else datetime.max  # noqa: DTZ901  # likewise
        after = [
            (at - death).total_seconds()
            for at in elected_at
            if death < at < following and (at - death).total_seconds() < within_s
        ]
        found += [max(after)] if after else []
    return found


def _elected_at(logs: Sequence[Path]) -> list[datetime]:
    lines = (line for log in logs for line in log.read_text(errors="replace").splitlines())
    matches = (_NEW_LEADER.match(line) for line in lines)
    return [datetime.strptime(match[1], "%Y/%m/%d %H:%M:%S.%f") for match in matches if match]  # noqa: DTZ007
