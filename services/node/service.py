"""A node on the bus: it pulls its own tasks while a slot is free, and writes heartbeats to the presence bucket."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import structlog
from msgspec import structs

from models.cores import resident_bytes
from models.engine import Engine, ModelError
from models.fingerprint import known_fingerprint, verified
from models.reference import ModelReference, model_name
from schemas.commands import Cancel
from schemas.messages import Result
from schemas.plans import Task
from schemas.receipts import ModelFile
from schemas.records import Presence
from schemas.subjects import CANCEL, NODE_DURABLE, PRESENCE, RESULT, STREAM_MAX_AGE_S, TASK
from services.node.config import NodeConfig
from services.node.figures import PROCESS, callers_among, model_use
from services.node.work import Work
from services.receipts.signature import make_receipt
from services.receipts.statement import canonical, make_statement
from services.runtime.bus import Bus
from services.runtime.lifecycle import repeating
from services.runtime.pieces import publishing
from services.runtime.routes import Delivery, Route, consume, listen, on
from services.runtime.sandbox import isolated
from services.runtime.supervision import CannotRun, beside
from services.runtime.telemetry.generation import ObservedEngine
from services.runtime.wire import BusError, Entry, deletion

log = structlog.get_logger(__name__)

MAX_CANCELLED = 4096
ARRIVE_S = 1.0


class Node:
    """Answers tasks.

    `_working` maps (query, chunk) to the work on it; `_cancelled` those that are wanted no more to when that was heard.
    `_callers` are the models that can call tools.
    `_files` are the models' fingerprints by name, None while one is not known: no start waits for gigabytes to be read.
    """

    def __init__(self, bus: Bus, config: NodeConfig, engine: Engine, *, callers: Sequence[str] = ()) -> None:
        self._bus = bus
        self._config = config
        self._engine = engine
        self._callers = callers
        self._working: dict[tuple[str, int], asyncio.Task[Result]] = {}
        self._cancelled: dict[tuple[str, int | None], float] = {}
        self._started_at = time.time()
        self._told_down: set[str] = set()
        self._loading = [model_name(model) for model in config.models]
        self._files = {model_name(model): known_fingerprint(model) for model in config.models}

    async def on_task(self, delivery: Delivery[Task]) -> None:
        """Answer a task, unless nobody waits for the answer any more."""
        task = delivery.message
        key = (task.id, task.chunk)
        if self._is_moot(delivery):
            log.info("task.dropped", query=task.id, chunk=task.chunk, node=self._config.id)
            return
        work = self._working.get(key)  # a task that comes again while it is worked on is not begun again
        if work is None:
            work = self._working[key] = asyncio.create_task(self._answer(task, again=delivery.num_delivered > 1))
            work.add_done_callback(lambda _: self._working.pop(key, None))
        try:
            result = await work
        except asyncio.CancelledError:
            if not self._is_cancelled(delivery):
                raise
            log.info("task.cancelled", query=task.id, chunk=task.chunk, node=self._config.id)
            return
        await self._bus.commit(Entry(RESULT, self._signed(result, task)))
        log.info(
            "task.answered",
            query=task.id,
            chunk=task.chunk,
            node=self._config.id,
            latency_s=round(result.latency_s, 3),
            error=result.error,
        )

    async def on_cancel(self, cancel: Cancel) -> None:
        """Stop the work on a query or a chunk, and remember it for tasks still under way."""
        self._cancelled[cancel.id, cancel.chunk] = time.time()
        while len(self._cancelled) > MAX_CANCELLED:
            del self._cancelled[next(iter(self._cancelled))]
        for (id_, chunk), work in self._working.items():
            if id_ == cancel.id and cancel.chunk in (None, chunk):
                work.cancel()

    async def load(self, model: ModelReference) -> None:
        """Load a model ahead of the tasks that need it, and say so.  Raises CannotRun where that is not possible."""
        try:
            await self._engine.load(model)
        except ModelError as error:
            raise CannotRun(str(error)) from None
        self._loading.remove(model_name(model))
        await self.beat()
        try:
            self._files[model_name(model)] = await verified(model)
        except ModelError as error:
            raise CannotRun(str(error)) from None

    async def arrive(self) -> None:
        """Write the first heartbeat, and wait until it is stored; where that takes long, a later one will be."""
        with suppress(TimeoutError):
            async with asyncio.timeout(ARRIVE_S):
                await self._bus.commit(Entry(PRESENCE, self._presence))

    async def beat(self) -> None:
        """Write a heartbeat without waiting for the server: one of many may be lost."""
        if self._bus.client.is_connected:
            await self._bus.publish(PRESENCE, self._presence)

    async def leave(self) -> None:
        """Say goodbye.  Without it the heartbeat runs out by itself."""
        with suppress(BusError, TimeoutError):
            async with asyncio.timeout(self._config.goodbye_s):
                await self._bus.commit(deletion(PRESENCE, self._presence))

    @property
    def _presence(self) -> Presence:
        return Presence(
            node=self._config.id,
            cluster=self._config.cluster,
            supercluster=self._config.supercluster,
            models=[model_name(model) for model in self._config.models],
            slots=self._config.slots,
            fitness=self._config.fitness,
            started_at=self._started_at,
            loading=list(self._loading),
            down=self._down(),
            process=PROCESS,
            resident_bytes=resident_bytes(),
            use=model_use(self._config.models, self._engine.stats()),
            tools=list(self._callers),
        )

    def _down(self) -> dict[str, str]:
        """Tell which models cannot be asked now, and why; what changes is logged."""
        down = self._engine.down()
        told = {model_name(model): down[model] for model in self._config.models if model in down}
        for name in told.keys() - self._told_down:
            log.warning("model.down", node=self._config.id, model=name, reason=told[name])
        for name in self._told_down - told.keys():
            log.warning("model.back", node=self._config.id, model=name)
        self._told_down = set(told)
        return told

    def _is_cancelled(self, delivery: Delivery[Task]) -> bool:
        """Tell whether a cancel came after the task; one before it was meant for an older query of that id."""
        task = delivery.message
        heard = (self._cancelled.get((task.id, chunk), 0.0) for chunk in (task.chunk, None))
        return max(heard) > delivery.stored_at

    def _is_moot(self, delivery: Delivery[Task]) -> bool:
        return time.time() >= delivery.message.deadline_at or self._is_cancelled(delivery)

    def _signed(self, result: Result, task: Task) -> Result:
        """Sign a result, where this node has a key."""
        identity = self._bus.identity
        if identity is None:
            return result
        files = [
            ModelFile(model=model, sha256=found.sha256, quantization=found.quantization)
            if found is not None
            else ModelFile(model=model)
            for model, found in self._files.items()
        ]
        statement = canonical(make_statement(result, task, files, self._engine.library))
        return structs.replace(result, receipt=make_receipt(statement, identity.public, identity.sign))

    async def _answer(self, task: Task, *, again: bool) -> Result:
        """Do a task; `again` says that it had been begun before."""
        async with AsyncExitStack() as stack:
            pieces = None
            if task.stream:
                revised = again or task.replica > 0 or bool(task.complaint)
                pieces = await stack.enter_async_context(publishing(self._bus, task.id, revised=revised))
            work = Work(
                task,
                self._engine,
                self._config.models,
                caller=self._config.id,
                pieces=pieces,
                run_code=self._config.run_code,
                callers=self._callers,
            )
            return await work.result()


@asynccontextmanager
async def node(bus: Bus, config: NodeConfig, engine: Engine) -> AsyncIterator[Sequence[Route]]:
    """Take tasks while the body runs, and say goodbye at the end.  Tasks wait for models that are still loaded."""
    if config.run_code and not await asyncio.to_thread(isolated):
        log.warning(
            "code.has_network", node=config.id, reason="the kernel refuses namespaces; limits hold all the same"
        )
    callers = await asyncio.to_thread(callers_among, config.models)
    worker = Node(bus, config, ObservedEngine(engine, bus.telemetry), callers=callers)
    await worker.arrive()
    async with repeating(config.heartbeat_s, worker.beat), beside(*map(worker.load, config.models)):
        yield [
            consume(
                f"{NODE_DURABLE}{config.id}",
                on(TASK, worker.on_task, node=config.id),
                concurrency=config.slots,
                inactive_s=STREAM_MAX_AGE_S,
                heartbeat_s=config.pull_heartbeat_s,
            ),
            listen(CANCEL, worker.on_cancel),
        ]
    await worker.leave()
