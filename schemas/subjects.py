"""The subject table: every subject of the bus, each with exactly one message type.

A pattern's `{tokens}` are fields of its message.  `Space` puts the prefix in front and names the streams and the
buckets; the table itself knows no prefix and no server.  Each row says who writes it and who reads it, and in which
way: what users of a server may do is made of that.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any, Generic, TypeVar

from msgspec import Struct

from schemas.actors import Actor
from schemas.commands import Cancel, Feedback, Query
from schemas.ledger import Sealed
from schemas.messages import Assembled, DeadLetter, Decided, Piece, Reply, Result
from schemas.plans import Due, Plan, Revised, Route, Task, Timer
from schemas.records import Admission, ApiKey, Calibration, Fitness, Presence
from schemas.responses import Drafts, StoredResponse
from schemas.terms import CachedAnswer

T = TypeVar("T", bound=Struct)

MAX_TOKEN_CHARS = 64
_TOKEN = re.compile(rf"[A-Za-z0-9_-]{{1,{MAX_TOKEN_CHARS}}}")
_FIELD = re.compile(r"\{(\w+)\}")

STREAM_MAX_AGE_S = 15 * 60.0
PRESENCE_TTL_S = 4.0
# Model files are objects, which are no messages and have no row: who puts them into their store, and who reads them.
OBJECT_WRITERS, OBJECT_READERS = (Actor.OPERATOR,), (Actor.NODE, Actor.SYNTHESIZER)
NODE_DURABLE = "node-"  # and the node's id: the durable consumer of its tasks


class Store(StrEnum):
    """Where a message is kept: nowhere, in a stream, or in a key-value bucket.

    The STREAM is the state of every query, to which only services write.  What nodes and clients write goes to CLAIMS:
    whoever may write to a stream with schedules can empty it by a header, or write anything in it.  Nobody writes to
    the LEDGER: the server copies rows of the other two there, and keeps them for days.
    """

    CORE = "core"
    STREAM = "stream"
    CLAIMS = "claims"
    LEDGER = "ledger"
    FITNESS = "fitness"
    PRESENCE = "presence"
    ADMIT = "admit"
    ANSWERS = "answers"
    KEYS = "keys"
    CALIBRATION = "calibration"

    @property
    def is_bucket(self) -> bool:
        """Whether it is a key-value bucket."""
        return self not in (Store.CORE, Store.STREAM, Store.CLAIMS, Store.LEDGER)

    @property
    def is_stream(self) -> bool:
        """Whether its messages are consumed one by one."""
        return self in (Store.STREAM, Store.CLAIMS)


def check_token(value: str, what: str) -> str:
    """Return `value` if it can stand as one subject token, else raise ValueError with `what` it was to be."""
    if not _TOKEN.fullmatch(value):
        raise ValueError(f"{what} {value!r} must be 1 to 64 of A-Z a-z 0-9 _ -")
    return value


@dataclass(frozen=True, kw_only=True)
class Access:
    """Who writes a row, and who reads it in which way.

    `listeners` hear it as it passes (a stored message: its event), `consumers` are handed each message of a stream
    once, `getters` read the last message of a subject that they know, `scanners` that of many, and with it whatever is
    in the store.  `watchers` follow a whole bucket.  `removers` may purge what matches, and whatever is in the store.
    """

    writers: tuple[Actor, ...]
    listeners: tuple[Actor, ...] = ()
    consumers: tuple[Actor, ...] = ()
    getters: tuple[Actor, ...] = ()
    scanners: tuple[Actor, ...] = ()
    watchers: tuple[Actor, ...] = ()
    removers: tuple[Actor, ...] = ()

    def __post_init__(self) -> None:
        if not self.writers:
            raise ValueError("a row names who writes it")
        if not (self.listeners or self.consumers or self.getters or self.scanners or self.watchers):
            raise ValueError("a row names who reads it")


@dataclass(frozen=True)
class Subject(Generic[T]):
    """One row: a pattern below the prefix, the message that travels there, where it is kept, and for whom it is."""

    pattern: str
    message: type[T]
    store: Store
    access: Access

    @cached_property
    def fields(self) -> tuple[str, ...]:
        """The message's fields that make the tokens, in order."""
        return tuple(_FIELD.findall(self.pattern))

    def name(self, message: T) -> str:
        """Give the subject of this very message."""
        return self.at(**{field: getattr(message, field) for field in self.fields})

    def ids(self, message: T) -> dict[str, object]:
        """Give the tokens of a message by what they name; `id` is the query's."""
        return {"query" if field == "id" else field: getattr(message, field) for field in self.fields}

    def at(self, **tokens: str | int) -> str:
        """Give the subject with some tokens filled in; the others become `*`."""
        safe = {field: check_token(str(tokens[field]), field) if field in tokens else "*" for field in self.fields}
        return self.pattern.format_map(safe)


