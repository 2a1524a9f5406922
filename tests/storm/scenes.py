"""The scenes of a storm: what befalls the fleet while its clients ask."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import replace
from random import Random
from statistics import median
from typing import Any

from tests.servers import place
from tests.storm.fleet import Fleet, fleet, meanwhile
from tests.storm.kills import Striker, elections
from tests.storm.plan import Plan, Scene
from tests.storm.report import Report

Blow = Callable[[], Coroutine[Any, Any, None]]


async def kills(plan: Plan) -> Report:
    """SIGKILL any part."""
    async with fleet(place(plan.folder, ["127.0.0.1"] * plan.servers), tree=plan.tree) as storm:
        striker = Striker(storm, plan.every_s, Random(plan.seed))
        return await _struck(plan, storm, striker, striker.kill)


async def stops(plan: Plan) -> Report:
    """SIGSTOP any part for a while."""
    async with fleet(place(plan.folder, ["127.0.0.1"] * plan.servers), tree=plan.tree) as storm:
        striker = Striker(storm, plan.every_s, Random(plan.seed))
        return await _struck(plan, storm, striker, striker.stop)


async def leaders(plan: Plan) -> Report:
    """SIGKILL the server that leads the stream, and let the cluster come to rest in between."""
    async with fleet(place(plan.folder, ["127.0.0.1"] * plan.servers), tree=plan.tree) as storm:
        striker = Striker(storm, 6 * plan.every_s, Random(plan.seed))
        return await _struck(plan, storm, striker, striker.kill_leader)


async def _struck(plan: Plan, storm: Fleet, striker: Striker, blow: Blow) -> Report:
    """Ask while a blow follows another, and tell how long elections took."""
    async with meanwhile(blow):
        report = await storm.ask(plan.scene, plan.queries, plan.rate)
    await striker.mended()
    logs = [member.log for member in storm.servers.members]
    took_s = elections(logs, striker.servers_killed_at)
    if not took_s:
        return report
    told = f"{len(took_s)}, median {median(took_s):.1f} s, longest {max(took_s):.1f} s"
    return replace(report, told={**report.told, "elections": told})


SCENES: dict[str, Scene] = {"kills": Scene(kills), "stops": Scene(stops), "leaders": Scene(leaders)}
