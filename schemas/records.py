"""What the key-value buckets hold: who is there, what is known of them, and which queries are in flight."""

from __future__ import annotations

from msgspec import field

from schemas.messages import Message
from schemas.terms import Operation, Probability, Token


class Presence(Message, frozen=True, kw_only=True):
    """A node's heartbeat: where it stands, what it runs and how many tasks it takes at once."""

    node: Token
    cluster: str
    supercluster: str
    models: list[str]
    slots: int
    fitness: Probability
    started_at: float


class Record(Message, frozen=True, kw_only=True):
    """What is known of a node's work: fitness, number of observations, and smoothed latency (None: never measured)."""

    fitness: Probability
    count: int = 0
    latency_s: float | None = None


class Fitness(Message, frozen=True, kw_only=True):
    """A node's fitness over all operations and for each.

    `applied` holds the stream sequences of the latest messages that moved it, in order, so that a redelivery moves
    nothing.
    """

    node: Token
    overall: Record
    operations: dict[Operation, Record] = field(default_factory=dict)
    applied: list[int] = field(default_factory=list)


class Admission(Message, frozen=True, kw_only=True):
    """A query that is in flight."""

    id: Token
    admitted_at: float
