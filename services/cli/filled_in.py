"""A reply with what its record had no room for, read from the stream while it is there."""

from __future__ import annotations

import structlog
from msgspec import structs

from schemas.messages import Reply
from schemas.subjects import PLAN, RESULT
from services.evaluation.record import is_trimmed, restored
from services.runtime.bus import Bus
from services.runtime.wire import BusError

log = structlog.get_logger(__name__)


async def filled_in(bus: Bus, reply: Reply) -> Reply:
    """Give each chunk what the models said of it; where this user may not read that, the reply as it is."""
    if not any(map(is_trimmed, reply.chunks)):
        return reply
    try:
        found = await bus.read((PLAN, PLAN.at(id=reply.id)), (RESULT, RESULT.at(id=reply.id)))
    except BusError as error:
        log.warning("reply.trimmed", query=reply.id, reason=str(error))
        return reply
    assignments = [task for plan in found[PLAN] for task in plan.message.assignments]
    results = [result.message for result in found[RESULT]]
    return structs.replace(reply, chunks=[restored(chunk, results, assignments) for chunk in reply.chunks])
