"""The subject table: every subject of the bus, each with exactly one message type.

A pattern's `{tokens}` are fields of its message.  `Space` puts the prefix in front and names the stream and the
buckets; the table itself knows no prefix and no server.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Generic, TypeVar

from msgspec import Struct

from schemas.commands import Cancel, Feedback, Query
from schemas.messages import Assembled, DeadLetter, Decided, Piece, Reply, Result
from schemas.plans import Due, Plan, Revised, Route, Task, Timer
from schemas.records import Admission, ApiKey, Fitness, Presence
from schemas.responses import Drafts, StoredResponse
from schemas.terms import CachedAnswer

T = TypeVar("T", bound=Struct)

MAX_TOKEN_CHARS = 64
_TOKEN = re.compile(rf"[A-Za-z0-9_-]{{1,{MAX_TOKEN_CHARS}}}")
_FIELD = re.compile(r"\{(\w+)\}")

STREAM_MAX_AGE_S = 15 * 60.0
PRESENCE_TTL_S = 4.0
NODE_DURABLE = "node-"  # and the node's id: the durable consumer of its tasks


class Store(StrEnum):
    """Where a message is kept: nowhere, in the stream, or in a key-value bucket."""

    CORE = "core"
    STREAM = "stream"
    FITNESS = "fitness"
    PRESENCE = "presence"
    ADMIT = "admit"
    ANSWERS = "answers"
    KEYS = "keys"


def check_token(value: str, what: str) -> str:
    """Return `value` if it can stand as one subject token, else raise ValueError with `what` it was to be."""
    if not _TOKEN.fullmatch(value):
        raise ValueError(f"{what} {value!r} must be 1 to 64 of A-Z a-z 0-9 _ -")
    return value


@dataclass(frozen=True)
class Subject(Generic[T]):
    """One row: a pattern below the prefix, the message that travels there, and where it is kept."""

    pattern: str
    message: type[T]
    store: Store

    @cached_property
    def fields(self) -> tuple[str, ...]:
        """The message's fields that make the tokens, in order."""
        return tuple(_FIELD.findall(self.pattern))

    def name(self, message: T) -> str:
        """Give the subject of this very message."""
        return self.at(**{field: getattr(message, field) for field in self.fields})

    def at(self, **tokens: str | int) -> str:
        """Give the subject with some tokens filled in; the others become `*`."""
        safe = {field: check_token(str(tokens[field]), field) if field in tokens else "*" for field in self.fields}
        return self.pattern.format_map(safe)


QUERY = Subject("query", Query, Store.CORE)
PLAN = Subject("plan.{id}", Plan, Store.STREAM)
REVISED = Subject("revised.{id}", Revised, Store.STREAM)
TIMER = Subject("timer.{id}", Timer, Store.STREAM)
DEADLINE = Subject("deadline.{id}", Timer, Store.STREAM)
PACE = Subject("pace.{id}.{chunk}", Due, Store.STREAM)
DUE = Subject("due.{id}.{chunk}", Due, Store.STREAM)
TASK = Subject("task.{node}.{id}.{chunk}", Task, Store.STREAM)
RESULT = Subject("result.{id}.{chunk}.{node}", Result, Store.STREAM)
LATE = Subject("late.{id}.{chunk}.{node}", Result, Store.STREAM)
ROUTE = Subject("route.{id}.{chunk}.{attempt}", Route, Store.STREAM)
DECIDED = Subject("decided.{id}.{chunk}", Decided, Store.STREAM)
ASSEMBLED = Subject("assembled.{id}", Assembled, Store.STREAM)
ANSWER = Subject("answer.{id}", Reply, Store.STREAM)
CANCEL = Subject("cancel.{id}", Cancel, Store.CORE)
PIECE = Subject("token.{id}", Piece, Store.CORE)
RESPONSE = Subject("response.{id}", StoredResponse, Store.STREAM)
DRAFTS = Subject("drafts.{id}", Drafts, Store.STREAM)
FEEDBACK = Subject("feedback.{id}", Feedback, Store.STREAM)
DEAD = Subject("dead.{service}.{sequence}", DeadLetter, Store.STREAM)
FITNESS = Subject("{node}", Fitness, Store.FITNESS)
PRESENCE = Subject("{node}", Presence, Store.PRESENCE)
ADMIT = Subject("{id}", Admission, Store.ADMIT)
CACHED = Subject("{key}", CachedAnswer, Store.ANSWERS)
KEY = Subject("{name}", ApiKey, Store.KEYS)

TABLE: tuple[Subject[Struct], ...] = (
    QUERY, PLAN, REVISED, TIMER, DEADLINE, PACE, DUE, TASK, RESULT, LATE, ROUTE, DECIDED, ASSEMBLED, ANSWER,
    CANCEL, PIECE, RESPONSE, DRAFTS, FEEDBACK, DEAD, FITNESS, PRESENCE, ADMIT, CACHED, KEY,
)  # type: ignore[assignment]  # fmt: skip


@dataclass(frozen=True)
class Space:
    """The names of one deployment, all under one prefix token."""

    prefix: str = "dellm"

    def __post_init__(self) -> None:
        if check_token(self.prefix, "prefix") != self.prefix.lower():
            raise ValueError(f"prefix {self.prefix!r} must be in lower case")

    def stream(self, store: Store) -> str:
        """Name the stream that keeps this store."""
        if store is Store.STREAM:
            return self.prefix.upper()
        return f"KV_{self.bucket(store)}"

    def bucket(self, store: Store) -> str:
        """Name the key-value bucket of this store."""
        return f"{self.prefix}_{store}"

    def full(self, store: Store, subject: str) -> str:
        """Put the prefix, or the bucket's key space, in front of a subject."""
        if store in (Store.CORE, Store.STREAM):
            return f"{self.prefix}.{subject}"
        return f"$KV.{self.bucket(store)}.{subject}"

    def event(self, subject: str) -> str:
        """Name the subject to which the server republishes what the stream commits."""
        return f"event.{self.prefix}.{subject}"
