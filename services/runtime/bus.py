"""The bus: typed messages over NATS and JetStream.

It knows subjects, stores and message types, and how to write so that nothing is lost or written twice; it does not
know what any message is for.  Every write to a store waits for the server's word and is repeated while the server is
away, for as long as `patience` says.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any, TypeVar

import msgspec
import nats.errors
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from schemas.subjects import Space, Subject
from services.runtime.careful import CarefulClient, forbidden_subject, is_final
from services.runtime.connection import Connection
from services.runtime.inbox import Inbox
from services.runtime.keys import Identity
from services.runtime.patience import patiently
from services.runtime.reader import TIMEOUT_S, Reader, collect
from services.runtime.telemetry.carried import with_context
from services.runtime.telemetry.telemetry import Telemetry
from services.runtime.watchdog import watch_connection
from services.runtime.wire import BusError, Conflict, Entry, Missing, Stored, TooLarge, encode, sequence_of
from services.runtime.writer import Writer

log = structlog.get_logger(__name__)

T = TypeVar("T", bound=msgspec.Struct)
R = TypeVar("R")

MIN_SERVER = (2, 15)
PAYLOAD_RESERVE_BYTES = 16 * 1024  # headers are not counted against max_payload, and one byte too many ends the client
PENDING_BYTES = 16 * 1024 * 1024  # what may wait for a reconnect
CLOSE_S = 1.0


class Bus:
    """A connection to NATS that speaks the subject table, made by `connect`.

    `stores_in_doubt` is set when a stream or bucket may be gone: nobody answered for it, or the server was away.
    `on_reconnected` are called when the server came back, last at `reconnected_at` (monotonic seconds).
    `identity` tells whose key it uses, if any; `forbidden` holds the subjects that were refused to it, in lower case.

    Whatever it sends, but for values of buckets, carries the trace context of what is being done.
    """

    def __init__(
        self, client: Client, space: Space, name: str, identity: Identity | None, telemetry: Telemetry
    ) -> None:
        self.client = client
        self.space = space
        self.name = name
        self.identity = identity
        self.telemetry = telemetry
        self.inbox = Inbox(client)
        self.was_connected = False
        self.forbidden: set[str] = set()
        self._reader = Reader(client, self.forbidden)
        self._writer = Writer(client, self.forbidden)
        self.stores_in_doubt = asyncio.Event()
        self.reconnected_at = float("-inf")
        self.on_reconnected: set[Callable[[], None]] = set()

    def new_id(self) -> str:
        """Make a token that no other has (a NUID, 22 characters)."""
        return self.client.new_inbox().rpartition(".")[2]

    @property
    def is_clustered(self) -> bool:
        """Whether the server is one of several, of which another leads a stream after a while when its leader dies."""
        return self._reader.is_clustered

    # --- core -------------------------------------------------------------------------------------------------------

    async def publish(self, subject: Subject[T], message: T) -> None:
        """Publish without waiting for the server's word, so that a store may or may not keep it.  Raises TooLarge."""
        address, payload = self.space.full(subject.store, subject.name(message)), encode(message)
        await self._publish(address, payload, None if subject.store.is_bucket else with_context(None))

    async def send(
        self, address: str, payload: bytes, headers: dict[str, str] | None = None, *, reply: str = ""
    ) -> None:
        """Publish raw bytes to any subject, such as a client's inbox.  Raises TooLarge."""
        await self._publish(address, payload, with_context(headers), reply)

    async def _publish(self, address: str, payload: bytes, headers: dict[str, str] | None, reply: str = "") -> None:
        self._check_size(payload, headers)
        await self.client.publish(address, payload, reply=reply, headers=headers)

    async def request(
        self, address: str, payload: bytes, timeout_s: float, headers: dict[str, str] | None = None
    ) -> Msg:
        """Send a request and wait for its reply.  Raises BusError when nobody answers in time."""
        headers = with_context(headers)
        self._check_size(payload, headers)
        try:
            return await self.client.request(address, payload, timeout=timeout_s, headers=headers)
        except nats.errors.NoRespondersError:
            raise BusError(f"nobody listens on {address}") from None
        except (nats.errors.Error, TimeoutError) as error:
            raise BusError(f"no reply on {address}: {error}") from None

    async def subscribe(self, address: str, handler: Callable[[Msg], Awaitable[None]], queue: str = "") -> Subscription:
        """Call `handler` for each message; it must not raise."""
        return await self.client.subscribe(address, queue=queue, cb=handler)

    @asynccontextmanager
    async def tap(self, *addresses: str) -> AsyncIterator[asyncio.Queue[tuple[str, bytes]]]:
        """Hear what passes on some addresses while the body runs, as (address, payload), in order."""
        heard: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue()

        async def on_message(msg: Msg) -> None:
            heard.put_nowait((msg.subject, msg.data))

        subscriptions = [await self.subscribe(address, on_message) for address in addresses]
        await self.flush()
        try:
            yield heard
        finally:
            with suppress(nats.errors.Error):
                await asyncio.gather(*(subscription.unsubscribe() for subscription in subscriptions))

    async def flush(self) -> None:
        """Wait until the server has seen everything sent so far."""
        try:
            await self.client.flush(timeout=int(TIMEOUT_S))
        except (nats.errors.Error, TimeoutError) as error:
            raise BusError(f"the server did not answer: {error}") from None

    # --- stores -----------------------------------------------------------------------------------------------------

    async def commit(self, *entries: Entry[Any]) -> int:
        """Write entries to one store, several of them atomically, and give the last one's sequence.

        Raises Conflict, Full, TooLarge, or BusError when the server stays away.
        """
        messages = [(self._address(entry), entry.payload(), _header(entry)) for entry in entries]
        for _, payload, header in messages:
            self._check_size(payload, header)
        stream = self.space.stream(entries[0].subject.store)
        try:
            sequence = await self.patiently(lambda: self._writer.write(messages))
        except Conflict as conflict:
            self.saw(stream, conflict.sequence)
            raise
        self.saw(stream, sequence)
        return sequence

    def saw(self, stream: str, sequence: int) -> None:
        """Note that a stream has got as far as `sequence`: what is read later is no older."""
        self._reader.saw(stream, sequence)

    async def read(
        self, *wanted: tuple[Subject[Any], str], unreadable: set[str] | None = None
    ) -> dict[Subject[Any], list[Stored[Any]]]:
        """Read the last message of every matching subject, of each store in one go, no older than what was seen here.

        `wanted` pairs a row of the table with a subject that `Subject.at` made.  A bucket's deleted keys are left out,
        and so is what does not decode, whose full subject is put into `unreadable`.
        """
        filters = {self.space.full(subject.store, name): subject for subject, name in wanted}
        by_stream: dict[str, list[str]] = {}
        for address, subject in filters.items():
            by_stream.setdefault(self.space.stream(subject.store), []).append(address)
        reads = [partial(self._reader.multi_get, stream, names) for stream, names in by_stream.items()]
        found = await asyncio.gather(*(self.patiently(read) for read in reads))
        return collect([msg for messages in found for msg in messages], filters, unreadable)

    async def last(self, subject: Subject[T], **tokens: str | int) -> Stored[T] | None:
        """Read one subject's last message, None if there is none."""
        address = self.space.full(subject.store, subject.at(**tokens))
        found = await self.patiently(lambda: self._reader.get(self.space.stream(subject.store), address))
        return next(iter(collect(found, {address: subject})[subject]), None)

    async def purge(self, subject: Subject[T], **tokens: str | int) -> None:
        """Remove the messages of matching subjects from their store."""
        matching = {"filter": self.space.full(subject.store, subject.at(**tokens))}
        await self.ask_jetstream(f"STREAM.PURGE.{self.space.stream(subject.store)}", encode(matching))

    async def ask_jetstream(self, call: str, payload: bytes = b"") -> bytes:
        """Call the API of JetStream and give its reply, which is no error.  Raises BusError."""

        async def attempt() -> bytes:
            reply = await self._writer.ask(f"$JS.API.{call}", payload)
            sequence_of(reply)
            return reply

        return await self.patiently(attempt)

    # --- the wire ---------------------------------------------------------------------------------------------------

    def _address(self, entry: Entry[Any]) -> str:
        return self.space.full(entry.subject.store, entry.subject.name(entry.message))

    def _check_size(self, payload: bytes, headers: Mapping[str, str] | None = None) -> None:
        size = len(payload) + sum(len(key) + len(value.encode()) for key, value in (headers or {}).items())
        limit = self.client.max_payload - PAYLOAD_RESERVE_BYTES
        if size > limit:
            raise TooLarge(f"a message of {size} bytes is over this server's limit of {limit}")

    async def patiently(self, attempt: Callable[[], Awaitable[R]]) -> R:
        """Repeat while the server is away, for as long as `patience` says.  Raises BusError then."""

        def goes_on(error: Exception) -> bool:
            if isinstance(error, nats.errors.NoRespondersError | Missing):
                self.stores_in_doubt.set()
            return not self.client.is_closed

        return await patiently(attempt, goes_on)


