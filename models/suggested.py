"""Small general instruct models that the hub has, by name.  None of them was run where this was made.

The default pool are coder models, because these are on the Python package index.  Who has the hub does better with
these.  Sizes are those of the files in late 2026; what is fetched is verified against what the hub says, not by these.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import msgspec
from msgspec import Struct

SUGGESTED = Path(__file__).with_name("suggested.json")


class Suggestion(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file of a repository of the hub; `note` is what one should know of the model."""

    name: str
    repo: str
    file: str
    bytes: int
    licence: str
    note: str = ""

    @property
    def source(self) -> str:
        """What `dellm models add` takes."""
        return f"hf:{self.repo}:{self.file}"


@cache
def list_suggestions() -> tuple[Suggestion, ...]:
    """Return them, families together."""
    return msgspec.json.decode(SUGGESTED.read_bytes(), type=tuple[Suggestion, ...])
