"""Loops that a service needs: when one ends, the service ends and is started again.

Without this, a service whose loop died would stay present and do nothing.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any

import structlog

from services.runtime.wire import BusError

log = structlog.get_logger(__name__)

FIRST_PAUSE_S = 0.5
MAX_PAUSE_S = 15.0
SETTLED_S = 60.0  # who lives for so long has recovered
MAX_DEATHS = 5
CANCEL_AGAIN_S = 0.2


class LoopEnded(BusError):  # noqa: N818  # named for its cause
    """A loop that runs as long as its service has ended."""


class CannotRun(BusError):  # noqa: N818  # named for its cause
    """A service cannot run, and could not if it were begun again, as where its model cannot be loaded."""


@asynccontextmanager
async def alongside(*loops: Coroutine[Any, Any, None], name: str) -> AsyncIterator[None]:
    """Run loops while the body runs.  The body is cancelled when one ends, and LoopEnded is raised."""
    failure: Exception | None = None
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [asyncio.create_task(loop, name=f"{name}-{getattr(loop, '__name__', 'loop')}") for loop in loops]
            guard = group.create_task(_end_with(tasks, name))
            try:
                yield
            except Exception as error:  # noqa: BLE001  # the group would wrap it
                failure = error
            finally:
                guard.cancel()
                await _cancelled(tasks)
    except BaseExceptionGroup as ended:
        raise ended.exceptions[0] from None
    if failure is not None:
        raise failure


async def _cancelled(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Cancel tasks until they have ended: `asyncio.wait_for` of Python 3.11 may swallow a cancel."""
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=CANCEL_AGAIN_S)


async def _end_with(tasks: Sequence[asyncio.Task[None]], name: str) -> None:
    """Raise when one of the loops returns or is cancelled, which a task group takes for a good end."""
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        error = None if task.cancelled() else task.exception()
        if error is not None:
            log.error("loop.died", service=name, loop=task.get_name(), exc_info=error)
        why = "was cancelled" if task.cancelled() else "returned" if error is None else repr(error)
        raise LoopEnded(f"{name}: the loop {task.get_name()} has ended: {why}")


@asynccontextmanager
async def beside(*jobs: Coroutine[Any, Any, object]) -> AsyncIterator[None]:
    """Do jobs while the body runs.  The body is cancelled when one fails, and its error is raised.

    Jobs that are not done when the body ends are cancelled.
    """
    failure: Exception | None = None
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(job) for job in jobs]
            try:
                yield
            except Exception as error:  # noqa: BLE001  # the group would wrap it
                failure = error
            finally:
                for task in tasks:
                    task.cancel()
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None
    if failure is not None:
        raise failure


@asynccontextmanager
async def kept_alive(
    name: str,
    begin: Callable[[], AbstractAsyncContextManager[Any]],
    *,
    pause_s: float = FIRST_PAUSE_S,
    on_death: Callable[[], object] = lambda: None,
) -> AsyncIterator[None]:
    """Run what `begin` makes while the body runs, and make it anew when it dies, of which `on_death` is told.

    What fails before it ran once is raised, and so is CannotRun.  What dies MAX_DEATHS times, each within SETTLED_S of
    its beginning, is given up: the body is cancelled, and the last failure is raised.
    """
    began, stop = asyncio.Event(), asyncio.Event()

    async def keep() -> None:
        deaths = 0
        while not stop.is_set():
            begun_at = time.monotonic()
            try:
                async with begin():
                    began.set()
                    await stop.wait()
            except Exception as error:
                if stop.is_set() or not began.is_set() or isinstance(error, CannotRun):
                    raise
                deaths = 1 if time.monotonic() - begun_at > SETTLED_S else deaths + 1
                on_death()
                log.error("service.died", service=name, deaths=deaths, error=str(error) or type(error).__name__)
                if deaths >= MAX_DEATHS:
                    raise
                pause = min(MAX_PAUSE_S, pause_s * 2 ** (deaths - 1))
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), pause)

    failure: Exception | None = None
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(keep(), name=f"{name}-keeper")
            try:
                await began.wait()
                yield
            except Exception as error:  # noqa: BLE001  # the group would wrap it
                failure = error
            finally:
                stop.set()
    except BaseExceptionGroup as ended:
        raise ended.exceptions[0] from None
    if failure is not None:
        raise failure
