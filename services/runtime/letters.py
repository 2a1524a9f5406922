"""Dead letters: what becomes of a message that no handler can do anything with."""

from __future__ import annotations

from contextlib import suppress

import nats.errors
import structlog
from msgspec import structs
from nats.aio.msg import Msg

from schemas.messages import DeadLetter
from schemas.subjects import DEAD, MAX_TOKEN_CHARS
from services.runtime.bus import Bus
from services.runtime.wire import Entry, TooLarge

log = structlog.get_logger(__name__)

CUT_CHARS = 64 * 1024  # what is kept of a payload that is too large for a letter; each may take 6 bytes in JSON


async def bury(bus: Bus, msg: Msg, durable: str, reason: str) -> None:
    """Keep a message of a consumer as a dead letter with the reason, and end it."""
    letter = DeadLetter(
        subject=msg.subject,
        service=durable[:MAX_TOKEN_CHARS],  # a durable may be longer than the id of its node
        sequence=msg.metadata.sequence.stream,
        reason=reason,
        payload=msg.data.decode(errors="replace"),
    )
    try:
        try:
            await bus.commit(Entry(DEAD, letter))
        except TooLarge:
            await bus.commit(Entry(DEAD, structs.replace(letter, payload=letter.payload[:CUT_CHARS])))
    except Exception as error:  # the message is of no use either way
        log.exception("letter.lost", subject=msg.subject, error=str(error))
    finally:
        with suppress(nats.errors.Error):
            await msg.term()
