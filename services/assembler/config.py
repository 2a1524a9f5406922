"""What an assembler is made with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from msgspec import Meta

from services.runtime.config import Config


class AssemblerConfig(Config, frozen=True, kw_only=True):
    """How an assembler works.

    It handles `concurrency` messages at once.  Before it looks at a query it waits `pause_s` for each other query that
    it is looking at, `max_pause_s` at most, so that under load one look counts several results.  With
    `node_keys`, a file of public keys, only votes count that are signed with the key of their node.
    """

    concurrency: Annotated[int, Meta(ge=1)] = 128
    pause_s: Annotated[float, Meta(ge=0.0, le=1.0)] = 0.001
    max_pause_s: Annotated[float, Meta(ge=0.0, le=1.0)] = 0.05
    node_keys: Path | None = None
