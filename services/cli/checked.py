"""Check a command line against the struct that is made of it, and name the flag that is wrong as it was typed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeVar

import click
import msgspec

from schemas.faults import fault

R = TypeVar("R")


def checked(fields: Mapping[str, Any], wanted: type[R]) -> R:
    """Make a struct of a command's options.  Raises UsageError with the flag that is wrong."""
    try:
        return msgspec.convert(fields, wanted)
    except msgspec.ValidationError as error:
        what, path = fault(error)
        field = re.split(r"[.\[]", path)[0]
        parameter = _parameter(field)
        if parameter is None:
            raise click.UsageError(str(error)) from None
        raise click.BadParameter(what, click.get_current_context(), parameter) from None


def _parameter(field: str) -> click.Parameter | None:
    """Find the parameter of the current command that sets a field; its name may end in `_` to keep off a builtin's."""
    context = click.get_current_context(silent=True)
    parameters = context.command.params if context is not None else []
    return next((known for known in parameters if field and (known.name or "").rstrip("_") == field), None)
