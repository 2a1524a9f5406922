"""Queries on record as files: JSON Lines, or Parquet where pyarrow is installed."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec
from msgspec import inspect

from services.evaluation.rows import EvaluationError
from services.ledger.kept import Kept


class Form(StrEnum):
    """What a file may be, by the end of its name."""

    JSON_LINES = ".jsonl"
    PARQUET = ".parquet"


def line(kept: Kept) -> bytes:
    """Give a query as one line of JSON, which `dellm replay` reads, too."""
    return msgspec.json.encode(kept)


def export(queries: Sequence[Kept], path: Path) -> None:
    """Write queries, a row each.  Raises EvaluationError where that can't be."""
    try:
        form = Form(path.suffix)
    except ValueError:
        raise EvaluationError(f"{path}: give a file that ends in .jsonl or .parquet") from None
    try:
        if form is Form.PARQUET:
            _write_parquet(queries, path)
        else:
            path.write_bytes(b"".join(line(kept) + b"\n" for kept in queries))
    except OSError as error:
        raise EvaluationError(f"{path}: {error.strerror or error}") from None


def _write_parquet(queries: Sequence[Kept], path: Path) -> None:
    """Write every field of every query in the type that its struct has, whatever the values are."""
    try:
        import pyarrow as pa  # noqa: PLC0415  # an extra, and slow to import
        from pyarrow import parquet  # noqa: PLC0415
    except ImportError:
        raise EvaluationError("Parquet needs pyarrow: pip install 'dellm[parquet]'") from None
    schema = pa.schema(list(_arrow(pa, inspect.type_info(Kept))))
    rows = [msgspec.to_builtins(kept) for kept in queries]
    parquet.write_table(pa.Table.from_pylist(rows, schema=schema), path)


def _arrow(pa: Any, kind: inspect.Type) -> Any:  # noqa: PLR0911  a line per type
    match kind:
        case inspect.StructType():
            return pa.struct([pa.field(field.encode_name, _arrow(pa, field.type)) for field in kind.fields])
        case inspect.ListType():
            return pa.list_(_arrow(pa, kind.item_type))
        case inspect.UnionType():
            (one,) = [option for option in kind.types if not isinstance(option, inspect.NoneType)]
            return _arrow(pa, one)
        case inspect.BoolType():
            return pa.bool_()
        case inspect.IntType():
            return pa.int64()
        case inspect.FloatType():
            return pa.float64()
        case _:
            return pa.string()
