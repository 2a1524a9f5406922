"""Which file a model is: its SHA-256, and its type.

A file is hashed once, and the hash kept in `local.json` beside it for as long as the file is not touched; so a start
costs no reading of gigabytes.  A file of the catalogue's must be the one that the catalogue names.
"""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from models.catalogue import fetch_hint, file_sha256, find
from models.engine import ModelError
from models.metadata import read_metadata
from models.quantize import TYPES, type_in_name
from models.record import Verified, describe, is_untouched, locked, read_record, record

if TYPE_CHECKING:
    from collections.abc import Callable

    from models.reference import ModelReference

_NAMES = {number: name for name, number in TYPES.items()} | {0: "F32", 10: "Q2_K"}
_hashing = threading.Lock()  # nodes of one process that share a file hash it once


class GivenUp(Exception):  # noqa: N818  the name says the cause
    """Nobody wants the hash any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """The SHA-256 of a file, in hexadecimal, and its type, such as Q4_K_M (empty: the file does not say)."""

    sha256: str
    quantization: str


def known_fingerprint(reference: ModelReference) -> Fingerprint | None:
    """Return the fingerprint of a file that was hashed before and not touched since, else None.  Hashes nothing."""
    if not isinstance(reference, Path):
        return None  # which file a server runs, nobody can tell
    with suppress(OSError):
        found = read_record(reference.parent).get(reference.name)
        if found is not None and is_untouched(reference, found.sha256):
            return Fingerprint(sha256=found.sha256, quantization=quantization(reference))
    return None


async def verified(reference: ModelReference) -> Fingerprint | None:
    """Return the fingerprint of a file, hashed on another thread where need be; None where it cannot be read.

    Of a remote model there is none.

    Raises:
        ModelError: it is not the one that the catalogue has under this name.

    """
    if not isinstance(reference, Path):
        return None
    left = threading.Event()
    try:
        return await asyncio.to_thread(fingerprint, reference, lambda: not left.is_set())
    except OSError:
        return None  # whoever loads it says what is wrong
    finally:
        left.set()


def fingerprint(path: Path, is_wanted: Callable[[], bool] = lambda: True) -> Fingerprint:
    """Return the fingerprint of a file; the first time that takes seconds for each GB.

    Raises:
        ModelError: it is not the one that the catalogue has under this name.
        OSError: it cannot be read.
        GivenUp: `is_wanted`, which is asked now and then, said no.

    """
    with _hashing:
        found = known_fingerprint(path) or _hash(path, is_wanted)
    model = find(path.name)
    if model is not None and model.file == path.name and model.sha256 != found.sha256:
        raise ModelError(f"{path}: expected sha256 {model.sha256}, found {found.sha256}{fetch_hint(path)}")
    return found


def quantization(path: Path) -> str:
    """Return the type that a file says it has, else the one at the end of its name, else nothing."""
    try:
        number = read_metadata(path).get("general.file_type")
    except (OSError, ValueError):
        number = None
    if isinstance(number, int):
        return _NAMES.get(number) or type_in_name(path.name) or f"type {number}"
    return type_in_name(path.name)


def _hash(path: Path, is_wanted: Callable[[], bool]) -> Fingerprint:
    def check(_: int) -> None:
        if not is_wanted():
            raise GivenUp

    before = describe(path, "")
    sha256 = file_sha256(path, check)
    _remember(path, before, sha256)
    return Fingerprint(sha256=sha256, quantization=quantization(path))


def _remember(path: Path, before: Verified, sha256: str) -> None:
    """Keep the hash, unless the file changed meanwhile, or the folder is not ours to write, or others are at it."""
    with suppress(OSError), locked(path.parent, _give_way):
        if describe(path, "") == before:
            record(path, describe(path, sha256))


def _give_way() -> None:
    raise BlockingIOError
