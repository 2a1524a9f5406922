"""The life of a service: connect, provision, listen, and leave in order.

`running` carries one service while its body runs; `run` carries several until a signal comes.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from importlib.metadata import version
from typing import Any

import msgspec
import structlog
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.micro.request import Request as MicroRequest
from nats.micro.service import Service as MicroService
from nats.micro.service import ServiceConfig

from schemas.subjects import Space
from services.runtime.bus import Bus, connect
from services.runtime.connection import Connection
from services.runtime.consume import consuming
from services.runtime.limits import Limits
from services.runtime.provision import provision
from services.runtime.routes import Consumption, Endpoint, Listening, Request, Route
from services.runtime.supervision import alongside, kept_alive
from services.runtime.telemetry.telemetry import Telemetry, kind_of
from services.runtime.wire import decode_at

log = structlog.get_logger(__name__)

GRACE_S = 2.0
REMAKE_S = 0.5  # the least time between two looks at the streams
VERSION = version("dellm")

Build = Callable[[Bus], AbstractAsyncContextManager[Sequence[Route]]]


@dataclass(frozen=True)
class Service:
    """A service by name, with how to build it on a bus and what `$SRV.INFO` tells of it."""

    name: str
    build: Build
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """Where services run: the servers, the prefix, and the limits that the streams are made with.

    `url` may be an address; where it has a folder of keys, each service connects with its own.  An operator among the
    services makes the consumers of the `nodes`.  All services of a process share its `telemetry`.
    """

    url: str | Connection
    space: Space = field(default_factory=Space)
    limits: Limits = field(default_factory=Limits)
    replicas: int | None = None
    nodes: tuple[str, ...] = ()
    grace_s: float = GRACE_S
    connect_patience_s: float = 30.0
    telemetry: Telemetry = field(default_factory=Telemetry)

    @property
    def connection(self) -> Connection:
        """How to connect.  Raises BadConnection."""
        return Connection.to(self.url) if isinstance(self.url, str) else self.url


@asynccontextmanager
async def running(service: Service, deployment: Deployment) -> AsyncIterator[Bus]:
    """Run one service while the body runs.  It takes messages when the body begins."""
    async with AsyncExitStack() as stack:
        bus = await stack.enter_async_context(
            connect(
                deployment.connection.for_user(service.name.replace(".", "-")),
                space=deployment.space,
                name=f"{deployment.space.prefix}-{service.name}",
                patience_s=deployment.connect_patience_s,
                telemetry=deployment.telemetry,
            )
        )
        await stack.enter_async_context(provisioned(bus, deployment))
        routes = await stack.enter_async_context(service.build(bus))
        info = await stack.enter_async_context(_announced(bus, service))
        for route in routes:
            match route:
                case Consumption():
                    await stack.enter_async_context(consuming(bus, service.name, route, grace_s=deployment.grace_s))
                case Listening():
                    await _listen(bus, service.name, route)
                case Endpoint():
                    await stack.enter_async_context(_serving(bus, service.name, info, route, deployment.grace_s))
        await bus.flush()
        log.info("service.ready", service=service.name, prefix=deployment.space.prefix)
        yield bus
    log.info("service.stopped", service=service.name)


@asynccontextmanager
async def provisioned(bus: Bus, deployment: Deployment) -> AsyncIterator[None]:
    """Make the streams, and make them again when they may be gone: with the server's memory, or deleted by somebody."""

    async def make() -> None:
        bus.stores_in_doubt.clear()
        await provision(bus, deployment.limits, replicas=deployment.replicas, nodes=deployment.nodes)

    async def make_again() -> None:
        while True:
            await bus.stores_in_doubt.wait()
            try:
                await make()
            except Exception as error:  # noqa: BLE001  # without its buckets a service is deaf: try until it works
                log.warning("provision.failed", service=bus.name, error=str(error) or type(error).__name__)
                bus.stores_in_doubt.set()
            await asyncio.sleep(REMAKE_S)

    await make()
    async with alongside(make_again(), name=bus.name):
        yield


@asynccontextmanager
async def _announced(bus: Bus, service: Service) -> AsyncIterator[MicroService]:
    """Answer $SRV.PING, $SRV.INFO and $SRV.STATS while the body runs."""
    kind = kind_of(service.name)
    config = ServiceConfig(
        name=f"{bus.space.prefix}-{kind}",
        version=VERSION,
        description=f"DELLM {kind}",
        metadata={"prefix": bus.space.prefix, **service.metadata},
    )
    info = MicroService(bus.client, config)
    await info.start()
    try:
        yield info
    finally:
        with suppress(NatsError, TimeoutError, OSError):
            await info.stop()


