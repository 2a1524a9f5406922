"""How long the bus keeps trying while the server is away: `PATIENCE_S`, or until the time that a caller set.

The limit is a context variable, so that it holds for everything that is called from the body.  A task that is begun
there takes it along: work that several queries share must not be begun under the limit of one.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

import nats.errors

from services.runtime.wire import BusError, Refused

R = TypeVar("R")

PATIENCE_S = 30.0
FIRST_PAUSE_S, MAX_PAUSE_S = 0.05, 0.3  # a stream that has a new leader is not kept waiting

_GONE = (
    TimeoutError,  # which nats.errors.TimeoutError is
    nats.errors.NoRespondersError,
    nats.errors.OutboundBufferLimitError,
    nats.errors.ConnectionReconnectingError,
    Refused,
)

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


async def patiently(attempt: Callable[[], Awaitable[R]], goes_on: Callable[[Exception], bool]) -> R:
    """Repeat while the server is away and, told why, `goes_on` says so.  Raises BusError in the end."""
    clock = asyncio.get_running_loop().time
    began_at = clock()
    give_up_at = began_at + patience_left_s()
    pause_s = FIRST_PAUSE_S
    while True:
        try:
            async with asyncio.timeout_at(give_up_at):
                return await attempt()
        except _GONE as error:
            if not goes_on(error) or clock() + pause_s > give_up_at:
                waited = f"{clock() - began_at:.1f} s"
                raise BusError(f"no good answer from NATS for {waited}: {error or type(error).__name__}") from None
        except nats.errors.ConnectionClosedError:
            raise BusError("the connection to NATS is closed") from None
        await asyncio.sleep(pause_s)
        pause_s = min(2 * pause_s, MAX_PAUSE_S)
