"""Feed everything that takes input with wild inputs: `make fuzz`, or `python -m tests.fuzz --help`.

Inputs are made of good ones by damage, see `targets` and `inputs`.  Exits with 1 where there was a fault, and shows the
input.
"""

from __future__ import annotations

import argparse
import sys
import time
from random import Random

import psutil

from services.runtime.logging import configure
from tests.fuzz.inputs import draw
from tests.fuzz.targets import TARGETS, Target

MAX_GROWTH_BYTES = 48 * 2**20
WARM_UP = 0.2
TOLD = 60


def feed(target: Target, num: int, seed: int) -> str | None:
    """Feed a target with drawn inputs; tell the fault, if there is one."""
    dice, process = Random(f"{target.name}/{seed}"), psutil.Process()
    warm_bytes = 0
    for number in range(num):
        payload = draw(target.seeds, dice)
        try:
            target.feed(payload)
        except Exception as error:  # noqa: BLE001  # whatever it is, it is a fault
            return f"{type(error).__name__}: {error}\n  input {number}: {payload[:2000]!r}"
        if number == int(WARM_UP * num):
            warm_bytes = process.memory_info().rss
    grown = process.memory_info().rss - warm_bytes
    return f"memory grew by {grown / 2**20:.0f} MiB" if grown > MAX_GROWTH_BYTES else None


def main() -> int:
    """Fuzz, and tell a line for each target."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=100_000, help="for each target")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", action="append", help="a target's name, or its beginning; may be repeated")
    parser.add_argument("--list", action="store_true", help="name the targets")
    arguments = parser.parse_args()
    configure(default_level="critical", for_good=True)
    chosen = [one for one in TARGETS if not arguments.only or one.name.startswith(tuple(arguments.only))]
    if arguments.list:
        _say("\n".join(target.name for target in chosen))
        return 0
    failed = 0
    for target in chosen:
        began_at = time.monotonic()
        fault = feed(target, arguments.inputs, arguments.seed)
        failed += fault is not None
        _say(f"{target.name:<34} {'FAULT ' + fault if fault else 'good'}   {time.monotonic() - began_at:.0f} s")
    _say(f"{len(chosen)} targets, {arguments.inputs} inputs each")
    return 1 if failed else 0


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
