"""The single values at the beginning of a GGUF file, read without loading it.

The layout is that of version 2 and 3: little-endian, a count of keys, then of each its name, type and value.  The large
lists are those of the tokenizer, which come last: reading ends before them.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias

if TYPE_CHECKING:
    from pathlib import Path

Value: TypeAlias = int | float | bool | str

_NUMBERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _LIST = 8, 9
_VERSIONS = (2, 3)
_LARGE = "tokenizer."
_MAX_KEYS, _MAX_BYTES = 1000, 2**20  # of a text: what is longer is damage


def read_metadata(path: Path) -> dict[str, Value]:
    """Return the keys and values before the tokenizer's, but for lists.

    Raises:
        ValueError: it is no GGUF file of a known version, or damaged.
        OSError: it cannot be read.

    """
    values: dict[str, Value] = {}
    with path.open("rb") as file:
        try:
            magic, version, _, keys = _take(file, "4sIQQ")
            if magic != b"GGUF" or version not in _VERSIONS:
                raise ValueError(f"{path}: not a GGUF file of version 2 or 3")
            for _ in range(min(keys, _MAX_KEYS)):
                key = _text(file)
                if key.startswith(_LARGE):
                    break
                (kind,) = _take(file, "I")
                if kind == _LIST:
                    _skip(file)
                else:
                    values[key] = _value(file, kind)
        except (struct.error, KeyError, UnicodeDecodeError) as error:
            raise ValueError(f"{path}: its metadata is damaged") from error
    return values


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
    kind, count = _take(file, "IQ")
    if count > _MAX_BYTES:
        raise struct.error
    for _ in range(count):
        _value(file, kind)
