"""Read a request for a response.  What is not supported is refused by name, never ignored."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from schemas.commands import DEFAULT_TIMEOUT_S, MAX_TIMEOUT_S, Query
from schemas.messages import Reply
from schemas.responses import StoredResponse
from schemas.subjects import check_token
from schemas.terms import MAX_TOKENS, Generation, Role, Turn
from services.gateway.errors import HttpError
from services.gateway.reading import (
    check_supported,
    convert,
    message_schema,
    read_content,
    read_flag,
    read_model,
    read_object,
    read_role,
    read_text,
    routing,
    to_query,
    to_turns,
)

PREFIX = "resp_"
FOR_THE_RECORD = ("user", "safety_identifier", "prompt_cache_key")  # as is `metadata`: no answer depends on them
TEXT_TYPES = ("input_text", "output_text", "text")
OF_AN_ANSWER = ("id", "status", "phase")  # which an item of an answer has that comes back
_STRING = {"type": "string"}
_FORMAT = {
    "anyOf": [
        {"type": "object", "properties": {"type": {"enum": ["text", "json_object"]}}},
        {
            "type": "object",
            "properties": {"type": {"const": "json_schema"}, "schema": {"type": "object"}},
            "required": ["type", "schema"],
        },
    ]
}
_MESSAGE = message_schema(
    TEXT_TYPES, "role", "content", type={"const": "message"}, **{name: dict[str, Any]() for name in OF_AN_ANSWER}
)
PROPERTIES: dict[str, Any] = {  # what is read, as JSON Schema
    "model": _STRING,
    "input": {"anyOf": [{"type": "string", "minLength": 1}, {"type": "array", "minItems": 1, "items": _MESSAGE}]},
    "instructions": _STRING,
    "previous_response_id": _STRING,
    "stream": {"type": "boolean"},
    "background": {"type": "boolean"},
    "store": {"type": "boolean"},
    "temperature": {"type": "number", "minimum": 0, "maximum": 2},
    "top_p": {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
    "max_output_tokens": {"type": "integer", "minimum": 1, "maximum": MAX_TOKENS},
    "text": {
        "type": "object",
        "properties": {"format": {"anyOf": [_FORMAT, {"type": "null"}]}, "verbosity": {"enum": ["medium", None]}},
        "additionalProperties": False,
    },
    "metadata": {"type": "object", "additionalProperties": _STRING},
    **dict.fromkeys(FOR_THE_RECORD, _STRING),
}
NEUTRAL: dict[str, tuple[Any, ...]] = {  # values that ask for nothing
    "tools": ([],), "tool_choice": ("none", "auto"), "parallel_tool_calls": (True, False), "truncation": ("auto",),
    "include": ([],), "reasoning": ({},), "service_tier": ("auto", "default"), "top_logprobs": (0,),
    "presence_penalty": (0,), "frequency_penalty": (0,), "stream_options": ({}, {"include_obfuscation": False}),
}  # fmt: skip


class Wanted(Struct, frozen=True, kw_only=True):
    """A response that is wanted, and how it is to be sent."""

    response: StoredResponse
    stream: bool
    store: bool


def read_response(body: bytes, id_: str, created_at: int, owner: str = "") -> Wanted:
    """Read the request, without the turns of a previous response.  Raises HttpError."""
    fields = read_object(body)
    check_supported(fields, PROPERTIES, NEUTRAL)
    background, store = read_flag(fields, "background"), read_flag(fields, "store", default=True)
    if background and not store:
        raise HttpError(400, "`background` needs `store`: nobody could fetch the response", param="background")
    previous = read_text(fields, "previous_response_id")
    response = StoredResponse(
        id=id_,
        model=read_model(fields),
        created_at=created_at,
        input=_turns(fields.get("input")),
        instructions=read_text(fields, "instructions"),
        background=background,
        previous=None if previous is None else query_id(previous, param="previous_response_id"),
        generation=_generation(fields),
        told=_told(fields),
        owner=owner,
    )
    to_query_of(response)
    return Wanted(response=response, stream=read_flag(fields, "stream"), store=store)


def query_id(response_id: str, *, param: str | None = None) -> str:
    """Give the id of a response's query.  Raises HttpError where it can't be one."""
    try:
        if response_id.startswith(PREFIX):
            return check_token(response_id.removeprefix(PREFIX), "id")
    except ValueError:
        pass
    if param is not None:
        raise HttpError(400, f"`{param}`: {response_id[:80]!r} is no response's id", param=param)
    raise HttpError(404, f"there is no response {response_id[:80]!r}", code="not_found")


def to_query_of(response: StoredResponse) -> Query:
    """Give the query that answers a response, the same one however often.  Raises HttpError."""
    turns = [{"role": turn.role, "content": turn.content} for turn in response.input]
    if response.instructions:
        turns.insert(0, {"role": Role.SYSTEM, "content": response.instructions})
    drawn = {name: getattr(response.generation, name) for name in Generation.__struct_fields__}
    timeout_s = MAX_TIMEOUT_S if response.background else DEFAULT_TIMEOUT_S
    fields = {"id": response.id, "timeout_s": timeout_s, **to_turns(turns), **drawn, **routing(response.model)}
    return to_query(fields)


def built_on(previous: StoredResponse, reply: Reply, fresh: list[Turn]) -> list[Turn]:
    """Give the conversation that goes on; `previous` instructions are not carried over."""
    return [*previous.input, Turn(role=Role.ASSISTANT, content=reply.answer), *fresh]


def _turns(given: Any) -> list[Turn]:
    if isinstance(given, str) and given:
        return [Turn(role=Role.USER, content=given)]
    if not isinstance(given, list) or not given:
        raise HttpError(400, "`input` must be a text or a list of at least one message", param="input")
    return [_turn(item, f"input[{i}]") for i, item in enumerate(given)]


def _turn(item: Any, where: str) -> Turn:
    if not isinstance(item, dict) or item.get("type", "message") != "message":
        raise HttpError(400, f"`{where}`: only messages are supported", code="unsupported_parameter", param=where)
    for name, value in item.items():
        if name not in _MESSAGE["properties"] and value not in (None, [], ""):
            raise HttpError(400, f"`{where}.{name}` is not supported", code="unsupported_parameter", param=name)
    role = read_role(item, where)
    return Turn(role=role, content=read_content(item.get("content"), f"{where}.content", TEXT_TYPES))


def _generation(fields: dict[str, Any]) -> Generation:
    drawn: dict[str, Any] = {name: fields[name] for name in ("temperature", "top_p") if name in fields}
    if "max_output_tokens" in fields:
        drawn["max_tokens"] = fields["max_output_tokens"]
    text = fields.get("text", {})
    if not isinstance(text, dict):
        raise HttpError(400, "`text` must be an object", param="text")
    check_supported(text, {"format"}, {"verbosity": ("medium", None)})
    if text.get("format") is not None:
        drawn["response_format"] = _format(text["format"])
    try:
        return convert(drawn, Generation)
    except HttpError as error:
        if error.param == "max_tokens":
            raise HttpError(400, str(error), param="max_output_tokens") from None
        raise


def _format(wanted: Any) -> Any:
    """Leave out what changes nothing here."""
    if not isinstance(wanted, dict):
        return wanted
    return {name: value for name, value in wanted.items() if name not in {"name", "description", "strict"}}


def _told(fields: dict[str, Any]) -> dict[str, Any]:
    told = {name: fields[name] for name in ("metadata", *FOR_THE_RECORD) if name in fields}
    metadata = told.get("metadata", {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise HttpError(400, "`metadata` must be an object of strings", param="metadata")
    for name in FOR_THE_RECORD:
        read_text(fields, name)
    return told
