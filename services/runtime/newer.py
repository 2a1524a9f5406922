"""What a newer version wrote into a message and this one does not know: it is told, and kept by what replaces it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Struct


def unknown_fields(message: object, payload: bytes) -> list[str]:
    """List the paths of the fields in `payload` that `message`, which was decoded from it, has not."""
    return list(_unknown(message, msgspec.json.decode(payload), "$"))


def encode_over(message: Struct, old: Struct, payload: bytes) -> bytes:
    """Encode the message that takes the place of `old`, with the fields of its `payload` that this version has not.

    What stands in a list is kept with a member that is where it was, as it was.
    """
    return msgspec.json.encode(_over(message, old, msgspec.json.decode(payload)))


def _unknown(known: object, raw: Any, path: str) -> Iterator[str]:
    if isinstance(known, Struct) and isinstance(raw, dict):
        fields = dict(zip(known.__struct_encode_fields__, known.__struct_fields__, strict=True))
        for name, value in raw.items():
            if name in fields:
                yield from _unknown(getattr(known, fields[name]), value, f"{path}.{name}")
            else:
                yield f"{path}.{name}"
    elif isinstance(known, list) and isinstance(raw, list):
        for index, (member, value) in enumerate(zip(known, raw, strict=True)):
            yield from _unknown(member, value, f"{path}[{index}]")
    elif isinstance(known, dict) and isinstance(raw, dict):
        for (key, member), value in zip(known.items(), raw.values(), strict=False):
            yield from _unknown(member, value, f"{path}.{key}")


def _over(new: Any, old: Any, raw: Any) -> Any:
    if isinstance(new, Struct) and isinstance(old, Struct) and isinstance(raw, dict):
        names = zip(new.__struct_fields__, new.__struct_encode_fields__, strict=True)
        known = {name: _over(getattr(new, field), getattr(old, field), raw.get(name)) for field, name in names}
        return {name: value for name, value in raw.items() if name not in known} | known
    if isinstance(new, list) and isinstance(old, list) and isinstance(raw, list):
        there = dict(enumerate(zip(old, raw, strict=True)))
        return [
            _over(member, *there[index]) if index in there and there[index][0] == member else member
            for index, member in enumerate(new)
        ]
    if isinstance(new, dict) and isinstance(old, dict) and isinstance(raw, dict):
        return {key: _over(member, old.get(key), raw.get(str(key))) for key, member in new.items()}
    return new
