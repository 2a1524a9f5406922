"""Pull messages of the stream and see each to its end.

return -> ack; `Retry` -> nak with its delay; `Reject`, or a message that does not decode -> dead letter and term;
cancelled -> nak and re-raise; any other exception -> log, nak with back-off, dead letter on the last try.

One pull request asks for as many messages as there are free slots.  It carries heartbeats, so that one that a server
forgot is noticed and sent again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import msgspec
import nats.errors
import structlog
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from services.runtime.bus import Bus
from services.runtime.consumers import add_consumer
from services.runtime.letters import bury
from services.runtime.routes import Consumption, Delivery, Handler, Reject, Retry
from services.runtime.supervision import alongside
from services.runtime.telemetry.telemetry import Handling
from services.runtime.wire import BusError, Missing, Refused, decode_at

log = structlog.get_logger(__name__)

RETRY_S = 0.25
DOUBT_S = 0.3  # between heartbeats until there is word again of a consumer that fell silent
BEGIN_S = 1.0
PULL_S = 30.0
RENEW_PULLS = 500
MAX_TRIES = 5
BACK_OFF_S = (0.2, 1.0, 3.0, 5.0)


class Consumer:
    """The pull loop of one durable.  Made by `consuming`."""

    def __init__(self, bus: Bus, service: str, route: Consumption) -> None:
        self._bus = bus
        self._service = service
        self._route = route
        self._handlers = {bus.space.full(route.store, handler.name): handler for handler in route.handlers}
        self._stream = bus.space.stream(route.store)
        self._inbox = ""
        self._pulls = 0
        self._running: dict[asyncio.Task[None], Msg] = {}
        self._generation = 0
        self._asked = 0
        self._heard_at = 0.0
        self._wake = asyncio.Event()
        self._missing = False
        self._in_doubt = False
        self._looking: asyncio.Task[None] | None = None
        self._made_at = time.monotonic()
        self._subscription: Subscription | None = None
        self.draining = False

    async def ensure(self) -> None:
        """Make the durable consumer, or find it.  Raises BusError when the server refuses it or stays away."""
        await self._bus.patiently(self._ensure)

    async def _ensure(self) -> None:
        identity = self._bus.identity
        if identity is not None and identity.actor is not None:
            return  # the operator has made it
        await add_consumer(
            self._bus,
            self._stream,
            self._route.durable,
            list(self._handlers),
            ack_wait_s=self._route.ack_wait_s,
            inactive_s=self._route.inactive_s,
        )

    async def run(self) -> None:
        """Pull until cancelled."""
        await self._renew()
        capacity = self._route.concurrency
        self._bus.on_reconnected.add(self._wake.set)
        while True:
            self._wake.clear()
            if self._missing:
                await asyncio.sleep(RETRY_S)
                await self._lost()
            elif self._bus.reconnected_at > self._made_at:  # a server that was started again has forgotten the pull
                await self._lost()
            is_due = self._pulls >= RENEW_PULLS  # and no more is asked for until nothing is on its way to this inbox
            if is_due and self._asked == 0:
                await self._renew()
                is_due = False
            free = capacity - len(self._running) - self._asked
            if not self.draining and not is_due and free > 0 and (self._asked == 0 or free >= capacity // 2):
                await self._pull(free)
            patience_s = 2.2 * self._heartbeat_s
            silent_s = time.monotonic() - self._heard_at if self._asked else 0.0
            try:
                async with asyncio.timeout(max(0.01, patience_s - silent_s)):
                    await self._wake.wait()
            except TimeoutError:
                if self._asked and time.monotonic() - self._heard_at >= patience_s:
                    await self._lost()

    async def _renew(self) -> None:
        """Take another inbox: between accounts the server remembers a pull until nobody listens for its messages."""
        before, self._pulls = self._subscription, 0
        self._inbox = self._bus.client.new_inbox()
        self._subscription = await self._bus.subscribe(f"{self._inbox}.*", self._on_message)
        if before is not None:
            with suppress(nats.errors.Error):
                await before.unsubscribe()

    @property
    def _heartbeat_s(self) -> float:
        return min(DOUBT_S, self._route.heartbeat_s) if self._in_doubt else self._route.heartbeat_s

    async def finish(self, grace_s: float) -> None:
        """Let running handlers end, cancel those that don't in time; their messages are naked."""
        self.draining = True
        if self._looking is not None:
            self._looking.cancel()
        self._bus.on_reconnected.discard(self._wake.set)
        if self._subscription is not None:
            with suppress(nats.errors.Error, TimeoutError):
                await self._subscription.drain()  # type: ignore[no-untyped-call]  # what still comes is naked
        if self._running:
            _, late = await asyncio.wait(self._running, timeout=grace_s)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def keep_alive(self) -> None:
        """Tell the server that long handlers still work on their messages."""
        while True:
            await asyncio.sleep(self._route.ack_wait_s / 3)
            for msg in list(self._running.values()):
                with suppress(nats.errors.Error):
                    await msg.in_progress()

    async def _pull(self, num: int) -> None:
        heartbeat_ns = int(self._heartbeat_s * 1e9)
        request = {"batch": num, "expires": int(PULL_S * 1e9), "idle_heartbeat": heartbeat_ns}
        self._asked += num
        self._pulls += 1
        self._heard_at = time.monotonic()
        try:
            await self._bus.client.publish(
                f"$JS.API.CONSUMER.MSG.NEXT.{self._stream}.{self._route.durable}",
                msgspec.json.encode(request),
                reply=f"{self._inbox}.{self._generation}",
            )
        except nats.errors.Error as error:
            self._asked -= num
            log.debug("pull.failed", durable=self._route.durable, error=str(error))
            await asyncio.sleep(RETRY_S)

    async def _lost(self) -> None:
        """Give the pull requests up, and look whether there is a consumer, which one without a leader does not tell."""
        self._generation += 1
        self._made_at = time.monotonic()
        self._asked = 0
        self._missing = False
        self._in_doubt = True
        if self._bus.client.is_connected:
            if self._looking is None or self._looking.done():
                self._looking = asyncio.create_task(self._look(), name=f"{self._route.durable}-look")
            await asyncio.wait([self._looking], timeout=DOUBT_S)

    async def _look(self) -> None:
        """See that there is a consumer."""
        try:
            await self._ensure()
        except Refused as error:
            if isinstance(error, Missing):
                self._bus.stores_in_doubt.set()
            self._missing = True
        except (nats.errors.Error, TimeoutError, BusError) as error:
            log.debug("consumer.not_made", durable=self._route.durable, error=str(error))

    async def _on_message(self, msg: Msg) -> None:
        self._heard_at = time.monotonic()
        header = msg.headers or {}
        status = header.get("Status")
        if status in (None, "100", "404", "408"):
            self._in_doubt = False
        if status == "100":  # a heartbeat: nothing is there that could be handed over
            self._bus.telemetry.heard_waiting(self._route.durable, 0)
            return
        if status is not None:
            if msg.subject == f"{self._inbox}.{self._generation}":  # else it answers a request given up long ago
                self._asked = max(0, self._asked - int(header.get("Nats-Pending-Messages", self._asked)))
            if status not in ("404", "408"):
                log.debug("pull.ended", durable=self._route.durable, status=status)
                self._missing = True
        elif self.draining:
            await self._nak(msg, 0)
        else:
            self._asked = max(0, self._asked - 1)
            task = asyncio.create_task(self._one(msg))
            self._running[task] = msg
            task.add_done_callback(self._done)
        self._wake.set()

    def _done(self, task: asyncio.Task[None]) -> None:
        del self._running[task]
        self._wake.set()

    async def _one(self, msg: Msg) -> None:
        meta = msg.metadata
        self._bus.saw(self._stream, meta.sequence.stream)
        handler = self._handler(msg.subject)
        self._bus.telemetry.heard_waiting(self._route.durable, meta.num_pending)
        with self._bus.telemetry.handling(self._service, handler.subject, msg.headers) as handled:
            if meta.num_delivered > 1:
                handled.came_again()
            await self._handle(msg, handler, handled)

    async def _handle(self, msg: Msg, handler: Handler[Any], handled: Handling) -> None:
        """See a message to its end, which is told to `handled`."""
        meta = msg.metadata
        told: dict[str, object] = {"service": self._service, "subject": msg.subject}
        started = time.monotonic()
        try:
            message = self._decode(msg, handler)
            ids = handler.subject.ids(message)
            told |= ids
            handled.about(**ids)
            delivery = Delivery(
                message=message,
                sequence=meta.sequence.stream,
                stored_at=meta.timestamp.timestamp(),
                num_delivered=meta.num_delivered,
            )
            await handler.call(delivery)
            await msg.ack()
            handled.outcome = "done"
            log.info("message.done", **told, ms=round(1e3 * (time.monotonic() - started), 1))
        except Retry as wish:
            handled.outcome = "retried"
            await self._nak(msg, wish.delay_s)
            log.info("message.retried", **told, delay_s=wish.delay_s)
        except Reject as error:
            handled.outcome = "rejected"
            handled.buried()
            await bury(self._bus, msg, self._route.durable, str(error))
            log.warning("message.rejected", **told, reason=str(error))
        except asyncio.CancelledError:
            handled.outcome = "returned"
            await self._nak(msg, 0)
            log.info("message.returned", **told)
            raise
        except Exception as error:  # whatever a handler raises, the loop lives on
            log.exception("message.failed", **told, num_delivered=meta.num_delivered)
            if meta.num_delivered >= MAX_TRIES:
                handled.outcome = "given_up"
                handled.buried()
                await bury(self._bus, msg, self._route.durable, f"{type(error).__name__}: {error}")
            else:
                await self._nak(msg, BACK_OFF_S[min(meta.num_delivered, len(BACK_OFF_S)) - 1])

    def _decode(self, msg: Msg, handler: Handler[Any]) -> Any:
        try:
            return decode_at(msg.subject, msg.data, handler.subject)
        except msgspec.DecodeError as error:
            raise Reject(str(error)) from None

    def _handler(self, subject: str) -> Handler[Any]:
        """Find the handler whose pattern the consumer's filter let through."""
        if len(self._handlers) == 1:
            return next(iter(self._handlers.values()))
        kind = subject.split(".")[1]
        return next(handler for handler in self._handlers.values() if handler.name.partition(".")[0] == kind)

    async def _nak(self, msg: Msg, delay_s: float) -> None:
        with suppress(nats.errors.Error):
            await msg.nak(delay=delay_s)


@asynccontextmanager
async def consuming(bus: Bus, service: str, route: Consumption, *, grace_s: float) -> AsyncIterator[Consumer]:
    """Consume while the body runs; at the end stop fetching, grace, cancel, nak what is left."""
    consumer = Consumer(bus, service, route)
    with suppress(TimeoutError):  # where nobody leads it now, its pulls will find it
        async with asyncio.timeout(BEGIN_S):
            await consumer.ensure()
    async with alongside(consumer.run(), consumer.keep_alive(), name=route.durable):
        try:
            yield consumer
        finally:
            await consumer.finish(grace_s)
