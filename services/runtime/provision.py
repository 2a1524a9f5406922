"""Make the stream and the buckets, or bring them to the wanted shape.  Any service may do it, any number of times.

Presence and admission are kept in memory: they speak of the moment only, and are written often.  A bucket that is full
takes nothing more; but the cached answers, which give way to newer ones.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

import structlog
from nats.errors import Error, NoRespondersError
from nats.js.api import DiscardPolicy, RePublish, StorageType, StreamConfig
from nats.js.errors import APIError, ServiceUnavailableError

from schemas.commands import MAX_TIMEOUT_S
from schemas.subjects import PRESENCE_TTL_S, STREAM_MAX_AGE_S, TABLE, Space, Store
from services.runtime.bus import Bus
from services.runtime.patience import PATIENCE_S
from services.runtime.wire import BusError

log = structlog.get_logger(__name__)

MAX_IN_FLIGHT = 128
STREAM_MAX_BYTES = 256 * 1024 * 1024
BUCKET_MAX_BYTES = 16 * 1024 * 1024
FITNESS_HISTORY = 10
CACHE_MAX_BYTES = 64 * 1024 * 1024
CACHE_MAX_AGE_S = 24 * 60 * 60.0

_STREAM_NAME_IN_USE = 10058


async def provision(bus: Bus, *, max_in_flight: int = MAX_IN_FLIGHT, replicas: int | None = None) -> None:
    """Make what is missing and update what differs.

    `replicas` None makes one copy, and leaves what is there at what it has.  Raises BusError when the server refuses.
    """
    give_up_at = asyncio.get_running_loop().time() + PATIENCE_S
    for config in _configs(bus.space, max_in_flight, replicas):
        while True:
            try:
                await _ensure(bus, config)
                break
            except APIError as error:
                raise BusError(f"stream {config.name}: {error.description}") from None
            except (ServiceUnavailableError, NoRespondersError, Error, TimeoutError) as error:
                if asyncio.get_running_loop().time() > give_up_at:
                    raise BusError(f"JetStream is not available: {error or type(error).__name__}") from None
                await asyncio.sleep(0.2)


async def _ensure(bus: Bus, config: StreamConfig) -> None:
    stream = bus.client.jetstream()
    try:
        await stream.add_stream(config)
    except ServiceUnavailableError:
        raise
    except APIError as error:
        if error.err_code != _STREAM_NAME_IN_USE:
            raise
        if config.num_replicas is None:
            config = replace(config, num_replicas=(await stream.stream_info(config.name or "")).config.num_replicas)
        await stream.update_stream(config)
        log.info("stream.updated", stream=config.name)


def _configs(space: Space, max_in_flight: int, replicas: int | None) -> list[StreamConfig]:
    stream = StreamConfig(
        name=space.stream(Store.STREAM),
        description="every query in flight: the state of DELLM",
        subjects=[space.full(Store.STREAM, row.at()) for row in TABLE if row.store is Store.STREAM],
        storage=StorageType.FILE,
        discard=DiscardPolicy.OLD,
        max_msgs_per_subject=1,
        max_age=STREAM_MAX_AGE_S,
        max_bytes=STREAM_MAX_BYTES,
        num_replicas=replicas,
        duplicate_window=0,
        allow_direct=True,
        allow_atomic=True,
        allow_msg_schedules=True,
        allow_msg_ttl=True,
        allow_rollup_hdrs=True,
        republish=RePublish(src=f"{space.prefix}.>", dest=f"event.{space.prefix}.>"),
    )
    fitness = _bucket(space, Store.FITNESS, replicas, max_msgs_per_subject=FITNESS_HISTORY, allow_atomic=True)
    presence = _bucket(space, Store.PRESENCE, replicas, max_age=PRESENCE_TTL_S, storage=StorageType.MEMORY)
    admit = _bucket(
        space,
        Store.ADMIT,
        replicas,
        max_age=MAX_TIMEOUT_S + 60,
        max_msgs=max_in_flight,
        storage=StorageType.MEMORY,
    )
    answers = _bucket(
        space,
        Store.ANSWERS,
        replicas,
        max_age=CACHE_MAX_AGE_S,
        max_bytes=CACHE_MAX_BYTES,
        discard=DiscardPolicy.OLD,
    )
    return [stream, fitness, presence, admit, answers]


def _bucket(  # a bucket is a stream of this shape (ADR-8); the client's own call has no max_msgs
    space: Space,
    store: Store,
    replicas: int | None,
    *,
    max_msgs_per_subject: int = 1,
    max_age: float = 0,
    max_msgs: int = -1,
    max_bytes: int = BUCKET_MAX_BYTES,
    discard: DiscardPolicy = DiscardPolicy.NEW,
    storage: StorageType = StorageType.FILE,
    allow_atomic: bool = False,
) -> StreamConfig:
    return StreamConfig(
        name=space.stream(store),
        subjects=[space.full(store, ">")],
        storage=storage,
        discard=discard,
        max_msgs=max_msgs,
        max_msgs_per_subject=max_msgs_per_subject,
        max_age=max_age,
        max_bytes=max_bytes,
        num_replicas=replicas,
        duplicate_window=0,
        allow_direct=True,
        allow_atomic=allow_atomic,
        allow_rollup_hdrs=True,
        deny_delete=True,
    )
