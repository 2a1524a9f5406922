"""The OpenAPI document, made of what stands beside each route: nothing of a route is written twice."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from schemas.commands import Feedback, Query
from schemas.messages import Reply

Schema = Mapping[str, Any]
Handler = Callable[[Request], Awaitable[Response]]

JSON, EVENTS = "application/json", "text/event-stream"
TEXT: Schema = {"type": "string"}
ERROR: Schema = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "param", "code"],
            "properties": {
                "message": TEXT,
                "type": TEXT,
                "param": {"type": ["string", "null"]},
                "code": TEXT,
            },
        }
    },
}
_PARAMETER = re.compile(r"\{(\w+)(?::\w+)?\}")
_REFERENCE = "#/components/schemas/{name}"


def an_object(*required: str, **properties: Schema) -> Schema:
    """Give the schema of an object that may hold more than these properties."""
    return {"type": "object", "required": list(required), "properties": properties}


def only(properties: Mapping[str, Schema], *required: str) -> Schema:
    """Give the schema of an object that holds these properties and no others; one that is not required may be null."""
    described = {
        name: schema if name in required or not schema else {"anyOf": [schema, {"type": "null"}]}
        for name, schema in properties.items()
    }
    return {"type": "object", "required": list(required), "properties": described, "additionalProperties": False}


def neutral(values: Mapping[str, Sequence[Any]]) -> dict[str, Schema]:
    """Give the schemas of fields of which only the values that ask for nothing are taken."""
    return {name: {"enum": list(allowed)} for name, allowed in values.items()}


def referred(message: type[msgspec.Struct]) -> Schema:
    """Refer to a message of ours by its name."""
    return {"$ref": _REFERENCE.format(name=message.__name__)}


@dataclass(frozen=True, kw_only=True)
class Operation:
    """What a route takes and gives.  `shown` is by media type; errors are all of one shape, but those of `failed`."""

    summary: str
    body: Schema | None = None
    query: Mapping[str, Schema] = field(default_factory=dict)
    status: int = 200
    shown: Mapping[str, Schema] = field(default_factory=lambda: {JSON: an_object()})
    failed: Schema = field(default_factory=lambda: ERROR)
    keyed: bool = False  # takes an `Idempotency-Key`


@dataclass(frozen=True)
class Endpoint:
    """A route, and what stands of it in the document."""

    path: str
    handler: Handler
    method: str
    operation: Operation


def document(endpoints: Sequence[Endpoint], version: str) -> dict[str, Any]:
    """Give the whole document."""
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        paths.setdefault(_PARAMETER.sub(r"{\1}", endpoint.path), {})[endpoint.method.lower()] = _described(endpoint)
    _, components = msgspec.json.schema_components([Query, Reply, Feedback], ref_template=_REFERENCE)
    return {
        "openapi": "3.1.0",
        "info": {"title": "DELLM", "version": version, "summary": "Many small local models answer, and vote."},
        "security": [{}, {"key": []}],
        "paths": paths,
        "components": {"schemas": components, "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}}},
    }


def _described(endpoint: Endpoint) -> dict[str, Any]:
    operation = endpoint.operation
    parameters = [_parameter("path", name, TEXT, required=True) for name in _PARAMETER.findall(endpoint.path)]
    parameters += [_parameter("query", name, schema) for name, schema in operation.query.items()]
    if operation.keyed:
        parameters.append(_parameter("header", "Idempotency-Key", TEXT))
    described: dict[str, Any] = {
        "summary": operation.summary,
        "parameters": parameters,
        "responses": {
            str(operation.status): {
                "description": operation.summary,
                "content": {kind: {"schema": schema} for kind, schema in operation.shown.items()},
            },
            "default": {"description": "What went wrong.", "content": {JSON: {"schema": operation.failed}}},
        },
    }
    if operation.body is not None:
        described["requestBody"] = {"required": True, "content": {JSON: {"schema": operation.body}}}
    return described


def _parameter(where: str, name: str, schema: Schema, *, required: bool = False) -> dict[str, Any]:
    return {"in": where, "name": name, "required": required, "schema": schema}
