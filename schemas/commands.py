"""What clients send.

Unlike the messages between services these refuse fields that they do not know: a mistyped option should be told to
the one who typed it.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from schemas.terms import OnPartial, Policy, Token

MAX_QUERY_BYTES = 32 * 1024
MIN_TIMEOUT_S = 1.0
MAX_TIMEOUT_S = 600.0
DEFAULT_TIMEOUT_S = 120.0


class Command(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Base of what clients send."""


class Query(Command, frozen=True, kw_only=True):
    """A question, sent as a request to `dellm.query`.

    `id` may be chosen by the client: the same id is answered once, however often it is sent.
    """

    query: Annotated[str, Meta(min_length=1)]
    id: Token | None = None
    timeout_s: Annotated[float, Meta(ge=MIN_TIMEOUT_S, le=MAX_TIMEOUT_S)] = DEFAULT_TIMEOUT_S
    on_partial: OnPartial = OnPartial.ACCEPT
    policy: Policy = Policy()


class Cancel(Command, frozen=True, kw_only=True):
    """Stop working on a query, or on one chunk of it that is decided already."""

    id: Token
    chunk: int | None = None
    reason: Annotated[str, Meta(max_length=200)] = "cancelled by the client"


class Feedback(Command, frozen=True, kw_only=True):
    """What the right answer was, or whether the given one was good; `chunk` None means every chunk."""

    id: Token
    chunk: int | None = None
    good: bool | None = None
    answer: Annotated[str, Meta(max_length=4096)] | None = None
