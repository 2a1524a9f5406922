"""Read a context of the `nats` command: servers and credentials under a name, as people have them already."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from schemas.line import one_line


class Context(msgspec.Struct, frozen=True):
    """The fields of a context that are used here; the others are the command's own."""

    url: str = ""
    user: str = ""
    password: str = ""
    token: str = ""
    creds: str = ""
    nkey: str = ""
    ca: str = ""
    cert: str = ""
    key: str = ""
    inbox_prefix: str = ""


def read_context(name: str, environment: Mapping[str, str]) -> dict[str, str]:
    """Give the fields that a context sets.  Raises ValueError, in one line that holds no secret."""
    if not name or "/" in name or ".." in name:
        raise ValueError(f"--context {name!r} is no name of a context")
    home = environment.get("XDG_CONFIG_HOME") or Path(environment.get("HOME", "~")).expanduser() / ".config"
    path = Path(home) / "nats" / "context" / f"{name}.json"
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Context)
    except FileNotFoundError:
        raise ValueError(f"there is no context {name!r}: {path} is missing") from None
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"{path}: {one_line(error)}") from None
    return {field: value for field, value in msgspec.to_builtins(found).items() if value}
