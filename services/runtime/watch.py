"""Follow the last value of every key of a bucket, as the server commits them.

A push consumer brings what is there and then what changes, with heartbeats of its own where nothing does.  It is made
anew when the server comes back or when it falls silent: the client's own watch takes up to 17 s to notice that.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import nats.errors
import structlog
from nats.aio.msg import Msg
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.errors import APIError, NotFoundError, ServiceUnavailableError

from schemas.subjects import Store
from services.runtime.bus import Bus
from services.runtime.patience import patience_left_s
from services.runtime.supervision import alongside
from services.runtime.wire import BusError, Missing, Refused

log = structlog.get_logger(__name__)

HEARTBEAT_S = 0.5
SILENT_S = 2.5 * HEARTBEAT_S
MAKE_S = 1.0
FORGET_S = 5.0  # after which the server drops the consumer of a process that is gone

OnValue = Callable[[str, bytes | None], None]
OnAnew = Callable[[], None]


class Watch:
    """One watch of one bucket, made by `watching`.

    `heard_at` is the last sign of life, `value_at` the last value (monotonic seconds).  While the watch is made anew,
    what was known counts.
    """

    def __init__(self, bus: Bus, store: Store, on_value: OnValue, on_anew: OnAnew) -> None:
        self._bus = bus
        self._store = store
        self._stream = bus.space.stream(store)
        self._on_value = on_value
        self._on_anew = on_anew
        self._current = asyncio.Event()
        self._lost = asyncio.Event()
        self._num_there: int | None = None
        self._num_heard = 0
        self._begun = False
        self.heard_at = float("-inf")
        self.value_at = float("-inf")

    async def wait_until_current(self) -> None:
        """Wait until all that is there has been told.  Raises BusError when the server stays away."""
        if self._current.is_set():
            return
        try:
            async with asyncio.timeout(patience_left_s()):
                await self._current.wait()
        except TimeoutError:
            raise BusError(f"no word from NATS of what {self._stream} holds") from None

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            try:
                await self._follow()
            except (BusError, nats.errors.Error, TimeoutError) as error:
                log.warning("watch.failed", stream=self._stream, error=str(error) or type(error).__name__)
                await asyncio.sleep(HEARTBEAT_S)

    async def _follow(self) -> None:
        """Make the consumer, and return when it is lost."""
        self._lost.clear()
        self._begun = False
        self._num_there, self._num_heard = None, 0
        made_at = time.monotonic()
        inbox = self._bus.client.new_inbox()
        subscription = await self._bus.subscribe(inbox, self._on_message)
        try:
            self._num_there = await self._bus.patiently(lambda: self._make(inbox))
            self._begin()
            self.heard_at = time.monotonic()
            self._look()
            while not self._lost.is_set() and self._bus.reconnected_at < made_at:
                if time.monotonic() - self.heard_at > SILENT_S:
                    return
                with suppress(TimeoutError):
                    async with asyncio.timeout(HEARTBEAT_S):
                        await self._lost.wait()
        finally:
            with suppress(nats.errors.Error):
                await subscription.unsubscribe()

    def _begin(self) -> None:
        """Forget what was known, when what is there begins to be told."""
        if not self._begun:
            self._begun = True
            self._current.clear()
            self._on_anew()

    async def _make(self, inbox: str) -> int:
        """Make the consumer; give the number of values that are there."""
        config = ConsumerConfig(
            name=self._bus.new_id(),
            deliver_subject=inbox,
            deliver_policy=DeliverPolicy.LAST_PER_SUBJECT,
            filter_subject=self._bus.space.full(self._store, ">"),
            ack_policy=AckPolicy.NONE,
            idle_heartbeat=HEARTBEAT_S,
            inactive_threshold=FORGET_S,
            mem_storage=True,
            num_replicas=1,
        )
        try:
            info = await self._bus.client.jetstream(timeout=MAKE_S).add_consumer(self._stream, config)
        except NotFoundError as error:
            raise Missing(error.description) from None
        except (APIError, ServiceUnavailableError) as error:
            raise Refused(error.description) from None
        begun = info.delivered.consumer_seq if info.delivered is not None else 0
        return begun + (info.num_pending or 0)

    async def _on_message(self, msg: Msg) -> None:
        self.heard_at = time.monotonic()
        header = msg.headers
        if header is not None and "Status" in header:
            if header.get("Nats-Last-Consumer", "") not in ("", str(self._num_heard)):
                self._lost.set()  # a value was lost on the way
            return
        self._begin()
        self.value_at = self.heard_at
        self._num_heard += 1
        try:
            self._on_value(msg.subject.rpartition(".")[2], None if header and "KV-Operation" in header else msg.data)
        except Exception:  # nats-py would end the subscription silently
            log.exception("value.failed", subject=msg.subject)
        if not self._current.is_set():
            self._look()

    def _look(self) -> None:
        if self._num_there is not None and self._num_heard >= self._num_there:
            self._current.set()


@asynccontextmanager
async def watching(bus: Bus, store: Store, on_value: OnValue, on_anew: OnAnew) -> AsyncIterator[Watch]:
    """Call `on_value` with the key and the value (None: deleted) of each key, then of each change, in order.

    `on_anew` is called before that begins, each time: what was deleted since is not told.
    """
    watch = Watch(bus, store, on_value, on_anew)
    async with alongside(watch.run(), name=bus.name):
        yield watch
