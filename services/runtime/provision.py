"""Make the streams and the buckets, or add to them what they lack.  Any service may do it, any number of times.

Processes of several versions may run at once, so what is there is never taken away: subjects are joined, and of two
limits the wider one holds.  Only an operator changes how much is kept and for how long; the log tells what he lowers.
Presence and admission are kept in memory: they speak of the moment only, and are written often.  A bucket that is full
takes nothing more; but the cached answers, which give way to newer ones.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import fields, replace
from functools import partial
from typing import Any

import structlog
from nats.errors import Error
from nats.js.api import DiscardPolicy, RePublish, StorageType, StreamConfig
from nats.js.errors import APIError, BadRequestError, NotFoundError, ServiceUnavailableError

from schemas.actors import Actor
from schemas.commands import MAX_TIMEOUT_S
from schemas.subjects import PRESENCE_TTL_S, STREAM_MAX_AGE_S, TABLE, Space, Store
from services.runtime.bus import Bus
from services.runtime.consumers import add_consumer
from services.runtime.ledger import ensure_ledger
from services.runtime.limits import Limits
from services.runtime.patience import PATIENCE_S
from services.runtime.permissions import CORE, EDGE, Durable, User, durables
from services.runtime.wire import BusError

log = structlog.get_logger(__name__)

MAX_IN_FLIGHT = 128
STREAM_MAX_BYTES = 256 * 1024 * 1024
CLAIMS_MAX_BYTES = 64 * 1024 * 1024
BUCKET_MAX_BYTES = 16 * 1024 * 1024
FITNESS_HISTORY = 10
FITNESS_MAX_BYTES = 128 * 1024 * 1024  # of 1,000 nodes: a record has up to 11 KB where clients give much feedback
FITNESS_MAX_BYTES_BEFORE = BUCKET_MAX_BYTES  # which an earlier version made; it is raised where nobody set another
CACHE_MAX_BYTES = 64 * 1024 * 1024
CACHE_MAX_AGE_S = 24 * 60 * 60.0

MAX_CONSUMERS = 10_000  # one a node; a stream that names no number gets the server's, which is 1,000

ANSWER_S = 1.5  # a stream that nobody leads now does not answer, and is asked again

_STREAM_NAME_IN_USE = 10058
_LIMITS = ("max_consumers", "max_msgs_per_subject")  # the others are the operator's
_FEATURES = ("allow_direct", "allow_atomic", "allow_msg_schedules", "allow_msg_ttl")


async def provision(
    bus: Bus,
    limits: Limits = Limits(),  # noqa: B008  # frozen
    *,
    replicas: int | None = None,
    nodes: Iterable[str] = (),
    in_files: bool = False,
) -> None:
    """Make what is missing and add what is lacking.

    What is None in `limits` leaves what is there as it is, and so does `replicas`.  The operator makes the consumers
    too, of the services and of the `nodes`, who may not.  With `in_files` nothing is kept in memory, so that nobody
    need make it again when the server comes back.  Raises BusError when the server refuses.
    """
    actor = bus.identity.actor if bus.identity is not None else None
    if actor not in (None, Actor.OPERATOR):
        await check_provisioned(bus)
        return
    said: dict[str, dict[str, float | None]] = {
        bus.space.stream(Store.ADMIT): {"max_msgs": limits.max_in_flight},
        bus.space.stream(Store.STREAM): {"max_bytes": limits.stream_max_bytes, "max_age": limits.stream_max_age_s},
    }
    give_up_at = asyncio.get_running_loop().time() + PATIENCE_S

    async def ensure(default: StreamConfig) -> None:
        told = {**said.get(default.name or "", {}), "num_replicas": replicas}
        imposed: dict[str, Any] = {name: value for name, value in told.items() if value is not None}
        config = replace(default, **imposed)
        await _insist(config.name or "", partial(_ensure, bus, config, imposed), give_up_at)

    configs = _configs(bus.space, replicas, StorageType.FILE if in_files else StorageType.MEMORY)
    ledger = _insist(bus.space.stream(Store.LEDGER), partial(ensure_ledger, bus, limits, replicas), give_up_at)
    await asyncio.gather(*map(ensure, configs), ledger)
    if actor is Actor.OPERATOR:
        for durable in all_durables(nodes):
            await ensure_durable(bus, durable)


async def _insist(name: str, attempt: Callable[[], Awaitable[None]], give_up_at: float) -> None:
    """Try until the server does what a stream takes, or refuses it.  Raises BusError then, or when it stays away."""
    while True:
        try:
            await attempt()
        except (Error, TimeoutError) as error:
            if isinstance(error, APIError) and not isinstance(error, ServiceUnavailableError):
                raise BusError(f"stream {name}: {error.description}") from None
            reason = str(error) or type(error).__name__
        else:
            return
        if asyncio.get_running_loop().time() > give_up_at:
            raise BusError(f"JetStream is not available: {reason}")
        await asyncio.sleep(0.2)


async def check_provisioned(bus: Bus) -> None:
    """Wait until all is there that this user needs.  Raises BusError with what is missing.

    A node, which may not ask for it, is told by its pulls.
    """
    assert bus.identity is not None
    actor = bus.identity.actor
    if actor is None or actor in EDGE:
        return
    for durable in durables(User(actor, bus.identity.name)):
        stream = bus.space.stream(durable.store)
        try:
            await bus.ask_jetstream(f"CONSUMER.INFO.{stream}.{durable.name}")
        except BusError as error:
            reason = f"{actor}: the consumer {durable.name} of the stream {stream} can't be had ({error})"
            raise BusError(f"{reason}; the operator makes it with `dellm auth provision`") from None


async def ensure_durable(bus: Bus, durable: Durable) -> None:
    """Make a consumer, or bring it up to date.  Raises BusError."""
    filters = [bus.space.full(durable.store, subject) for subject in durable.subjects]
    await bus.patiently(lambda: add_consumer(bus, bus.space.stream(durable.store), durable.name, filters))


def all_durables(nodes: Iterable[str]) -> list[Durable]:
    """List the consumers of all services, and of some nodes."""
    users = [User(actor, str(actor)) for actor in CORE] + [User(Actor.NODE, node) for node in nodes]
    return [durable for user in users for durable in durables(user)]


async def _ensure(bus: Bus, wanted: StreamConfig, imposed: Mapping[str, Any]) -> None:
    jetstream = bus.client.jetstream(timeout=ANSWER_S)
    name = wanted.name or ""
    try:
        there = (await jetstream.stream_info(name)).config
    except NotFoundError:
        try:
            there = (await jetstream.add_stream(wanted)).config
        except BadRequestError as error:
            if error.err_code != _STREAM_NAME_IN_USE:  # else somebody was first
                raise
            there = (await jetstream.stream_info(name)).config
    joined = join(there, wanted, _claimed(bus.space))
    if name == bus.space.stream(Store.FITNESS) and there.max_bytes == FITNESS_MAX_BYTES_BEFORE:
        joined = replace(joined, max_bytes=FITNESS_MAX_BYTES)
    joined = replace(joined, **imposed)
    changed = [field.name for field in fields(joined) if getattr(joined, field.name) != getattr(there, field.name)]
    if changed:
        lowered = {limit: value for limit, value in imposed.items() if value < getattr(there, limit)}
        if lowered:
            log.warning("stream.updated", stream=name, changed=changed, lowered=lowered)
        else:
            log.info("stream.updated", stream=name, changed=changed)
        await jetstream.update_stream(joined)


def join(there: StreamConfig, wanted: StreamConfig, elsewhere: Collection[str] = ()) -> StreamConfig:
    """Give the configuration that is there, with what is wanted besides, without subjects that are `elsewhere` now."""
    subjects = list(dict.fromkeys([*(there.subjects or ()), *(wanted.subjects or ())]))
    subjects = [subject for subject in subjects if subject in (wanted.subjects or ()) or subject not in elsewhere]
    limits: dict[str, Any] = {limit: _wider(getattr(there, limit), getattr(wanted, limit)) for limit in _LIMITS}
    if wanted.max_consumers is not None and (there.max_consumers or -1) <= 0:
        limits["max_consumers"] = wanted.max_consumers  # -1 is not "any number" here but the server's default
    allowed: dict[str, Any] = {feature: True for feature in _FEATURES if getattr(wanted, feature)}
    return replace(there, subjects=subjects, allow_rollup_hdrs=wanted.allow_rollup_hdrs, **limits, **allowed)


def _wider(one: float | None, other: float | None) -> float | None:
    """Give the wider of two limits; None says nothing, and no limit (0 or less) is the widest."""
    told = [limit for limit in (one, other) if limit is not None]
    return max(told, key=lambda limit: float("inf") if limit <= 0 else limit, default=None)


def _configs(space: Space, replicas: int | None, passing: StorageType) -> list[StreamConfig]:
    """Give all streams; what speaks of the moment only is `passing`."""
    stream = replace(
        _stream(space, Store.STREAM, replicas),
        description="every query in flight: the state of DELLM",
        max_consumers=MAX_CONSUMERS,
        max_bytes=STREAM_MAX_BYTES,
        allow_atomic=True,
        allow_msg_schedules=True,
        allow_msg_ttl=True,
        allow_rollup_hdrs=True,  # which schedules need
    )
    claims = replace(
        _stream(space, Store.CLAIMS, replicas),
        description="what nodes and clients say",
        max_bytes=CLAIMS_MAX_BYTES,
        allow_msg_ttl=True,
    )
    fitness = _bucket(
        space,
        Store.FITNESS,
        replicas,
        max_msgs_per_subject=FITNESS_HISTORY,
        max_bytes=FITNESS_MAX_BYTES,
        allow_atomic=True,
    )
    presence = _bucket(space, Store.PRESENCE, replicas, max_age=PRESENCE_TTL_S, storage=passing)
    admit = _bucket(
        space,
        Store.ADMIT,
        replicas,
        max_age=MAX_TIMEOUT_S + 60,
        max_msgs=MAX_IN_FLIGHT,
        storage=passing,
    )
    answers = _bucket(
        space,
        Store.ANSWERS,
        replicas,
        max_age=CACHE_MAX_AGE_S,
        max_bytes=CACHE_MAX_BYTES,
        discard=DiscardPolicy.OLD,
    )
    keys = _bucket(space, Store.KEYS, replicas)
    calibration = _bucket(space, Store.CALIBRATION, replicas)
    return [stream, claims, fitness, presence, admit, answers, keys, calibration]


def _claimed(space: Space) -> list[str]:
    return [space.full(row.store, row.at()) for row in TABLE if row.store is Store.CLAIMS]


def _stream(space: Space, store: Store, replicas: int | None) -> StreamConfig:
    return StreamConfig(
        name=space.stream(store),
        subjects=[space.full(store, row.at()) for row in TABLE if row.store is store],
        storage=StorageType.FILE,
        discard=DiscardPolicy.OLD,
        max_msgs_per_subject=1,
        max_age=STREAM_MAX_AGE_S,
        num_replicas=replicas,
        duplicate_window=0,
        allow_direct=True,
        republish=RePublish(src=f"{space.prefix}.>", dest=f"event.{space.prefix}.>"),
    )


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
        allow_rollup_hdrs=False,  # with it, who may write one key may empty the bucket
        deny_delete=True,
    )
