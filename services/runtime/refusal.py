"""Why a query is not taken, told to the client in one line."""

from __future__ import annotations

from schemas.messages import Error, Reply
from schemas.terms import ErrorCode, Status

MAX_MESSAGE_CHARS = 300


class Refusal(Exception):  # noqa: N818  # an answer, if not the one hoped for
    """A query can't be taken; `code` and the one-line message go to the client."""

    def __init__(self, code: ErrorCode, message: str) -> None:
        super().__init__(message if len(message) <= MAX_MESSAGE_CHARS else f"{message[: MAX_MESSAGE_CHARS - 1]}…")
        self.code = code

    def reply(self, id_: str) -> Reply:
        """Give the reply that says so."""
        return Reply(id=id_, status=Status.FAILED, error=Error(code=self.code, message=str(self)))
