"""JSON Lines, read so that whatever is wrong is told in one line that names the file and the line number."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from schemas.line import one_line

T = TypeVar("T")


class EvaluationError(ValueError):
    """A file of questions or answers can't be used, or a report can't be made."""


def read_rows(path: Path, type_: type[T], *, may_be_torn: bool = False) -> Iterator[tuple[int, T]]:
    """Yield each row with its line number, from 1; blank lines are skipped.

    With `may_be_torn` a last line that has no line end and does not decode is skipped too: its writer was killed, or
    is still at it.

    Raises:
        EvaluationError: the file cannot be read, or a row does not decode.

    """
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise EvaluationError(f"{path}: {error.strerror or error}") from None
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            yield number, msgspec.json.decode(line, type=type_)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            if not (may_be_torn and number == len(lines)):
                raise EvaluationError(f"{path}:{number}: {one_line(error)}") from None
