"""How long the bus keeps trying while the server is away: `PATIENCE_S`, or until the time that a caller set.

The limit is a context variable, so that it holds for everything that is called from the body.  A task that is begun
there takes it along: work that several queries share must not be begun under the limit of one.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

PATIENCE_S = 30.0

_until: ContextVar[float] = ContextVar("until", default=float("inf"))


@contextmanager
def patient_until(until: float) -> Iterator[None]:
    """Have the bus give up at `until` (Unix seconds) with a BusError while the body runs.

    An earlier limit that holds already goes on to hold.
    """
    before = _until.set(min(until, _until.get()))
    try:
        yield
    finally:
        _until.reset(before)


def patience_left_s() -> float:
    """Give the seconds for which it is worth trying from now on; none are left when it is 0."""
    return max(0.0, min(PATIENCE_S, _until.get() - time.time()))