_CLIENT, _GATEWAY, _DECOMPOSER, _NODE, _ASSEMBLER = (
    (actor,) for actor in (Actor.CLIENT, Actor.GATEWAY, Actor.DECOMPOSER, Actor.NODE, Actor.ASSEMBLER)
)
_SYNTHESIZER, _TRAINER, _SERVER = (Actor.SYNTHESIZER,), (Actor.TRAINER,), (Actor.SERVER,)
_OPERATOR = (Actor.OPERATOR,)  # who reads and hears everything, and whom the rows name for what he writes
_ASKERS = (*_CLIENT, *_GATEWAY, *_TRAINER, *_OPERATOR)
_CORE = (*_DECOMPOSER, *_ASSEMBLER, *_SYNTHESIZER, *_TRAINER)

QUERY = Subject("query", Query, Store.CORE, Access(writers=_ASKERS, listeners=_DECOMPOSER))
PLAN = Subject(
    "plan.{id}",
    Plan,
    Store.STREAM,
    Access(writers=_DECOMPOSER, listeners=_GATEWAY, scanners=(*_DECOMPOSER, *_ASSEMBLER, *_GATEWAY)),
)
REVISED = Subject("revised.{id}", Revised, Store.STREAM, Access(writers=_DECOMPOSER, consumers=_ASSEMBLER))
TIMER = Subject("timer.{id}", Timer, Store.STREAM, Access(writers=_DECOMPOSER, listeners=_SERVER))
DEADLINE = Subject(
    "deadline.{id}", Timer, Store.STREAM, Access(writers=_SERVER, consumers=_ASSEMBLER, scanners=_ASSEMBLER)
)
PACE = Subject("pace.{id}.{chunk}", Due, Store.STREAM, Access(writers=_DECOMPOSER, listeners=_SERVER))
DUE = Subject("due.{id}.{chunk}", Due, Store.STREAM, Access(writers=_SERVER, consumers=_ASSEMBLER))
TASK = Subject(
    "task.{node}.{id}.{chunk}",
    Task,
    Store.STREAM,
    Access(writers=_DECOMPOSER, listeners=_GATEWAY, consumers=_NODE, scanners=_DECOMPOSER, removers=_DECOMPOSER),
)
RESULT = Subject(
    "result.{id}.{chunk}.{node}",
    Result,
    Store.CLAIMS,
    Access(writers=_NODE, listeners=_GATEWAY, consumers=_ASSEMBLER, scanners=(*_ASSEMBLER, *_DECOMPOSER, *_GATEWAY)),
)
LATE = Subject("late.{id}.{chunk}.{node}", Result, Store.STREAM, Access(writers=_ASSEMBLER, consumers=_TRAINER))
ROUTE = Subject("route.{id}.{chunk}.{attempt}", Route, Store.STREAM, Access(writers=_ASSEMBLER, consumers=_DECOMPOSER))
DECIDED = Subject(
    "decided.{id}.{chunk}",
    Decided,
    Store.STREAM,
    Access(writers=_ASSEMBLER, listeners=_GATEWAY, scanners=(*_ASSEMBLER, *_GATEWAY)),
)
ASSEMBLED = Subject(
    "assembled.{id}",
    Assembled,
    Store.STREAM,
    Access(
        writers=_ASSEMBLER,
        listeners=(*_TRAINER, *_GATEWAY),
        consumers=(*_SYNTHESIZER, *_TRAINER),
        getters=_TRAINER,
        scanners=(*_ASSEMBLER, *_DECOMPOSER, *_GATEWAY),
    ),
)
ANSWER = Subject(
    "answer.{id}",
    Reply,
    Store.STREAM,
    Access(
        writers=_SYNTHESIZER,
        listeners=(*_DECOMPOSER, *_GATEWAY),
        getters=_SYNTHESIZER,
        scanners=(*_DECOMPOSER, *_GATEWAY),
    ),
)
CANCEL = Subject(
    "cancel.{id}",
    Cancel,
    Store.CORE,
    Access(
        writers=(*_CLIENT, *_GATEWAY, *_DECOMPOSER, *_ASSEMBLER, *_OPERATOR),
        listeners=(*_DECOMPOSER, *_NODE, *_ASSEMBLER, *_SYNTHESIZER),
    ),
)
PIECE = Subject(
    "token.{id}", Piece, Store.CORE, Access(writers=(*_NODE, *_ASSEMBLER, *_SYNTHESIZER), listeners=_GATEWAY)
)
RESPONSE = Subject(
    "response.{id}",
    StoredResponse,
    Store.CLAIMS,
    Access(writers=_GATEWAY, scanners=_GATEWAY, removers=_GATEWAY),
)
DRAFTS = Subject("drafts.{id}", Drafts, Store.STREAM, Access(writers=_GATEWAY, scanners=_GATEWAY))
FEEDBACK = Subject(
    "feedback.{id}", Feedback, Store.CLAIMS, Access(writers=_ASKERS, consumers=_TRAINER, getters=_TRAINER)
)
SEALED = Subject("sealed.{id}", Sealed, Store.STREAM, Access(writers=_TRAINER, getters=_TRAINER))
DEAD = Subject(
    "dead.{service}.{sequence}", DeadLetter, Store.CLAIMS, Access(writers=(*_CORE, *_NODE), listeners=_OPERATOR)
)
FITNESS = Subject(
    "{node}",
    Fitness,
    Store.FITNESS,
    Access(writers=(*_TRAINER, *_OPERATOR), scanners=(*_TRAINER, *_GATEWAY), watchers=_DECOMPOSER, removers=_TRAINER),
)
PRESENCE = Subject(
    "{node}",
    Presence,
    Store.PRESENCE,
    Access(writers=_NODE, scanners=(*_DECOMPOSER, *_GATEWAY), watchers=_DECOMPOSER),
)
ADMIT = Subject(
    "{id}",
    Admission,
    Store.ADMIT,
    Access(writers=_DECOMPOSER, scanners=(*_DECOMPOSER, *_TRAINER, *_GATEWAY), removers=_DECOMPOSER),
)
KEY = Subject("{name}", ApiKey, Store.KEYS, Access(writers=_OPERATOR, scanners=_GATEWAY))
CALIBRATION = Subject(
    "{name}",
    Calibration,
    Store.CALIBRATION,
    Access(
        writers=_OPERATOR,
        listeners=(*_DECOMPOSER, *_ASSEMBLER),
        getters=(*_DECOMPOSER, *_ASSEMBLER),
    ),
)
CACHED = Subject(
    "{key}", CachedAnswer, Store.ANSWERS, Access(writers=_ASSEMBLER, scanners=_DECOMPOSER, removers=_TRAINER)
)

