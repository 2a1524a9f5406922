"""What an operator sets of a deployment, by a file or by flags, checked when it is made."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct, structs

from schemas.commands import MAX_TIMEOUT_S
from schemas.faults import fault
from schemas.line import one_line
from schemas.terms import MAX_TOKENS, Probability

MIN_STREAM_BYTES = 1024 * 1024
MIN_STREAM_AGE_S = MAX_TIMEOUT_S + 60
MAX_LEDGER_DAYS = 3660.0


class LimitsError(ValueError):
    """The configuration file can't be read, or says what can't be."""


class Limits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The limits of a deployment; what is None keeps what is there, or has its default where nothing is there.

    `max_in_flight` is the number of queries at once, `stream_max_bytes` and `stream_max_age_s` how much the stream
    keeps and for how long.  `max_fan_out` nodes are asked for one chunk at most, and a generation has `max_tokens` at
    most, whatever a client wants.  A client has `max_per_client` queries in flight at each decomposer.  Answers have
    `min_confidence` where a client does not say which.  The ledger keeps queries for `ledger_days` (0: there is none)
    in `ledger_max_bytes`, with `ledger_text` or with hashes of it.
    """

    max_in_flight: Annotated[int, Meta(ge=1)] | None = None
    stream_max_bytes: Annotated[int, Meta(ge=MIN_STREAM_BYTES)] | None = None
    stream_max_age_s: Annotated[float, Meta(ge=MIN_STREAM_AGE_S)] | None = None
    max_fan_out: Annotated[int, Meta(ge=1, le=256)] | None = None
    min_confidence: Probability | None = None
    ledger_days: Annotated[float, Meta(ge=0.0, le=MAX_LEDGER_DAYS)] | None = None
    ledger_max_bytes: Annotated[int, Meta(ge=MIN_STREAM_BYTES)] | None = None
    ledger_text: bool | None = None
    max_tokens: Annotated[int, Meta(ge=1, le=MAX_TOKENS)] | None = None
    max_per_client: Annotated[int, Meta(ge=1)] | None = None


def load_limits(path: Path | None, **flags: float | None) -> Limits:
    """Read limits from a file in JSON or, by its name, TOML; `flags` that are not None come before it.

    A flag has the name of its field, without the unit.  Raises LimitsError, in one line, with what is wrong.
    """
    try:
        told = _read(path) if path is not None else Limits()
    except OSError as error:
        raise LimitsError(f"{path}: {error.strerror}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise LimitsError(f"{path}: {one_line(error)}") from None
    given = {name: value for name, value in flags.items() if value is not None}
    try:
        return msgspec.convert(structs.asdict(told) | given, Limits)
    except msgspec.ValidationError as error:
        what, name = fault(error)
        raise LimitsError(f"--{name.removesuffix('_s').replace('_', '-')}: {one_line(what)}") from None


def _read(path: Path) -> Limits:
    if path.suffix == ".toml":
        return msgspec.toml.decode(path.read_bytes(), type=Limits)
    return msgspec.json.decode(path.read_bytes(), type=Limits)
