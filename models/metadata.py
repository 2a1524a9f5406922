"""The metadata of a GGUF file, read without loading it.

The layout is that of version 2 and 3: little-endian, a count of keys, then of each its name, type and value.  The large
lists are those of the tokenizer, which come last.
"""

from __future__ import annotations

import struct
from itertools import takewhile
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Value: TypeAlias = int | float | bool | str

_NUMBERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _LIST = 8, 9
_VERSIONS = (2, 3)
_LARGE = "tokenizer."
_TEMPLATE = "tokenizer.chat_template"
_MAX_KEYS, _MAX_BYTES, _MAX_MEMBERS = 1000, 2**20, 2**21  # a text or a list that is longer is damage


def read_metadata(path: Path) -> dict[str, Value]:
    """Return the keys and values before the tokenizer's, but for lists.

    Raises:
        ValueError: it is no GGUF file of a known version, or damaged.
        OSError: it cannot be read.

    """
    with path.open("rb") as file:
        first = takewhile(lambda entry: not entry[0].startswith(_LARGE), _entries(file, path))
        return {key: value for key, value in first if value is not None}


def read_template(path: Path) -> str:
    """Return the chat template, empty if there is none; the tokenizer's lists are read over, in about half a second.

    Raises:
        ValueError: it is no GGUF file of a known version, or damaged.
        OSError: it cannot be read.

    """
    with path.open("rb") as file:
        return next((str(value) for key, value in _entries(file, path) if key == _TEMPLATE), "")


def _entries(file: BinaryIO, path: Path) -> Iterator[tuple[str, Value | None]]:
    """Yield the keys and values in their order; a list is None, and read over before the next one."""
    try:
        magic, version, _, keys = _take(file, "4sIQQ")
        if magic != b"GGUF" or version not in _VERSIONS:
            raise ValueError(f"{path}: not a GGUF file of version 2 or 3")
        for _ in range(min(keys, _MAX_KEYS)):
            key = _text(file)
            (kind,) = _take(file, "I")
            yield key, None if kind == _LIST else _value(file, kind)
            if kind == _LIST:
                _skip(file)
    except (struct.error, KeyError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: its metadata is damaged") from error


def _take(file: BinaryIO, layout: str) -> tuple[Any, ...]:
    return struct.unpack(f"<{layout}", file.read(struct.calcsize(f"<{layout}")))


def _text(file: BinaryIO) -> str:
    (size,) = _take(file, "Q")
    if size > _MAX_BYTES:
        raise struct.error
    return file.read(size).decode()


def _value(file: BinaryIO, kind: int) -> Value:
    if kind == _STRING:
        return _text(file)
    value: Value = _take(file, _NUMBERS[kind])[0]
    return value


def _skip(file: BinaryIO) -> None:
    """Read over a list."""
    kind, count = _take(file, "IQ")
    if count > _MAX_MEMBERS:
        raise struct.error
    if kind != _STRING:
        _take(file, f"{count}{_NUMBERS[kind]}")
        return
    for _ in range(count):
        (size,) = _take(file, "Q")
        if size > _MAX_BYTES or len(file.read(size)) < size:
            raise struct.error
