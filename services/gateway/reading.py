"""What the readers of requests share.  Whatever is not supported is refused by name, never ignored."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, TypeVar

import msgspec

from schemas.commands import Query
from schemas.faults import fault
from schemas.terms import Role
from services.gateway.errors import HttpError

R = TypeVar("R")

POOL = "dellm"
ALONE = "dellm-fast"
ROLES = {"system": Role.SYSTEM, "developer": Role.SYSTEM, "user": Role.USER, "assistant": Role.ASSISTANT}


def message_schema(part_types: tuple[str, ...], *required: str, **more: Any) -> dict[str, Any]:
    """Describe a message, as `read_role` and `read_content` take it, in JSON Schema."""
    part = {
        "type": "object",
        "properties": {"type": {"enum": list(part_types)}, "text": {"type": "string"}},
        "required": ["type", "text"],
    }
    content = {"anyOf": [{"type": "string"}, {"type": "array", "items": part}]}
    return {
        "type": "object",
        "properties": {"role": {"enum": list(ROLES)}, "content": content, **more},
        "required": list(required),
        "additionalProperties": {"enum": [None, [], ""]},
    }


def read_object(body: bytes, *, nulls: bool = False) -> dict[str, Any]:
    """Read a JSON object, without what is null unless `nulls` count.  Raises HttpError."""
    try:
        wanted = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise HttpError(400, f"the body is not JSON: {error}") from None
    if not isinstance(wanted, dict):
        raise HttpError(400, "the body must be a JSON object")
    return {name: value for name, value in wanted.items() if nulls or value is not None}


def check_supported(wanted: Mapping[str, Any], known: Collection[str], neutral: Mapping[str, tuple[Any, ...]]) -> None:
    """Refuse what is neither known nor a value that asks for nothing.  Raises HttpError."""
    for name, value in wanted.items():
        if name not in known and not any(_same(value, allowed) for allowed in neutral.get(name, ())):
            raise HttpError(400, f"`{name}` is not supported", code="unsupported_parameter", param=name)


def _same(value: Any, allowed: Any) -> bool:
    """Compare as JSON does, in which true is not 1."""
    return value == allowed and isinstance(value, bool) == isinstance(allowed, bool)


def read_flag(wanted: Mapping[str, Any], name: str, *, default: bool = False) -> bool:
    """Read a boolean.  Raises HttpError."""
    value = wanted.get(name)
    if value is None:
        return default
    if not isinstance(value, bool):
        raise HttpError(400, f"`{name}` must be true or false", param=name)
    return value


def read_text(wanted: Mapping[str, Any], name: str) -> str | None:
    """Read a string, if it is there.  Raises HttpError."""
    value = wanted.get(name)
    if value is not None and not isinstance(value, str):
        raise HttpError(400, f"`{name}` must be a string", param=name)
    return value


def read_model(wanted: Mapping[str, Any]) -> str:
    """Read the model's name.  Raises HttpError."""
    model = read_text(wanted, "model")
    if model is None:
        raise HttpError(400, "`model` is missing", param="model")
    return model


def to_query(fields: Mapping[str, Any]) -> Query:
    """Check what makes a query.  Raises HttpError with the field that is wrong."""
    return convert(fields, Query)


def convert(fields: Any, wanted: type[R]) -> R:
    """Check fields against a struct.  Raises HttpError with the field that is wrong."""
    try:
        return msgspec.convert(fields, wanted)
    except msgspec.ValidationError as error:
        raise HttpError(400, str(error), param=fault(error)[1] or None) from None


def list_names(alive: Collection[str]) -> list[str]:
    """List the names that `model` may have."""
    return [POOL, ALONE, *sorted(set(alive) - {POOL, ALONE})]


def routing(model: str) -> dict[str, Any]:
    """Give the fields of a query that have a model answer."""
    if model == POOL:
        return {}
    return {"policy": {"alone": True}} if model == ALONE else {"model": model}


def no_model(model: str, alive: Collection[str]) -> HttpError:
    """Give the error for a model that nobody has."""
    known = ", ".join(list_names(alive))
    return HttpError(404, f"there is no model {model!r}; there are: {known}", code="model_not_found", param="model")


def read_role(message: Any, where: str) -> Role:
    """Read who speaks in a message.  Raises HttpError."""
    role = message.get("role")
    if not isinstance(role, str) or role not in ROLES:
        raise HttpError(400, f"`{where}.role` must be one of {', '.join(ROLES)}", param=f"{where}.role")
    return ROLES[role]


def read_content(content: Any, where: str, types: tuple[str, ...]) -> str:
    """Read a message's text, which may be in parts of some types.  Raises HttpError."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise HttpError(400, f"`{where}` must be text", param=where)
    texts = []
    for i, part in enumerate(content):
        text = part.get("text") if isinstance(part, dict) and part.get("type") in types else None
        if not isinstance(text, str):
            raise HttpError(400, f"`{where}[{i}]`: only parts of text are supported", param=f"{where}[{i}]")
        texts.append(text)
    return "\n".join(texts)


def to_turns(turns: list[dict[str, str]]) -> dict[str, Any]:
    """Give the fields of a query that make a conversation; the system's first turns become one."""
    first = next((i for i, turn in enumerate(turns) if turn["role"] != Role.SYSTEM), len(turns))
    if first > 1:
        whole = "\n\n".join(turn["content"] for turn in turns[:first])
        turns = [{"role": Role.SYSTEM, "content": whole}, *turns[first:]]
    alone = len(turns) == 1 and turns[0]["role"] == Role.USER and bool(turns[0]["content"])
    return {"query": turns[0]["content"]} if alone else {"messages": turns}
