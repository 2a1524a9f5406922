"""Send a reply to a client's inbox, the same way whoever sends it."""

from __future__ import annotations

import msgspec
from nats.micro.request import ERROR_CODE_HEADER, ERROR_HEADER

from schemas.messages import Error, Reply
from schemas.terms import ErrorCode, Status
from services.runtime.bus import Bus

MAX_MESSAGE_CHARS = 300


class Refusal(Exception):  # noqa: N818  # an answer, if not the one hoped for
    """A query can't be taken; `code` and the one-line message go to the client."""

    def __init__(self, code: ErrorCode, message: str) -> None:
        super().__init__(message if len(message) <= MAX_MESSAGE_CHARS else f"{message[: MAX_MESSAGE_CHARS - 1]}…")
        self.code = code

    def reply(self, id_: str) -> Reply:
        """Give the reply that says so."""
        return Reply(id=id_, status=Status.FAILED, error=Error(code=self.code, message=str(self)))


async def deliver(
    bus: Bus, inbox: str, reply: Reply, payload: bytes | None = None, traceparent: str | None = None
) -> None:
    """Send `reply`, as the bytes `payload` where they are stored already, with the headers of NATS services."""
    if not inbox:
        return
    headers = {}
    if reply.error is not None:
        message = " ".join(reply.error.message[:MAX_MESSAGE_CHARS].split())
        headers = {ERROR_CODE_HEADER: reply.error.code.value, ERROR_HEADER: message}
    if traceparent is not None:
        headers["traceparent"] = traceparent
    await bus.send(inbox, msgspec.json.encode(reply) if payload is None else payload, headers or None)
