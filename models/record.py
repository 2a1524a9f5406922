"""`local.json` beside the model files: what was found right or made here, so that a large file is hashed once.

It does not know how a file is fetched or made.
"""

from __future__ import annotations

import fcntl
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

RECORD = "local.json"
WORK = ".fetch"
_WAIT_S = 0.2


class Origin(Struct, frozen=True, kw_only=True):
    """What a file was quantized from: the type it has now, and the source's file name and SHA-256."""

    type: str
    source: str
    source_sha256: str


class Added(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where a file was added from: what was named, of the hub also the commit, and the licence as far as it is told."""

    source: str
    revision: str = ""
    licence: str = "unknown"


class Verified(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a file looked like when its hash was right; `quantized` if it was made here, `added` if a user added it."""

    bytes: int
    mtime_ns: int
    sha256: str
    quantized: Origin | None = None
    added: Added | None = None


def describe(path: Path, sha256: str, quantized: Origin | None = None, added: Added | None = None) -> Verified:
    """Return the entry for a file whose hash is known to be this."""
    stat = path.stat()
    return Verified(bytes=stat.st_size, mtime_ns=stat.st_mtime_ns, sha256=sha256, quantized=quantized, added=added)


def is_untouched(path: Path, sha256: str) -> bool:
    """Tell whether the file had this hash before and was not touched since.  Hashes nothing."""
    found = read_record(path.parent).get(path.name)
    return found is not None and path.is_file() and found == describe(path, sha256, found.quantized, found.added)


def read_record(folder: Path) -> dict[str, Verified]:
    """Read the entries by file name; a damaged record only costs hashing again."""
    try:
        return msgspec.json.decode((folder / RECORD).read_bytes(), type=dict[str, Verified])
    except (OSError, msgspec.MsgspecError):
        return {}


def record(path: Path, verified: Verified) -> None:
    """Write a file's entry, and keep the others; the caller holds the folder's lock."""
    write_json(path.parent / RECORD, {**read_record(path.parent), path.name: verified})


def write_json(path: Path, content: object) -> None:
    """Replace a file as a whole."""
    new = path.with_name(f"{path.name}.new")
    new.write_bytes(msgspec.json.format(msgspec.json.encode(content)))
    new.replace(path)


@contextmanager
def locked(folder: Path, on_waiting: Callable[[], None] = lambda: None) -> Iterator[Path]:
    """Hold a folder's lock, so that no other process adds model files; yields a place for unfinished ones.

    `on_waiting` is called several times a second while another process is at work.
    """
    work = folder / WORK
    work.mkdir(parents=True, exist_ok=True)
    with (work / "lock").open("wb") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                on_waiting()
                time.sleep(_WAIT_S)
        yield work
