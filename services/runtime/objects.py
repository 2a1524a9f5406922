"""Model files in the bus's object store: put there once, and read by nodes that have not the file.

The layout is that of NATS's object stores (ADR-20), so that `nats object ls` shows them.  Reading needs no consumer: it
asks for the next chunks from a sequence on, so that it may go on where it was interrupted, and takes one permission.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import nats.errors
from msgspec import Struct
from nats.aio.msg import Msg
from nats.js.api import ObjectStoreConfig, StorageType
from nats.js.errors import APIError, BucketNotFoundError, Error, NotFoundError

from services.runtime.bus import Bus
from services.runtime.wire import BusError

CHUNKS_AT_ONCE = 32  # of 128 KiB
TIMEOUT_S = 10.0

Report = Callable[[int], None]


class Shared(Struct, frozen=True):
    """An object's description, as far as it matters here."""

    name: str
    nuid: str
    size: int
    chunks: int
    digest: str
    deleted: bool = False

    @property
    def sha256(self) -> str:
        """The SHA-256 in hexadecimal."""
        return base64.urlsafe_b64decode(self.digest.partition("=")[2]).hex()


class Reached(Struct, frozen=True):
    """How far a file is here: of which object, up to which sequence, and how many bytes."""

    nuid: str
    sequence: int
    bytes: int


class _Counted(io.BufferedReader):
    """A file that tells how much of it was read."""

    def __init__(self, path: Path, on_bytes: Report) -> None:
        super().__init__(io.FileIO(path))
        self._on_bytes = on_bytes

    def readinto(self, buffer: Any, /) -> int:
        count = super().readinto(buffer)
        self._on_bytes(self.tell())
        return count


async def share(bus: Bus, path: Path, on_bytes: Report = lambda _: None, *, replicas: int | None = None) -> str:
    """Put a file into the store under its name, in the place of one that is there; return its SHA-256.

    Raises BusError where the server refuses, as where there is no room.
    """
    jetstream = bus.client.jetstream(timeout=TIMEOUT_S)
    try:
        try:
            store = await jetstream.object_store(bus.space.objects)
        except (BucketNotFoundError, NotFoundError):
            config = ObjectStoreConfig(description="model files", storage=StorageType.FILE, replicas=replicas or 1)
            store = await jetstream.create_object_store(bus.space.objects, config=config)
        with _Counted(path, on_bytes) as file:
            info = await store.put(path.name, file)
    except APIError as error:
        raise BusError(f"{path.name} cannot be shared: {error.description}") from None
    except (Error, nats.errors.Error, TimeoutError) as error:
        raise BusError(f"{path.name} cannot be shared: {error or type(error).__name__}") from None
    assert info.digest is not None
    return base64.urlsafe_b64decode(info.digest.partition("=")[2]).hex()


async def find_shared(bus: Bus, name: str) -> Shared:
    """Find a file by its name.  Raises BusError where there is none."""
    key = base64.urlsafe_b64encode(name.encode()).decode()
    payload = msgspec.json.encode({"last_by_subj": f"$O.{bus.space.objects}.M.{key}"})
    try:
        msg = await bus.client.request(_call(bus), payload, timeout=TIMEOUT_S)
    except nats.errors.NoRespondersError:
        raise BusError("no model file is shared on this bus; see `dellm models share`") from None
    except (nats.errors.Error, TimeoutError) as error:
        raise BusError(
            f"{name} cannot be looked for: {error or type(error).__name__}; may this user read it?"
        ) from None
    if (msg.headers or {}).get("Status") is not None:
        raise BusError(f"{name} is not shared on this bus; see `dellm models share`")
    try:
        found = msgspec.json.decode(msg.data, type=Shared)
    except msgspec.DecodeError as error:
        raise BusError(f"{name}: its description cannot be read: {error}") from None
    if found.deleted:
        raise BusError(f"{name} is not shared on this bus any more")
    return found


async def receive(bus: Bus, shared: Shared, part: Path, on_bytes: Report = lambda _: None) -> None:
    """Read a file into `part`, from where an earlier try ended; the file beside it keeps how far that was.

    Raises BusError where the store is away or what came is not what was shared; then nothing is kept.
    """
    mark = part.with_name(f"{part.name}.mark")
    reached = _read_mark(mark, shared, part)
    with part.open("r+b" if reached.bytes else "wb") as file:
        file.truncate(reached.bytes)
        file.seek(reached.bytes)
        while reached.bytes < shared.size:
            chunks = await _next_chunks(bus, shared, reached.sequence + 1)
            if not chunks:
                raise BusError(f"{shared.name}: the store has not all of it")
            for chunk in chunks:
                file.write(chunk.data)
            file.flush()
            sequence = int((chunks[-1].headers or {})["Nats-Sequence"])
            reached = Reached(shared.nuid, sequence, file.tell())
            mark.write_bytes(msgspec.json.encode(reached))
            on_bytes(reached.bytes)
    found = await asyncio.to_thread(_sha256, part)
    mark.unlink(missing_ok=True)
    if found != shared.sha256:
        part.unlink()
        raise BusError(f"{shared.name}: expected sha256 {shared.sha256}, found {found}")


async def _next_chunks(bus: Bus, shared: Shared, sequence: int) -> list[Msg]:
    """Ask for some chunks from a sequence on; the server says when it has sent them."""
    subject = f"$O.{bus.space.objects}.C.{shared.nuid}"
    request = {"seq": sequence, "next_by_subj": subject, "batch": CHUNKS_AT_ONCE}
    inbox = bus.client.new_inbox()
    subscription = await bus.client.subscribe(inbox)
    chunks: list[Msg] = []
    try:
        await bus.client.publish(_call(bus), msgspec.json.encode(request), reply=inbox)
        while True:
            msg = await subscription.next_msg(timeout=TIMEOUT_S)
            if (msg.headers or {}).get("Status") is not None:
                return chunks
            chunks.append(msg)
    except (nats.errors.Error, TimeoutError) as error:
        raise BusError(f"{shared.name}: the store does not answer: {error or type(error).__name__}") from None
    finally:
        await subscription.unsubscribe()


def _call(bus: Bus) -> str:
    return f"$JS.API.DIRECT.GET.OBJ_{bus.space.objects}"


def _read_mark(mark: Path, shared: Shared, part: Path) -> Reached:
    try:
        reached = msgspec.json.decode(mark.read_bytes(), type=Reached)
        if reached.nuid == shared.nuid and part.stat().st_size >= reached.bytes:
            return reached
    except (OSError, msgspec.DecodeError):
        pass
    return Reached(shared.nuid, 0, 0)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
