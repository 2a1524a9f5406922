"""What the bus knows of a response."""

from __future__ import annotations

import time

from msgspec import Struct

from schemas.messages import Error, Reply
from schemas.plans import Plan
from schemas.responses import StoredResponse
from schemas.subjects import ANSWER, DRAFTS, PLAN, RESPONSE
from schemas.terms import ErrorCode, Status
from services.gateway.errors import HttpError
from services.gateway.responses.request import PREFIX
from services.gateway.responses.resource import IN_PROGRESS, QUEUED, status_of
from services.gateway.responses.script import num_given_up
from services.runtime.bus import Bus

LOST_S = 10.0  # past its deadline a query without an answer is taken for lost


class Known(Struct, frozen=True, kw_only=True):
    """A response as it stands: `planned` tells that its query is being worked on."""

    response: StoredResponse
    reply: Reply | None
    planned: bool
    drafts: list[str] = []

    @property
    def item(self) -> int:
        """The index that the answer has in a stream."""
        return 0 if self.reply is None else num_given_up(self.drafts, self.reply)

    @property
    def status(self) -> str:
        """The status, as the resource tells it."""
        if self.reply is not None:
            return status_of(self.reply)
        return IN_PROGRESS if self.planned else QUEUED


async def look_up(bus: Bus, id_: str, owner: str) -> Known:
    """Read all of a response in one go.  Raises HttpError where there is none, or it is another key's."""
    found = await bus.read(*((row, row.at(id=id_)) for row in (RESPONSE, PLAN, ANSWER, DRAFTS)))
    if not found[RESPONSE] or found[RESPONSE][0].message.owner not in {"", owner}:
        raise HttpError(404, f"there is no response '{PREFIX}{id_}', or it is no longer kept", code="not_found")
    response: StoredResponse = found[RESPONSE][0].message
    plan: Plan | None = found[PLAN][0].message if found[PLAN] else None
    reply: Reply | None = found[ANSWER][0].message if found[ANSWER] else None
    if reply is None and plan is not None and plan.deadline_at + LOST_S < time.time():
        why = "no answer came in time: the query was lost"
        reply = Reply(id=id_, status=Status.FAILED, error=Error(code=ErrorCode.INTERNAL, message=why))
    drafts: list[str] = found[DRAFTS][0].message.texts if found[DRAFTS] else []
    return Known(response=response, reply=reply, planned=plan is not None, drafts=drafts)