async def _listen(bus: Bus, service: str, route: Listening) -> None:
    async def on_message(msg: Msg) -> None:
        if row.store.is_stream and (sequence := (msg.headers or {}).get("Nats-Sequence", "")).isdecimal():
            bus.saw(bus.space.stream(row.store), int(sequence))
        with bus.telemetry.handling(service, route.subject, msg.headers) as handled:
            try:
                message = decode_at(msg.subject, msg.data, route.subject)
                handled.about(**route.subject.ids(message))
                await route.call(message)
                handled.outcome = "done"
            except msgspec.DecodeError as error:
                handled.outcome = "rejected"
                log.warning("message.rejected", subject=msg.subject, reason=str(error))
            except Exception:  # nats-py would end the subscription silently
                log.exception("message.failed", subject=msg.subject)

    row, name = route.subject, route.subject.at()
    address = bus.space.event(name) if row.store.is_stream else bus.space.full(row.store, name)
    await bus.subscribe(address, on_message, queue=route.queue)


@asynccontextmanager
async def _serving(bus: Bus, service: str, info: MicroService, route: Endpoint, grace_s: float) -> AsyncIterator[None]:
    """Answer requests side by side, which nats.micro by itself does one at a time; at the end finish those in hand."""
    slots = asyncio.Semaphore(route.concurrency)
    tasks: set[asyncio.Task[None]] = set()

    async def answer(request: Request) -> None:
        with bus.telemetry.handling(service, route.subject, request.headers, begins=True) as handled:
            try:
                await route.call(replace(request, about=handled.about))
                handled.outcome = "done"
            except Exception:  # one request's failure is not the next one's
                log.exception("request.failed", service=bus.name)
            finally:
                slots.release()

    async def on_request(request: MicroRequest) -> None:
        await slots.acquire()
        reply = request._msg.reply  # noqa: SLF001  # the only way to the inbox that another service will answer
        task = asyncio.create_task(answer(Request(request.data, reply, request.headers or {})))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    await info.add_endpoint(
        name=route.subject.pattern,
        handler=on_request,
        subject=bus.space.full(route.subject.store, route.subject.at()),
        queue_group=f"{bus.space.prefix}-{route.subject.pattern}",
    )
    try:
        yield
    finally:
        with suppress(NatsError, TimeoutError, OSError):
            await info.stop()
        if tasks:
            await asyncio.wait(tasks, timeout=grace_s)


async def run(services: Sequence[Service], deployment: Deployment, ready: Callable[[], Any] | None = None) -> None:
    """Run services until SIGINT or SIGTERM; a second signal exits at once.  Raises what a service can't survive."""
    with stopping() as stop:
        async with hosted(services, deployment):
            if ready is not None:
                ready()
            await stop.wait()


@asynccontextmanager
async def hosted(services: Sequence[Service], deployment: Deployment) -> AsyncIterator[None]:
    """Run services while the body runs, each begun again should it die; all are ready when the body begins."""
    async with AsyncExitStack() as stack:
        for service in services:
            begin = partial(running, service, deployment)
            deaths = deployment.telemetry.metrics.deaths.labels(kind_of(service.name))
            await stack.enter_async_context(kept_alive(service.name, begin, on_death=deaths.inc))
        yield


@asynccontextmanager
async def operator(_: Bus) -> AsyncIterator[Sequence[Route]]:
    """Keep the streams and consumers as they should be, which is what is done for every service that may."""
    yield []


class stopping:  # noqa: N801  # used as `with stopping() as stop`
    """Turn SIGINT and SIGTERM into an event; the second one ends the process."""

    def __enter__(self) -> asyncio.Event:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            self._loop.add_signal_handler(number, self._on_signal, number)
        return self._stop

    def __exit__(self, *_: object) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._loop.remove_signal_handler(number)

    def _on_signal(self, number: int) -> None:
        if self._stop.is_set():
            os._exit(128 + number)
        self._stop.set()


async def every(interval_s: float, call: Callable[[], Awaitable[None]]) -> None:
    """Call repeatedly; a failure is logged, and the calls go on."""
    while True:
        try:
            await call()
        except Exception as error:  # noqa: BLE001  # a beat missed is no reason to stop beating
            log.warning("beat.failed", call=call.__qualname__, error=str(error) or type(error).__name__)
        await asyncio.sleep(interval_s)


@asynccontextmanager
async def repeating(interval_s: float, call: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Call repeatedly while the body runs."""
    async with alongside(every(interval_s, call), name=call.__qualname__):
        yield
