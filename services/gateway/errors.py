"""What goes wrong, in the shape that OpenAI's clients read."""

from __future__ import annotations

import re
from typing import Any

from schemas.line import one_line
from schemas.messages import Reply
from schemas.terms import ErrorCode

STATUS = {
    ErrorCode.BAD_REQUEST: 400,
    ErrorCode.TOO_LARGE: 413,
    ErrorCode.OVERLOADED: 429,
    ErrorCode.NO_NODES: 503,
    ErrorCode.DEADLINE: 408,
    ErrorCode.CANCELLED: 409,
    ErrorCode.INTERNAL: 500,
    ErrorCode.UNSURE: 422,
}
FINAL = frozenset({ErrorCode.DEADLINE, ErrorCode.CANCELLED, ErrorCode.UNSURE})  # by its status a client would try again
STOPPING = "stopping"
RETRY_AFTER_S = 1
SERVER_ERROR = 500
TOO_MANY = 429
UNKNOWN_KEY = 401
_FIELD = re.compile(r"\$\.(\w+)")  # with which the decomposer's refusals name a field of the query


class HttpError(Exception):
    """A request that gets no answer: its status, its cause, and the field that is at fault."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str = "bad_request",
        param: str | None = None,
        retry_after_s: int = RETRY_AFTER_S,
    ) -> None:
        super().__init__(one_line(message))
        self.status = status
        self.code = code
        self.param = param
        self._retry_after_s = retry_after_s

    @property
    def body(self) -> dict[str, Any]:
        """The error as OpenAI's clients read it."""
        kind = "server_error" if self.status >= SERVER_ERROR else "invalid_request_error"
        return {"error": {"message": str(self), "type": kind, "param": self.param, "code": self.code}}

    @property
    def headers(self) -> dict[str, str]:
        """What tells a client when to try again, or not to."""
        if self.status == TOO_MANY:
            return {"retry-after": str(self._retry_after_s)}
        if self.status == UNKNOWN_KEY:
            return {"www-authenticate": "Bearer"}
        if self.code == STOPPING:
            return {"retry-after": str(RETRY_AFTER_S)}
        return {"x-should-retry": "false"} if self.code in FINAL else {}


def from_reply(reply: Reply) -> HttpError | None:
    """Give the error of a failed reply."""
    if reply.error is None:
        return None
    named = _FIELD.match(reply.error.message)
    param = named[1] if named is not None else None
    return HttpError(STATUS[reply.error.code], reply.error.message, code=reply.error.code.value, param=param)


def stopping() -> HttpError:
    """Give the error of a gateway that stops: another one, or a later try, has the answer."""
    return HttpError(503, "the gateway is stopping", code=STOPPING)
