"""Why a query is not taken, told to the client in one line."""

from __future__ import annotations

from schemas.line import one_line
from schemas.messages import Error, Reply
from schemas.terms import ErrorCode, Status

MAX_MESSAGE_CHARS = 300


class Refusal(Exception):  # noqa: N818  # an answer, if not the one hoped for
    """A query can't be taken; `code` and the one-line message go to the client."""

    def __init__(self, code: ErrorCode, message: str) -> None:
        super().__init__(one_line(message, MAX_MESSAGE_CHARS))
        self.code = code

    def reply(self, id_: str) -> Reply:
        """Give the reply that says so."""
        return Reply(id=id_, status=Status.FAILED, error=Error(code=self.code, message=str(self)))
