"""Identical requests in flight are computed once: an engine in front of another one."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from models.engine import Completion, Engine, Request, Stats, Turn
    from models.reference import ModelReference


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedStats:
    """How many requests were `asked`, and how many of them `shared` a generation that ran already."""

    asked: int
    shared: int


class _Run:
    """A generation, how many wait for it, and until when it runs (in Unix seconds)."""

    def __init__(self, task: asyncio.Task[Completion], deadline_at: float) -> None:
        self.task = task
        self.deadline_at = deadline_at
        self.waiters = 0
        task.add_done_callback(lambda _: task.cancelled() or task.exception())  # those it would concern may have left


class SharedEngine:
    """`Engine` over another, on one event loop.  Requests share a generation where only deadline or caller differ.

    A request joins a generation that ends no later than itself may.  If that ends for lack of time and the request has
    more time, it is asked anew.  An error goes to all who wait.  A request that is cancelled leaves, and the generation
    is cancelled when the last request has left.  A request that wants pieces of text is not shared.
    """

    def __init__(self, engine: Engine) -> None:
        self.library = engine.library
        self.threads, self.gpu_layers = engine.threads, engine.gpu_layers
        self.context_tokens = engine.context_tokens
        self._engine = engine
        self._runs: dict[Request, _Run] = {}
        self._asked = self._shared = 0

    async def complete(self, request: Request, on_text: Callable[[str], None] | None = None) -> Completion:
        """See `Engine.complete`."""
        self._asked += 1
        if on_text is not None:
            return await self._engine.complete(request, on_text)
        deadline_at = math.inf if request.deadline_at is None else request.deadline_at
        key = replace(request, deadline_at=None, caller="")
        while (run := self._runs.get(key)) and run.deadline_at <= deadline_at:
            completion = await self._wait(key, run)
            if completion.finish != "deadline" or run.deadline_at == deadline_at:
                self._shared += 1
                return completion
            self._forget(key, run)
        return await self._wait(key, self._start(key, request, deadline_at))

    async def count_tokens(self, model: ModelReference, messages: Sequence[Turn]) -> int:
        """See `Engine.count_tokens`."""
        return await self._engine.count_tokens(model, messages)

    async def load(self, model: ModelReference) -> None:
        """See `Engine.load`."""
        await self._engine.load(model)

    async def close(self) -> None:
        """See `Engine.close`."""
        await self._engine.close()

    def stats(self) -> Mapping[ModelReference, Stats]:
        """See `Engine.stats`."""
        return self._engine.stats()

    def down(self) -> Mapping[ModelReference, str]:
        """See `Engine.down`."""
        return self._engine.down()

    def sharing(self) -> SharedStats:
        """Return how much was shared so far."""
        return SharedStats(asked=self._asked, shared=self._shared)

    def _start(self, key: Request, request: Request, deadline_at: float) -> _Run:
        run = _Run(asyncio.create_task(self._engine.complete(request)), deadline_at)
        self._runs[key] = run  # in the place of one that ends later: more requests can join the one that ends earlier
        run.task.add_done_callback(lambda _: self._forget(key, run))
        return run

    async def _wait(self, key: Request, run: _Run) -> Completion:
        run.waiters += 1
        try:
            return await asyncio.shield(run.task)
        finally:
            run.waiters -= 1
            if not run.waiters:
                self._forget(key, run)  # nobody may join what is being cancelled
                run.task.cancel()

    def _forget(self, key: Request, run: _Run) -> None:
        if self._runs.get(key) is run:
            del self._runs[key]
