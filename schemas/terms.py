"""What messages share: identifiers, enumerations, the policy by which a query is answered, and cached answers.

Services of several versions may run at once.  A struct named `Planned...` is what they exchange: it takes fields and
values that a newer version knows.  The struct made of it is what a client may send: it refuses them.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from msgspec import Meta, Struct

Probability = Annotated[float, Meta(ge=0.0, le=1.0)]
Token = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9_-]{1,64}$(?!\n)",
        description="one subject token: 1 to 64 of A-Z a-z 0-9 _ -",
    ),
]

ToolName = Annotated[str, Meta(pattern=r"^(?!(?:none|auto|required)$)[A-Za-z0-9_.-]{1,64}$(?!\n)")]

MAX_TOOLS = 128
MAX_TOKENS = 8192  # that a client may ask for in one generation
CANARY = "canary-"  # begins the ids of the questions with a known answer that the trainer asks
CALCULATOR = "calculator"  # the voter that computes what a chunk states outright; no node may have its name


class Term(StrEnum):
    """Base of the enumerations.  A newer version's value equals no member, and is written as it was read."""

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, str):
            return None
        unknown = str.__new__(cls, value)
        unknown._name_ = unknown._value_ = value
        return unknown

    @property
    def is_known(self) -> bool:
        """Whether it is a member of this version's enumeration."""
        return self._name_ in type(self).__members__


class OnPartial(Term):
    """Whether an answer that misses something is wanted."""

    ACCEPT = "accept"
    REFUSE = "refuse"


class VoteRule(Term):
    """How the votes on a chunk are counted; `services/voting/rules.py` has them."""

    BEST = "best"
    SUM = "sum"
    LOG_ODDS = "log-odds"
    AGREEMENT = "agreement"
    CALIBRATED = "calibrated"


class Wording(Term):
    """Who words the answer to a query of several chunks: the superllm, or nobody (a line per chunk)."""

    MODEL = "model"
    JOIN = "join"


class Status(Term):
    """How a query ended."""

    COMPLETE = "complete"
    PARTIAL = "partial"
    FAILED = "failed"


class ErrorCode(Term):
    """Machine-readable causes, also sent as the `Nats-Service-Error-Code` header."""

    BAD_REQUEST = "bad_request"
    TOO_LARGE = "too_large"
    OVERLOADED = "overloaded"
    NO_NODES = "no_nodes"
    DEADLINE = "deadline"
    CANCELLED = "cancelled"
    INTERNAL = "internal"
    UNSURE = "unsure"


class PlannedPolicy(Struct, frozen=True, kw_only=True):
    """How a query is to be answered.

    `replicas` nodes answer a chunk at first (None: all that there are); more are asked where these do not suffice, one
    by one, until `max_replicas` have given an answer.  With `alone` the best member gets the whole request, uncut, and
    nothing is voted on.  With `early` a chunk is decided as soon as the votes still out cannot change it.  With `cache`
    a chunk that was answered before, in another query with `cache`, is not asked again.  Without `checks` nothing that
    the request demands is verified on its answers.  An answer that is voted on and is less sure than `min_confidence`
    (None: the operator's default) is not given: more nodes are asked, then the strongest that has not been; if that
    does not suffice the part is told as not sure enough.
    """

    vote: VoteRule = VoteRule.CALIBRATED
    replicas: Annotated[int, Meta(ge=1, le=256)] | None = 1
    max_replicas: Annotated[int, Meta(ge=1, le=256)] = 3
    early: bool = True
    wording: Wording = Wording.MODEL
    cache: bool = False
    alone: bool = False
    checks: bool = True
    min_confidence: Probability | None = None


