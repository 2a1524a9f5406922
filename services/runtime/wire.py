"""What is written to a store and read from it, as structs and as bytes; and how a write can fail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

import msgspec

from schemas.line import one_line
from schemas.subjects import TABLE, Subject
from services.runtime.newer import encode_over
from services.runtime.telemetry.carried import NOTHING

T = TypeVar("T", bound=msgspec.Struct)
R = TypeVar("R")

_WRONG_LAST_SEQUENCE = 10071
_STORE_FULL = 10077
_STREAM_NOT_FOUND = 10059


class BusError(Exception):
    """The bus can't be used: no server, a server that is too old, or no word from it for too long."""


class Conflict(Exception):  # noqa: N818  # a fact about the store, not a failure
    """The subject has another last sequence than the write expected, 0 where it is not told: somebody was first."""

    def __init__(self, text: str = "") -> None:
        super().__init__(text)
        last = text.rpartition(": ")[2]
        self.sequence = int(last) if last.isdecimal() else 0


class Full(Exception):  # noqa: N818  # likewise
    """The store holds as many messages as it may."""


class Refused(Exception):  # noqa: N818  # the caller tries again
    """The server refused a write for a cause that may pass: no leader yet, too many batches, stream being made."""


class Missing(Refused):
    """There is no such stream; it is being made again."""


class TooLarge(BusError):  # noqa: N818  # named for its cause
    """The message is larger than the server takes."""


@dataclass(frozen=True, slots=True)
class Entry(Generic[T]):
    """One write to a store.  `expect` is the subject's last sequence (0: it must not exist), None for any.

    `over` is the message that it takes the place of: what a newer version wrote there is kept.
    """

    subject: Subject[T]
    message: T
    expect: int | None = None
    ttl_s: float | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    over: Stored[T] | None = None

    def payload(self) -> bytes:
        """Encode the message."""
        if self.over is None:
            return encode(self.message)
        return encode_over(self.message, self.over.message, self.over.payload)

    def header(self) -> dict[str, str]:
        """Give the headers that say so to the server."""
        header = dict(self.headers)
        if self.expect is not None:
            header["Nats-Expected-Last-Subject-Sequence"] = str(self.expect)
        if self.ttl_s is not None:
            header["Nats-TTL"] = f"{max(1, round(self.ttl_s))}s"
        return header


def deletion(subject: Subject[T], message: T) -> Entry[T]:
    """Make the write that deletes the key under which a bucket would hold `message`; watchers are told."""
    return Entry(subject, message, headers={"KV-Operation": "DEL"})


@dataclass(frozen=True, slots=True)
class Stored(Generic[T]):
    """A message as a store holds it.

    `stored_at` is the server's time in Unix seconds, `context` the trace context that it was written with.
    """

    message: T
    payload: bytes
    sequence: int
    stored_at: float
    context: Mapping[str, str] = field(default_factory=lambda: NOTHING)


class _PubAck(msgspec.Struct):
    seq: int = 0
    error: dict[str, Any] | None = None


_ack_decoder = msgspec.json.Decoder(_PubAck)
encode = msgspec.json.Encoder().encode
decoders: dict[type, msgspec.json.Decoder[Any]] = {row.message: msgspec.json.Decoder(row.message) for row in TABLE}


def decode(payload: bytes, message: type[R]) -> R:
    """Decode one message.  Raises msgspec.DecodeError with what is wrong and where, whatever the payload is."""
    decoder = decoders.get(message) or msgspec.json.Decoder(message)
    try:
        return decoder.decode(payload)  # type: ignore[no-any-return]
    except msgspec.DecodeError as error:
        raise type(error)(one_line(error)) from None
    except UnicodeDecodeError as error:
        raise msgspec.DecodeError(f"the text is not UTF-8 (byte {error.start})") from None
    except RecursionError:
        raise msgspec.DecodeError("the values are nested too deep") from None
    except Exception as error:  # noqa: BLE001  # bytes from outside may not end the loop that reads them
        raise msgspec.DecodeError(one_line(f"{type(error).__name__}: {error}")) from None


def decode_at(address: str, payload: bytes, row: Subject[Any]) -> Any:
    """Decode a message of a row that came by `address`.  Raises DecodeError where it belongs to another address.

    The server lets each user write under its own subjects only: what a message says of its writer must say the same.
    """
    message = decode(payload, row.message)
    tokens = address.rsplit(".", len(row.fields))[1:] if row.fields else []
    for name, token in zip(row.fields, tokens, strict=True):
        if str(getattr(message, name)) != token:
            raise msgspec.DecodeError(f"it says {name} {getattr(message, name)!r} where its subject says {token!r}")
    return message


def sequence_of(payload: bytes) -> int:
    """Read the server's word on a write.  Raises Conflict, Full, or what makes the caller try again."""
    ack = _ack_decoder.decode(payload)
    if ack.error is None:
        return ack.seq
    match ack.error.get("err_code"):
        case code if code == _WRONG_LAST_SEQUENCE:
            raise Conflict(ack.error["description"])
        case code if code == _STORE_FULL:
            raise Full(ack.error["description"])
        case code if code == _STREAM_NOT_FOUND:
            raise Missing(ack.error["description"])
    raise Refused(ack.error.get("description", "no reason given"))


def unix_time(timestamp: str) -> float:
    """Read the server's time; its nanoseconds are cut, since Python 3.11's `fromisoformat` doesn't read them."""
    head, _, fraction = timestamp.rstrip("Z").partition(".")
    return datetime.fromisoformat(f"{head}.{fraction[:6]:0<6}+00:00").timestamp()


def at(unix_s: float) -> str:
    """Write a time as a message schedule of the server (ADR-51)."""
    return "@at " + datetime.fromtimestamp(unix_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