TABLE: tuple[Subject[Struct], ...] = (
    QUERY, PLAN, REVISED, TIMER, DEADLINE, PACE, DUE, TASK, RESULT, LATE, ROUTE, DECIDED, ASSEMBLED, ANSWER,
    CANCEL, PIECE, RESPONSE, DRAFTS, FEEDBACK, SEALED, DEAD, FITNESS, PRESENCE, ADMIT, CACHED, KEY, CALIBRATION,
)  # type: ignore[assignment]  # fmt: skip

# What the server copies into the ledger: as it is, or, where no texts are kept, what the trainer makes of it.
KEPT: tuple[Subject[Any], ...] = (ASSEMBLED, ANSWER, FEEDBACK)
KEPT_HASHED: tuple[Subject[Any], ...] = (SEALED,)


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
        if store in (Store.CLAIMS, Store.LEDGER):
            return f"{self.prefix.upper()}_{store.upper()}"
        return f"KV_{self.bucket(store)}"

    def bucket(self, store: Store) -> str:
        """Name the key-value bucket of this store."""
        return f"{self.prefix}_{store}"

    @property
    def objects(self) -> str:
        """Name the object store of model files."""
        return f"{self.prefix}_models"

    def full(self, store: Store, subject: str) -> str:
        """Put the prefix, or the bucket's key space, in front of a subject."""
        if not store.is_bucket:
            return f"{self.prefix}.{subject}"
        return f"$KV.{self.bucket(store)}.{subject}"

    def event(self, subject: str) -> str:
        """Name the subject to which the server republishes what the stream commits."""
        return f"event.{self.prefix}.{subject}"
