"""What a service listens to.

A service is an async context manager that yields a list of routes; a route pairs rows of the subject table with
handlers.  How a stream handler ends decides what becomes of the message: see `consume`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from msgspec import Struct

from schemas.subjects import Store, Subject

T = TypeVar("T", bound=Struct)

ACK_WAIT_S = 2.5  # what a process that died had in hand waits for so long


class Retry(Exception):  # noqa: N818  # a wish, not a failure
    """Raised by a handler: deliver this message again, after `delay_s`."""

    def __init__(self, delay_s: float) -> None:
        super().__init__(f"again in {delay_s} s")
        self.delay_s = delay_s


class Reject(Exception):  # noqa: N818  # likewise
    """Raised by a handler: this message can never be handled; keep it as a dead letter."""


@dataclass(frozen=True, slots=True)
class Delivery(Generic[T]):
    """A message of the stream with its stream sequence, the server's time and how often it was delivered (from 1)."""

    message: T
    sequence: int
    stored_at: float
    num_delivered: int


@dataclass(frozen=True, slots=True)
class Request:
    """A raw request of a client; `reply` is the inbox that waits, and `about` takes the ids of what it turns out to be.

    They stand in the log lines that follow.
    """

    payload: bytes
    reply: str
    headers: dict[str, str]
    about: Callable[..., object] = dict


@dataclass(frozen=True)
class Handler(Generic[T]):
    """One row of the table and what is called for each of its messages."""

    subject: Subject[T]
    name: str
    call: Callable[[Delivery[T]], Awaitable[None]]


@dataclass(frozen=True)
class Consumption:
    """Stream messages, shared among all processes with the same durable; `concurrency` handlers at a time here.

    Handlers begin in the order of the messages.
    """

    durable: str
    handlers: tuple[Handler[Any], ...]
    concurrency: int
    ack_wait_s: float
    inactive_s: float | None
    heartbeat_s: float

    @property
    def store(self) -> Store:
        """The stream that all handlers' rows are kept in."""
        (store,) = {handler.subject.store for handler in self.handlers}
        return store


@dataclass(frozen=True)
class Listening:
    """Core messages as they come; a lost one is lost.  Those with the same `queue` get each message once."""

    subject: Subject[Any]
    call: Callable[[Any], Awaitable[None]]
    queue: str


@dataclass(frozen=True)
class Endpoint:
    """A request endpoint, shared among all instances of the service; `concurrency` requests at a time here."""

    subject: Subject[Any]
    call: Callable[[Request], Awaitable[None]]
    concurrency: int


Route = Consumption | Listening | Endpoint


def on(subject: Subject[T], call: Callable[[Delivery[T]], Awaitable[None]], **tokens: str) -> Handler[T]:
    """Pair a stream row, narrowed by some tokens, with its handler."""
    assert subject.store.is_stream
    return Handler(subject, subject.at(**tokens), call)


def consume(
    durable: str,
    *handlers: Handler[Any],
    concurrency: int,
    ack_wait_s: float = ACK_WAIT_S,
    inactive_s: float | None = None,
    heartbeat_s: float = 0.5,
) -> Consumption:
    """Consume rows of one stream under one durable name, which the server forgets after `inactive_s` without a pull.

    After two heartbeats without a word from the server it is asked anew, at once where the connection was lost.
    """
    return Consumption(durable, handlers, concurrency, ack_wait_s, inactive_s, heartbeat_s)


def listen(subject: Subject[T], call: Callable[[T], Awaitable[None]], *, queue: str = "") -> Listening:
    """Listen to a core row, to the events of a stream row as they are committed, or to what is put into a bucket."""
    return Listening(subject, call, queue)


def serve(subject: Subject[T], call: Callable[[Request], Awaitable[None]], *, concurrency: int) -> Endpoint:
    """Answer requests."""
    return Endpoint(subject, call, concurrency)
