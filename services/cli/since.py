"""How far back a command looks: a duration such as 7d, and what the ledger holds from then on."""

from __future__ import annotations

import re
import time
from typing import Any

import click

from services.cli.options import Target
from services.ledger.kept import Kept, Wanted, put_together
from services.runtime.ledger import read_ledger

_UNIT_S = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 7 * 86_400.0}
_DURATION = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)([smhdw])")


class Duration(click.ParamType[float]):
    """Seconds, said as 30m, 12h, 7d or 2w."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read it, or fail with what it should look like."""
        if isinstance(value, float):
            return value
        if (found := _DURATION.fullmatch(str(value))) is None:
            self.fail(f"{value!r} is no duration such as 30m, 12h, 7d or 2w", param, ctx)
        return float(found[1]) * _UNIT_S[found[2]]


since_option = click.option(
    "--since", "since_s", type=Duration(), metavar="AGO", help="Such as 12h, 7d or 2w ago. Default: all on record."
)


def start_of(since_s: float | None) -> float:
    """Give the time (Unix seconds) that is so long ago; with None the beginning of everything."""
    return 0.0 if since_s is None else max(0.0, time.time() - since_s)


async def find_kept(target: Target, wanted: Wanted) -> list[Kept]:
    """Read from the ledger which queries are asked for, in the order in which they were sealed.  Raises BusError."""
    async with target.open() as bus:
        messages = [stored.message async for _, stored in read_ledger(bus, wanted.since)]
    return [kept for kept in put_together(messages) if wanted.takes(kept)]
