"""Make durable consumers of the streams."""

from __future__ import annotations

from collections.abc import Sequence

from nats.js.api import AckPolicy, ConsumerConfig
from nats.js.errors import APIError, NotFoundError, ServiceUnavailableError

from services.runtime.bus import Bus
from services.runtime.reader import TIMEOUT_S
from services.runtime.routes import ACK_WAIT_S
from services.runtime.wire import BusError, Missing, Refused


async def add_consumer(
    bus: Bus,
    stream: str,
    durable: str,
    filters: Sequence[str],
    *,
    ack_wait_s: float = ACK_WAIT_S,
    inactive_s: float | None = None,
) -> None:
    """Make a consumer or bring it up to date.  Raises what makes the caller try again, or BusError."""
    config = ConsumerConfig(
        durable_name=durable,
        ack_policy=AckPolicy.EXPLICIT,
        ack_wait=ack_wait_s,
        max_ack_pending=4096,
        filter_subject=filters[0] if len(filters) == 1 else None,
        filter_subjects=list(filters) if len(filters) > 1 else None,
        inactive_threshold=inactive_s,
    )
    try:
        await bus.client.jetstream(timeout=TIMEOUT_S).add_consumer(stream, config)
    except NotFoundError as error:
        raise Missing(error.description) from None
    except ServiceUnavailableError as error:
        raise Refused(error.description) from None
    except APIError as error:
        raise BusError(f"consumer {durable}: {error.description}") from None
