"""Look around: which services answer `$SRV.PING`, and how much work waits in the stream."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any, cast

import msgspec
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js.errors import NotFoundError

from schemas.subjects import Store
from services.runtime.bus import Bus
from services.runtime.ledger import find_ledger
from services.runtime.limits import Limits
from services.runtime.wire import BusError, decode

LISTEN_S = 0.5


class Found(msgspec.Struct):
    """A service instance, as NATS micro describes itself."""

    name: str
    id: str
    version: str
    metadata: dict[str, str] = {}


class Depth(msgspec.Struct):
    """A durable consumer's work: messages not delivered yet, and delivered but not acked."""

    durable: str
    waiting: int
    in_hand: int


async def find_services(bus: Bus) -> list[Found]:
    """Ping all services of this prefix and collect who answers within LISTEN_S."""
    found: list[Found] = []

    async def on_pong(msg: Msg) -> None:
        if msg.headers is None or "Status" not in msg.headers:
            with suppress(msgspec.DecodeError):  # another's service may describe itself in another way
                found.append(decode(msg.data, Found))

    inbox = bus.client.new_inbox()
    subscription = await bus.subscribe(inbox, on_pong)
    await bus.client.publish("$SRV.PING", b"", reply=inbox)
    await asyncio.sleep(LISTEN_S)
    await subscription.unsubscribe()
    return sorted((service for service in found if service.metadata.get("prefix") == bus.space.prefix), key=_by_name)


async def find_limits(bus: Bus) -> Limits:
    """Give the limits in force, as the server holds them.  Raises BusError when it stays away."""

    async def config_of(store: Store) -> dict[str, Any]:
        info = decode(await bus.ask_jetstream(f"STREAM.INFO.{bus.space.stream(store)}"), dict)
        return cast("dict[str, Any]", info["config"])

    stream, admit, ledger = await asyncio.gather(config_of(Store.STREAM), config_of(Store.ADMIT), find_ledger(bus))
    return Limits(
        ledger_days=ledger.days if ledger is not None else 0.0,
        ledger_max_bytes=ledger.max_bytes if ledger is not None else None,
        ledger_text=ledger.text if ledger is not None else None,
        max_in_flight=admit["max_msgs"],
        stream_max_bytes=stream["max_bytes"],
        stream_max_age_s=stream["max_age"] / 1e9,
    )


async def find_depths(bus: Bus) -> list[Depth]:
    """List the streams' durable consumers with their work.  Raises BusError when there is no stream."""
    both = [await _depths_in(bus, bus.space.stream(store)) for store in (Store.STREAM, Store.CLAIMS)]
    return sorted((depth for found in both for depth in found), key=lambda depth: depth.durable)


async def _depths_in(bus: Bus, name: str) -> list[Depth]:
    consumers: list[Any] = []
    try:
        while page := await bus.client.jetstream().consumers_info(name, offset=len(consumers)):
            consumers += page
    except NotFoundError:
        raise BusError(f"there is no stream {name}: no service has ever run here") from None
    except (NatsError, TimeoutError) as error:
        if f"$js.api.consumer.list.{name}".lower() in bus.forbidden:
            raise BusError(f"this user may not look into the stream {name}; the operator may") from None
        raise BusError(f"stream {name}: {error or type(error).__name__}") from None
    return [Depth(consumer.name, consumer.num_pending or 0, consumer.num_ack_pending or 0) for consumer in consumers]


async def find_tokens(bus: Bus, subject: str) -> list[str]:
    """List the last tokens of the stream's subjects that match, such as the ids of all answers."""
    name, filter_ = bus.space.stream(Store.STREAM), bus.space.full(Store.STREAM, subject)
    try:
        info = await bus.client.jetstream().stream_info(name, subjects_filter=filter_)
    except (NatsError, TimeoutError) as error:
        raise BusError(f"stream {name}: {error or type(error).__name__}") from None
    return sorted(found.rpartition(".")[2] for found in info.state.subjects or {})


def _by_name(found: Found) -> tuple[str, str]:
    return found.name, found.metadata.get("node", found.id)
