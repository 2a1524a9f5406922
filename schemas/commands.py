"""What clients send.

Unlike the messages between services these refuse fields that they do not know: a mistyped option should be told to
the one who typed it.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct, field

from schemas.terms import Generation, OnPartial, Policy, Role, Token, Turn, unknown_terms

MAX_QUERY_BYTES = 32 * 1024
MAX_TURNS_BYTES = 128 * 1024  # what was said before the last message, all together
MAX_TURNS = 512
MIN_TIMEOUT_S = 1.0
MAX_TIMEOUT_S = 600.0
DEFAULT_TIMEOUT_S = 120.0


class Command(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Base of what clients send."""


class Query(Generation, frozen=True, kw_only=True):
    """A question or a conversation, sent as a request to `dellm.query`.

    `messages` is the conversation: a system turn, if any, is the first, and the last is the user's, or tells the result
    of a tool that was called for it.  `query` is short for one user's turn.  `id` may be chosen by the client: the same
    id is answered once, however often it is sent.  `local_time` is the user's clock with its offset (ISO 8601), for
    questions about today.  `model` names a member of the pool, which then answers alone.  The other fields say how the
    text is to be drawn, see `Generation`.
    """

    query: str = ""
    messages: Annotated[list[Turn], Meta(max_length=MAX_TURNS)] = field(default_factory=list)
    id: Token | None = None
    model: Annotated[str, Meta(max_length=200)] = ""
    local_time: Annotated[str, Meta(max_length=40)] = ""
    timeout_s: Annotated[float, Meta(ge=MIN_TIMEOUT_S, le=MAX_TIMEOUT_S)] = DEFAULT_TIMEOUT_S
    on_partial: OnPartial = OnPartial.ACCEPT
    policy: Policy = Policy()

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("on_partial", "policy", "messages"):
            for path, value in unknown_terms(getattr(self, name), f"$.{name}"):
                raise ValueError(f"{str(value)!r} is unknown at `{path}`")
        if bool(self.query) == bool(self.messages):
            raise ValueError("give either `query` or `messages`")
        roles = [turn.role for turn in self.messages]
        if roles and (roles[-1] not in (Role.USER, Role.TOOL) or Role.USER not in roles):
            raise ValueError("the last of `messages` must be the user's, or a tool's after one of the user's")
        if Role.SYSTEM in roles[1:]:
            raise ValueError("only the first of `messages` may be the system's")

    @property
    def text(self) -> str:
        """What the user asks now."""
        return self.messages[self._asked].content if self.messages else self.query

    @property
    def generation(self) -> Generation:
        """How the text is to be drawn."""
        return Generation(**{name: getattr(self, name) for name in Generation.__struct_fields__})

    @property
    def turns(self) -> list[Turn]:
        """What was said before, the system's turn included."""
        return self.messages[: self._asked]

    @property
    def followed(self) -> list[Turn]:
        """The calls of tools for what the user asks now, and their results."""
        return self.messages[self._asked + 1 :]

    @property
    def _asked(self) -> int:
        """The index of the user's last turn; -1 without messages."""
        places = [place for place, turn in enumerate(self.messages) if turn.role is Role.USER]
        return places[-1] if places else -1


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
