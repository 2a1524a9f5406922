"""What is wrong with fields that a person or a client gave, and which field it is, read from msgspec's error."""

from __future__ import annotations

import re

import msgspec

_PLACE = re.compile(r"^(?P<what>.*) - at `\$\.?(?P<path>[^`]*)`$", re.DOTALL)


def fault(error: msgspec.ValidationError) -> tuple[str, str]:
    """Return what is wrong and the path of the field, such as `stop[0]`; the path is empty where none is named."""
    found = _PLACE.match(str(error))
    return (found["what"], found["path"]) if found else (str(error), "")
