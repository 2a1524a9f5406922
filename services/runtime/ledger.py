"""The ledger: a stream into which the server copies what became of each query, and keeps it for days.

The server alone writes it, from the streams of the state.  No service need live for that, and no query waits for it:
what is sealed while the ledger is away is copied once it is back.  With texts it holds the seal, the answer and the
feedback as they are; without, it holds what the trainer makes of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import msgspec
import structlog
from nats.aio.msg import Msg
from nats.errors import Error
from nats.js.api import DiscardPolicy, StorageType, StoreCompression, StreamConfig, StreamInfo, StreamSource
from nats.js.errors import BadRequestError, NotFoundError

from schemas.subjects import KEPT, KEPT_HASHED, Space, Store, Subject
from services.runtime.bus import Bus
from services.runtime.limits import Limits
from services.runtime.reader import TIMEOUT_S
from services.runtime.wire import BusError, Stored, decode_at, encode, unix_time

log = structlog.get_logger(__name__)

DAY_S = 24 * 60 * 60.0
LEDGER_DAYS = 7.0
LEDGER_MAX_BYTES = 256 * 1024 * 1024

READ_TIMEOUT_S = 5.0
READ_AT_ONCE = 500
READ_BYTES = 8 * 1024 * 1024

_TEXT = "dellm.text"  # in the stream's metadata, so that it is known while the ledger is off, too
_YES, _NO = "yes", "no"


class LedgerState(msgspec.Struct, frozen=True, kw_only=True):
    """What the ledger keeps, for how many `days` (0: it is off), and what it holds now."""

    days: float
    max_bytes: int
    text: bool
    messages: int
    bytes: int


def ledger_config(space: Space, limits: Limits, replicas: int | None) -> StreamConfig:
    """Give the ledger as it is made where there is none."""
    config = StreamConfig(
        name=space.stream(Store.LEDGER),
        description="what became of queries, copied by the server",
        storage=StorageType.FILE,
        compression=StoreCompression.S2,
        discard=DiscardPolicy.OLD,
        max_age=LEDGER_DAYS * DAY_S,
        max_bytes=LEDGER_MAX_BYTES,
        num_replicas=replicas,
        duplicate_window=0,
        allow_direct=True,
        metadata={_TEXT: _YES},
        sources=_sources(space, text=True),
    )
    return as_limited(config, space, limits, replicas)


def as_limited(there: StreamConfig, space: Space, limits: Limits, replicas: int | None) -> StreamConfig:
    """Give the ledger that is there as the limits want it; what they don't say stays as it is.

    A ledger that is off has no sources.
    """
    text = keeps_text(there) if limits.ledger_text is None else limits.ledger_text
    days = limits.ledger_days
    on = is_on(there) if days is None else days > 0
    return replace(
        there,
        max_age=days * DAY_S if days else there.max_age,
        max_bytes=limits.ledger_max_bytes or there.max_bytes,
        num_replicas=replicas or there.num_replicas,
        metadata={**(there.metadata or {}), _TEXT: _YES if text else _NO},
        sources=_sources(space, text=text) if on else None,
    )


def keeps_text(config: StreamConfig) -> bool:
    """Tell whether a ledger keeps texts, or did so before it was off."""
    return (config.metadata or {}).get(_TEXT, _YES) == _YES


def is_on(config: StreamConfig) -> bool:
    """Tell whether anything is copied into a ledger."""
    return bool(config.sources)


async def ensure_ledger(bus: Bus, limits: Limits, replicas: int | None) -> None:
    """Make the ledger, or change it as the limits want it.  What may not be kept any more is removed."""
    jetstream = bus.client.jetstream(timeout=TIMEOUT_S)
    name = bus.space.stream(Store.LEDGER)
    there = await _config_of(bus)
    if there is None:
        try:
            there = (await jetstream.add_stream(ledger_config(bus.space, limits, replicas))).config
        except BadRequestError:
            there = await _config_of(bus)  # somebody was first
            if there is None:
                raise
    wanted = as_limited(there, bus.space, limits, replicas)
    if _comparable(wanted) == _comparable(there):
        return
    log.info("stream.updated", stream=name, days=wanted.max_age, text=keeps_text(wanted), on=is_on(wanted))
    await jetstream.update_stream(wanted)
    removed = (*KEPT, *KEPT_HASHED) if not is_on(wanted) else () if keeps_text(wanted) else KEPT
    for row in removed:
        await jetstream.purge_stream(name, subject=bus.space.full(row.store, row.at()))


async def find_ledger(bus: Bus) -> LedgerState | None:
    """Look at the ledger; None where there is none.  Raises BusError where this user may not, or nobody answers."""
    name = bus.space.stream(Store.LEDGER)
    try:
        info: StreamInfo = await bus.client.jetstream().stream_info(name)
    except NotFoundError:
        return None
    except (Error, TimeoutError) as error:
        raise BusError(f"stream {name}: {error or type(error).__name__}") from None
    config = info.config
    return LedgerState(
        days=(config.max_age or 0.0) / DAY_S if is_on(config) else 0.0,
        max_bytes=config.max_bytes or 0,
        text=keeps_text(config),
        messages=info.state.messages,
        bytes=info.state.bytes,
    )


async def read_ledger(bus: Bus, since: float = 0.0) -> AsyncIterator[tuple[Subject[Any], Stored[Any]]]:
    """Read what was copied since a time (Unix seconds), in that order, by batches (ADR-31).

    What does not decode is left out, and the log tells.  Raises BusError where there is no ledger, or this user may not
    read it.
    """
    rows = {bus.space.full(row.store, row.at()).rsplit(".", 1)[0]: row for row in (*KEPT, *KEPT_HASHED)}
    request: dict[str, Any] = {"start_time": datetime.fromtimestamp(max(since, 1.0), UTC).isoformat()}
    while request:
        last = None
        for msg in await _batch(bus, {**request, "batch": READ_AT_ONCE, "max_bytes": READ_BYTES}):
            header = msg.headers or {}
            last, address = int(header["Nats-Sequence"]), header["Nats-Subject"]
            row = rows.get(address.rsplit(".", 1)[0])
            if row is None:
                continue
            try:
                message = decode_at(address, msg.data, row)
            except msgspec.DecodeError as error:
                log.warning("ledger.undecodable", subject=address, reason=str(error))
                continue
            yield row, Stored(message, msg.data, last, unix_time(header["Nats-Time-Stamp"]))
        request = {"seq": last + 1} if last is not None else {}


async def _batch(bus: Bus, request: dict[str, Any]) -> list[Msg]:
    """Read some messages, none where there are no more."""
    name = bus.space.stream(Store.LEDGER)
    call = f"$JS.API.DIRECT.GET.{name}"
    arrived: asyncio.Queue[Msg] = asyncio.Queue()
    inbox = bus.client.new_inbox()
    subscription = await bus.subscribe(inbox, arrived.put)
    found: list[Msg] = []
    try:
        await bus.client.publish(call, encode(request), reply=inbox)
        while True:
            async with asyncio.timeout(READ_TIMEOUT_S):
                msg = await arrived.get()
            match (msg.headers or {}).get("Status"):
                case None:
                    found.append(msg)
                case "204" | "404":
                    return found
                case "503":
                    raise BusError(f"there is no ledger {name}: it is made when a service or the operator starts")
                case status:
                    raise BusError(f"the ledger can't be read: {status} {(msg.headers or {}).get('Description', '')}")
    except TimeoutError:
        if call.lower() in bus.forbidden:
            raise BusError("this user may not read the ledger; the operator may") from None
        raise BusError(f"the ledger {name} can't be read: the server did not answer") from None
    finally:
        await subscription.unsubscribe()


async def _config_of(bus: Bus) -> StreamConfig | None:
    try:
        return (await bus.client.jetstream(timeout=TIMEOUT_S).stream_info(bus.space.stream(Store.LEDGER))).config
    except NotFoundError:
        return None


def _sources(space: Space, *, text: bool) -> list[StreamSource]:
    return [
        StreamSource(name=space.stream(row.store), filter_subject=space.full(row.store, row.at()))
        for row in (KEPT if text else KEPT_HASHED)
    ]


def _comparable(config: StreamConfig) -> dict[str, Any]:
    """Give what the ledger is made with, as plain values."""
    return {
        "max_age": config.max_age,
        "max_bytes": config.max_bytes,
        "num_replicas": config.num_replicas,
        "text": keeps_text(config),
        "sources": sorted((source.name, source.filter_subject or "") for source in config.sources or ()),
    }
