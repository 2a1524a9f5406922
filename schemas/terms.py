"""What messages share: identifiers, enumerations, the policy by which a query is answered, and cached answers."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

Probability = Annotated[float, Meta(ge=0.0, le=1.0)]
Token = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9_-]{1,64}$(?!\n)",
        description="one subject token: 1 to 64 of A-Z a-z 0-9 _ -",
    ),
]

CANARY = "canary-"  # begins the ids of the questions with a known answer that the trainer asks
CALCULATOR = "calculator"  # the voter that computes what a chunk states outright; no node may have its name


class OnPartial(StrEnum):
    """Whether an answer that misses something is wanted."""

    ACCEPT = "accept"
    REFUSE = "refuse"


class VoteRule(StrEnum):
    """How the votes on a chunk are counted; `services/voting/rules.py` has them."""

    BEST = "best"
    SUM = "sum"
    LOG_ODDS = "log-odds"
    AGREEMENT = "agreement"
    CALIBRATED = "calibrated"


class Wording(StrEnum):
    """Who words the answer to a query of several chunks: the superllm, or nobody (a line per chunk)."""

    MODEL = "model"
    JOIN = "join"


class Status(StrEnum):
    """How a query ended."""

    COMPLETE = "complete"
    PARTIAL = "partial"
    FAILED = "failed"


class ErrorCode(StrEnum):
    """Machine-readable causes, also sent as the `Nats-Service-Error-Code` header."""

    BAD_REQUEST = "bad_request"
    TOO_LARGE = "too_large"
    OVERLOADED = "overloaded"
    NO_NODES = "no_nodes"
    DEADLINE = "deadline"
    CANCELLED = "cancelled"
    INTERNAL = "internal"


class Policy(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a query is to be answered.

    `replicas` nodes answer a chunk at first (None: all that there are); more are asked where these do not suffice, one
    by one, until `max_replicas` have given an answer.  With `early` a chunk is decided as soon as the votes still out
    cannot change it.  With `cache` a chunk that was answered before, in another query with `cache`, is not asked again.
    """

    vote: VoteRule = VoteRule.CALIBRATED
    replicas: Annotated[int, Meta(ge=1, le=256)] | None = 1
    max_replicas: Annotated[int, Meta(ge=1, le=256)] = 3
    early: bool = True
    wording: Wording = Wording.MODEL
    cache: bool = False


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