def _header(entry: Entry[Any]) -> dict[str, str]:
    header = entry.header()
    return header if entry.subject.store.is_bucket else with_context(header) or header


@asynccontextmanager
async def connect(
    to: str | Connection, *, space: Space, name: str, patience_s: float = 5.0, telemetry: Telemetry | None = None
) -> AsyncIterator[Bus]:
    """Connect to a server of at least MIN_SERVER, and drain at the end.

    `to` may be an address, or several with commas.  Raises BusError when none answers within `patience_s`, and at once
    when one refuses the user or has a certificate that is not trusted.
    """
    connection = Connection.to(to) if isinstance(to, str) else to
    client = CarefulClient()
    bus = Bus(client, space, name, identity := connection.identity(), telemetry or Telemetry())
    last_error = ""

    async def on_error(error: Exception) -> None:
        nonlocal last_error
        last_error = str(error) or type(error).__name__
        if not bus.was_connected and is_final(error):
            raise error  # which ends the attempts
        if (subject := forbidden_subject(last_error)) is not None:
            bus.forbidden.add(subject)
            log.warning("nats.forbidden", service=name, subject=subject, user=identity.name if identity else "")
            return
        away = isinstance(error, OSError | nats.errors.UnexpectedEOF) or not client.is_connected
        (log.debug if away else log.warning)("nats.error", service=name, error=last_error)

    async def on_reconnected() -> None:
        log.info("nats.reconnected", service=name)
        bus.reconnected_at = time.monotonic()
        bus.forbidden.clear()
        bus.stores_in_doubt.set()
        for call in list(bus.on_reconnected):
            call()

    options = connection.options()
    try:
        async with asyncio.timeout(patience_s):
            await client.connect(
                **options,
                name=name,
                error_cb=on_error,
                reconnected_cb=on_reconnected,
                connect_timeout=2,
                reconnect_time_wait=0.1,  # type: ignore[arg-type]  # seconds, fractions work
                max_reconnect_attempts=-1,
                pending_size=PENDING_BYTES,
                skip_subject_validation=True,  # the subject table has checked every token
            )
    except (OSError, nats.errors.Error, TimeoutError, ValueError) as error:
        reason = last_error or str(error) or type(error).__name__  # before more is told of the same end
        with suppress(Exception):
            async with asyncio.timeout(CLOSE_S):  # it waits for ever for a transport whose TLS has failed
                await client.close()
        raise BusError(f"cannot connect to NATS at {connection}: {reason}") from None
    bus.was_connected = True
    try:
        version = client.connected_server_version
        if (version.major, version.minor) < MIN_SERVER:
            raise BusError(f"nats-server at {connection} is {version.major}.{version.minor}; 2.15 or newer is needed")
        async with watch_connection(client, name):
            yield bus
    finally:
        with suppress(Exception):  # whatever is wrong with it, it is over
            await (client.drain() if client.is_connected else client.close())
