"""GGUF files that hold metadata and no weights."""

from __future__ import annotations

import struct
from pathlib import Path

from models.metadata import Value


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value.encode())) + value.encode()


def entry(key: str, value: Value | list[int]) -> bytes:
    match value:
        case bool():
            return text(key) + struct.pack("<I?", 7, value)
        case int():
            return text(key) + struct.pack("<Ii", 5, value)
        case float():
            return text(key) + struct.pack("<Id", 12, value)
        case str():
            return text(key) + struct.pack("<I", 8) + text(value)
        case _:
            return text(key) + struct.pack("<IIQ", 9, 4, len(value)) + struct.pack(f"<{len(value)}I", *value)


def gguf(path: Path, values: dict[str, Value | list[int]]) -> Path:
    head = struct.pack("<4sIQQ", b"GGUF", 3, 0, len(values))
    path.write_bytes(head + b"".join(entry(*each) for each in values.items()))
    return path