class Policy(PlannedPolicy, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The policy that a client may send."""


class Role(Term):
    """Who speaks in a conversation."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


class PlannedCall(Struct, frozen=True, kw_only=True):
    """A call of a tool by a model; `arguments` are a JSON object, as text.  `id` is what its result refers to."""

    id: str
    name: str
    arguments: str


class ToolCall(PlannedCall, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The call that a client may send back in a conversation."""

    id: Annotated[str, Meta(max_length=200)]
    name: ToolName
    arguments: Annotated[str, Meta(max_length=32 * 1024)]


class PlannedTurn(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one said in a conversation: an assistant's turn may call tools, a tool's tells the result of one call."""

    role: Role
    content: str
    calls: list[PlannedCall] = []
    call_id: str = ""


class Turn(PlannedTurn, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The turn that a client may send."""

    calls: Annotated[list[ToolCall], Meta(max_length=64)] = []  # type: ignore[assignment]  # it is frozen
    call_id: Annotated[str, Meta(max_length=200)] = ""

    def __post_init__(self) -> None:
        if self.calls and self.role is not Role.ASSISTANT:
            raise ValueError("only the assistant's turn may have `calls`")
        if self.call_id and self.role is not Role.TOOL:
            raise ValueError("only a tool's turn may have a `call_id`")


class PlannedFormat(Struct, frozen=True, kw_only=True, rename={"schema_": "schema"}):
    """The form that the whole answer has, by the name of a `ResponseFormat`'s type."""

    type: str = "text"
    schema_: dict[str, Any] | None = None


class ResponseFormat(PlannedFormat, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The form that a client may ask for: free `text`, any JSON object, or JSON that a schema describes."""

    type: Literal["text", "json_object", "json_schema"] = "text"

    def __post_init__(self) -> None:
        if (self.type == "json_schema") != (self.schema_ is not None):
            raise ValueError("`schema` goes with the type json_schema, and with no other")


class PlannedTool(Struct, frozen=True, kw_only=True):
    """A function that the model may call.  `parameters` is the JSON schema of its arguments, an object."""

    name: str
    description: str = ""
    parameters: dict[str, Any] | None = None


class Tool(PlannedTool, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The tool that a client may offer."""

    name: ToolName
    description: Annotated[str, Meta(max_length=8192)] = ""


class PlannedGeneration(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How the client wants the text to be drawn; what is None is left to the kind of request and to the model.

    `max_tokens` bounds each generation.  `stop` ends the text before any of these strings.  `tool_choice` is none,
    auto, required (some tool must be called), or the name of the tool that must be called.
    """

    max_tokens: Annotated[int, Meta(ge=1, le=MAX_TOKENS)] | None = None
    temperature: Annotated[float, Meta(ge=0.0, le=2.0)] | None = None
    top_p: Annotated[float, Meta(gt=0.0, le=1.0)] | None = None
    seed: Annotated[int, Meta(ge=0, le=2**31 - 1)] | None = None
    stop: Annotated[list[Annotated[str, Meta(min_length=1, max_length=64)]], Meta(max_length=4)] = []
    response_format: PlannedFormat | None = None
    tools: list[PlannedTool] = []
    tool_choice: str = "auto"
    parallel_tool_calls: bool = True

    @property
    def has_tools(self) -> bool:
        """Whether the model may call tools."""
        return bool(self.tools) and self.tool_choice != "none"

    @property
    def forces_call(self) -> bool:
        """Whether the model must call one."""
        return self.has_tools and self.tool_choice != "auto"

    @property
    def shapes(self) -> bool:
        """Whether it says what the whole answer looks like, so that it may not be put together of parts."""
        formed = self.response_format is not None and self.response_format.type != "text"
        return bool(self.stop) or formed or self.has_tools


class Generation(PlannedGeneration, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a client may say of it."""

    response_format: ResponseFormat | None = None
    tools: Annotated[list[Tool], Meta(max_length=MAX_TOOLS)] = []  # type: ignore[assignment]  # it is frozen

    def __post_init__(self) -> None:
        names = [tool.name for tool in self.tools]
        if len(set(names)) < len(names):
            raise ValueError("two of `tools` have the same name")
        if self.tool_choice not in ("none", "auto", *(("required", *names) if names else ())):
            raise ValueError(f"`tool_choice` is {self.tool_choice[:64]!r}: neither a mode nor the name of a tool")
        formed = self.response_format is not None and self.response_format.type != "text"
        if self.has_tools and formed:
            raise ValueError("`response_format` does not go with `tools`")


class Source(Struct, frozen=True, kw_only=True):
    """The query that a cached answer is from, and when it was sealed (Unix s)."""

    query: Token
    answered_at: float


class CachedAnswer(Struct, frozen=True, kw_only=True):
    """The winner of a chunk's vote, as it was decided then."""

    key: Token
    source: Source
    winner: str
    final: str
    agreement: Probability
    confidence: Probability


class Message(Struct, frozen=True, kw_only=True):
    """Base of all wire structs.  A reader ignores fields that it does not know, so that fields may be added."""


def unknown_terms(value: object, path: str = "$") -> Iterator[tuple[str, Term]]:
    """Find the values in a struct that no enumeration of this version has, each with its path."""
    if isinstance(value, Term) and not value.is_known:
        yield path, value
    elif isinstance(value, Struct):
        for field in value.__struct_fields__:
            yield from unknown_terms(getattr(value, field), f"{path}.{field}")
    elif isinstance(value, list):
        for index, member in enumerate(value):
            yield from unknown_terms(member, f"{path}[{index}]")
