"""Send a reply to a client's inbox, the same way whoever sends it."""

from __future__ import annotations

import re

import msgspec
import structlog
from nats.micro.request import ERROR_CODE_HEADER, ERROR_HEADER

from schemas.messages import Reply
from schemas.subjects import Space
from services.runtime.bus import Bus
from services.runtime.refusal import MAX_MESSAGE_CHARS
from services.runtime.telemetry.outcomes import count_reply

log = structlog.get_logger(__name__)

MAX_INBOX_CHARS = 512

_SUBJECT = re.compile(r"[^\s\x00-\x1f\x7f.*>]+(?:\.[^\s\x00-\x1f\x7f.*>]+)*")


def is_inbox(address: str, space: Space) -> bool:
    """Tell whether a reply may go to `address`: a plain subject that is not the server's and not our own."""
    if len(address) > MAX_INBOX_CHARS or not _SUBJECT.fullmatch(address) or address.startswith("$"):
        return False
    own = (space.prefix, f"event.{space.prefix}")
    return not any(address == prefix or address.startswith(f"{prefix}.") for prefix in own)


async def deliver(bus: Bus, inbox: str, reply: Reply, payload: bytes | None = None) -> None:
    """Send `reply`, as the bytes `payload` where they are stored already, with the headers of NATS services.

    An address that is no inbox gets nothing, and the log tells.
    """
    if not inbox:
        return
    if not is_inbox(inbox, bus.space):
        log.warning("reply.no_inbox", query=reply.id, address=inbox[:MAX_INBOX_CHARS])
        return
    headers = {}
    if reply.error is not None:
        message = " ".join(reply.error.message[:MAX_MESSAGE_CHARS].split())
        headers = {ERROR_CODE_HEADER: reply.error.code.value, ERROR_HEADER: message}
    await bus.send(inbox, msgspec.json.encode(reply) if payload is None else payload, headers or None)
    count_reply(bus.telemetry.metrics, reply)
