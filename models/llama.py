"""The engine over llama.cpp, as the event loop sees it: requests go to the compute thread, text and outcomes return."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, TypeVar, cast

from models.compute import Compute
from models.cores import usable_cores
from models.engine import Completion, EngineBusy, EngineClosed, Request, Stats
from models.native import LIBRARY, usable_gpu_layers
from models.reference import file_of
from models.runner import LlamaRunner
from models.text import NO_EVIDENCE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from models.engine import CacheType, Turn
    from models.reference import ModelReference
    from models.stepper import Stepper

T = TypeVar("T")


class _Outbox:
    """What the compute thread has for event loops; each is woken once a round, not once a token."""

    def __init__(self) -> None:
        self._posts: defaultdict[asyncio.AbstractEventLoop, list[Callable[[], None]]] = defaultdict(list)

    def post(self, loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
        self._posts[loop].append(call)

    def flush(self) -> None:
        while self._posts:
            loop, calls = self._posts.popitem()
            with suppress(RuntimeError):  # that loop is closed: nobody waits there
                loop.call_soon_threadsafe(_call_all, calls)


def _call_all(calls: list[Callable[[], None]]) -> None:
    loop = asyncio.get_running_loop()
    for call in calls:
        loop.call_soon(call)


class _Ticket:
    """`sequence.Caller` that stands for a task waiting on the event loop."""

    def __init__(self, outbox: _Outbox, on_text: Callable[[str], None] | None) -> None:
        self._loop = asyncio.get_running_loop()
        self._outbox = outbox
        self._on_text = on_text
        self.outcome: asyncio.Future[Completion] = self._loop.create_future()
        self.started = False
        self.cancelled = False

    def start(self) -> None:
        self.started = True

    def say(self, text: str) -> None:
        if self._on_text:
            self._outbox.post(self._loop, partial(self._deliver, self._on_text, text))

    def end(self, outcome: Completion | Exception) -> None:
        self._outbox.post(self._loop, partial(self._settle, outcome))

    def _deliver(self, on_text: Callable[[str], None], text: str) -> None:
        if not self.cancelled:
            on_text(text)

    def _settle(self, outcome: Completion | Exception) -> None:
        if self.cancelled or self.outcome.done():
            return
        if isinstance(outcome, Exception):
            self.outcome.set_exception(outcome)
        else:
            self.outcome.set_result(outcome)


class LlamaEngine:
    """`Engine` over llama.cpp.  Make one per process and share it: one compute thread steps all models in turn.

    What Qwen2.5-Coder 0.5B and 1.5B (Q4_K_M) hold together, in MiB: weights 1,530, of which 670 are copies in the CPU's
    own layout and the rest are the file's pages; KV cells of 16,384 tokens in f16 (12 and 28 KiB each) 640, in q8_0
    340; buffers for a step and its logits 110; Python and libraries 70.

    Args:
        threads: cores to compute with; None: those that this process may use.
        context_tokens: prompt and answer together, per sequence; no more than the model was trained for.
        gpu_layers: layers to keep on a GPU; -1: all.  Where llama.cpp has no GPU, none.
        sequences: how many requests a model computes at once; the others wait, as do those for which there are no
            cells.  Two of high priority more may run.
        cache_tokens: cells of a model's KV cache for all its sequences together, those that ended included; at least
            `context_tokens`; None: half of what `sequences` of full length would take.
        cache_type: what a cell's values are kept as: f16, or q8_0 in little more than half the memory.
        max_requests: how many may run and wait; more are refused.
        unload_after_s: frees a model that was idle so long; None: never.

    """

    def __init__(
        self,
        threads: int | None = None,
        context_tokens: int = 4096,
        gpu_layers: int = 0,
        *,
        sequences: int = 8,
        cache_tokens: int | None = None,
        cache_type: CacheType = "f16",
        max_requests: int = 1024,
        unload_after_s: float | None = None,
    ) -> None:
        self.library = LIBRARY
        self.threads, self.gpu_layers = threads or usable_cores(), usable_gpu_layers(gpu_layers)
        self.context_tokens = context_tokens
        open_runner = partial(
            LlamaRunner,
            threads=self.threads,
            context_tokens=context_tokens,
            cache_tokens=max(context_tokens, cache_tokens or context_tokens * sequences // 2),
            cache_type=cache_type,
            sequences=sequences,
            gpu_layers=self.gpu_layers,
        )
        self._outbox = _Outbox()
        self._compute = Compute(open_runner, self._outbox.flush, unload_after_s)
        self._max_requests = max_requests
        self._requests = 0
        self._closed = False

    async def complete(self, request: Request, on_text: Callable[[str], None] | None = None) -> Completion:
        """See `Engine.complete`."""
        self._check_open()
        if self._requests >= self._max_requests:
            raise EngineBusy(f"{self._requests} requests run and wait, and the engine takes no more")
        ticket = _Ticket(self._outbox, on_text)
        timeout_s = None if request.deadline_at is None else max(0.0, request.deadline_at - time.time())
        self._requests += 1
        try:
            self._compute.post(partial(self._compute.submit, request, ticket))
            await asyncio.wait({ticket.outcome}, timeout=timeout_s)
            if ticket.started or ticket.outcome.done():  # then its deadline is the compute thread's to see
                return await ticket.outcome
        finally:
            ticket.cancelled = True
            self._requests -= 1
        return _nothing_in_time()

    async def count_tokens(self, model: ModelReference, messages: Sequence[Turn]) -> int:
        """See `Engine.count_tokens`."""
        return await self._with(model, lambda stepper: stepper.count_tokens(messages))

    async def load(self, model: ModelReference) -> None:
        """See `Engine.load`."""
        await self._with(model, lambda _: None, ahead=True)

    async def _with(self, model: ModelReference, use: Callable[[Stepper], T], *, ahead: bool = False) -> T:
        """Use a model on the compute thread, between two steps; it is loaded for it if it is not."""
        self._check_open()
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()

        def settle(result: T | None, error: Exception | None) -> None:
            if not done.done():
                done.set_exception(error) if error else done.set_result(cast("T", result))

        def then(loaded: Stepper | Exception) -> None:
            if isinstance(loaded, Exception):
                self._outbox.post(loop, partial(settle, None, loaded))
                return
            try:
                self._outbox.post(loop, partial(settle, use(loaded), None))
            except Exception as error:  # noqa: BLE001  it is the caller's to see
                self._outbox.post(loop, partial(settle, None, error))

        self._compute.post(partial(self._compute.load, file_of(model), then, ahead=ahead))
        return await done

    def stats(self) -> dict[ModelReference, Stats]:
        """See `Engine.stats`."""
        return dict(self._compute.stats().items())

    def down(self) -> dict[ModelReference, str]:
        """See `Engine.down`: a file that is loaded can be asked."""
        return {}

    async def close(self) -> None:
        """See `Engine.close`."""
        self._closed = True
        await asyncio.to_thread(self._compute.stop)
        self._outbox.flush()

    def _check_open(self) -> None:
        if self._closed:
            raise EngineClosed("the engine is closed")


def _nothing_in_time() -> Completion:
    return Completion(
        text="",
        logprob=NO_EVIDENCE,
        prompt_tokens=0,
        completion_tokens=0,
        latency_s=0.0,
        finish="deadline",
    )
