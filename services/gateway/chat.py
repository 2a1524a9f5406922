"""Read a chat completion's request as a query.  What is not supported is refused by name, never ignored."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from schemas.commands import Query
from schemas.terms import MAX_TOKENS, Role
from services.gateway import tools
from services.gateway.errors import HttpError
from services.gateway.reading import (
    POOL,
    check_supported,
    message_schema,
    read_content,
    read_flag,
    read_model,
    read_object,
    read_role,
    routing,
    to_query,
    to_turns,
)

GENERATION = ("max_tokens", "temperature", "top_p", "seed")
MAX_CHOICES = 8
_OWN = {"assistant": ("tool_calls",), "tool": ("tool_call_id",)}  # fields of a message with this role
_STRING = {"type": "string"}
_TOKENS = {"type": "integer", "minimum": 1, "maximum": MAX_TOKENS}
_STOP = {"type": "string", "minLength": 1, "maxLength": 64}
_FORMAT = {
    "anyOf": [
        {"type": "object", "properties": {"type": {"enum": ["text", "json_object"]}}, "additionalProperties": False},
        {
            "type": "object",
            "properties": {
                "type": {"const": "json_schema"},
                "json_schema": {
                    "type": "object",
                    "properties": {"schema": {"type": "object"}},
                    "required": ["schema"],
                },
            },
            "required": ["type", "json_schema"],
        },
    ]
}
PROPERTIES: dict[str, Any] = {  # what is read, as JSON Schema
    "model": _STRING,
    "messages": {
        "type": "array",
        "minItems": 1,
        "items": {
            "anyOf": [
                message_schema(("text",), "role", "content"),
                {
                    "type": "object",
                    "properties": {
                        "role": {"const": "assistant"},
                        "content": {"type": "null"},
                        "tool_calls": tools.CALLS,
                    },
                    "required": ["role", "tool_calls"],
                    "additionalProperties": {"enum": [None, [], ""]},
                },
                message_schema(
                    ("text",), "role", "content", "tool_call_id", role={"const": "tool"}, tool_call_id=_STRING
                ),
            ]
        },
    },
    "max_tokens": _TOKENS,
    "max_completion_tokens": _TOKENS,
    "temperature": {"type": "number", "minimum": 0, "maximum": 2},
    "top_p": {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
    "seed": {"type": "integer", "minimum": 0, "maximum": 2**31 - 1},
    "stop": {"anyOf": [_STOP, {"type": "array", "items": _STOP, "maxItems": 4}]},
    "response_format": _FORMAT,
    "stream": {"type": "boolean"},
    "stream_options": {
        "type": "object",
        "properties": {"include_usage": {"type": "boolean"}},
        "additionalProperties": False,
    },
    "n": {"type": "integer", "minimum": 1, "maximum": MAX_CHOICES},
    "include_reasoning": {"type": "boolean"},
    **tools.PROPERTIES,
    # these tell who asks; no answer depends on them
    "user": {},
    "metadata": {},
    "safety_identifier": {},
}
NEUTRAL: dict[str, tuple[Any, ...]] = {  # values that ask for nothing
    "presence_penalty": (0,), "frequency_penalty": (0,), "logprobs": (False,), "logit_bias": ({},),
    "store": (False,), "functions": ([],), "modalities": (["text"],),
}  # fmt: skip


class Asked(Struct, frozen=True, kw_only=True):
    """A chat completion that is wanted: the query, and how the reply is to be sent.

    `num_choices` are the answers that are wanted, each another one.  With `reasoning` the votes are told in words.
    """

    query: Query
    model: str
    stream: bool = False
    include_usage: bool = False
    num_choices: int = 1
    reasoning: bool = False


def read_chat(body: bytes, id_: str) -> Asked:
    """Read the request; whether there is its model is not looked at.  Raises HttpError."""
    wanted = read_object(body)
    check_supported(wanted, PROPERTIES, NEUTRAL)
    model = read_model(wanted)
    query = {
        "id": id_,
        **to_turns(_turns(wanted.get("messages"))),
        **{name: wanted[name] for name in GENERATION if name in wanted},
        **tools.read_tools(wanted),
        **routing(model),
    }
    num_choices = _num_choices(wanted)
    if num_choices > 1:
        query["policy"] = {"replicas": num_choices, "max_replicas": num_choices, "early": False}
    if "max_completion_tokens" in wanted:
        query["max_tokens"] = wanted["max_completion_tokens"]
    if "stop" in wanted:
        query["stop"] = [wanted["stop"]] if isinstance(wanted["stop"], str) else wanted["stop"]
    if "response_format" in wanted:
        query["response_format"] = _format(wanted["response_format"])
    stream = read_flag(wanted, "stream")
    options = wanted.get("stream_options", {})
    if not isinstance(options, dict) or set(options) - {"include_usage"} or (options and not stream):
        raise HttpError(400, "`stream_options` may hold `include_usage`, with `stream`", param="stream_options")
    return Asked(
        query=to_query(query),
        model=model,
        stream=stream,
        include_usage=read_flag(options, "include_usage"),
        num_choices=num_choices,
        reasoning=read_flag(wanted, "include_reasoning"),
    )


def _num_choices(wanted: dict[str, Any]) -> int:
    num = wanted.get("n", 1)
    if isinstance(num, bool) or not isinstance(num, int) or not 1 <= num <= MAX_CHOICES:
        raise HttpError(400, f"`n` must be 1 to {MAX_CHOICES}", param="n")
    if num > 1 and (wanted.get("stream") or wanted.get("model") != POOL):
        raise HttpError(400, f"`n` needs several nodes that vote: model {POOL!r}, without `stream`", param="n")
    return num


def _turns(messages: Any) -> list[dict[str, Any]]:
    if not isinstance(messages, list) or not messages:
        raise HttpError(400, "`messages` must be a list of at least one message", param="messages")
    return [_turn(message, f"messages[{i}]") for i, message in enumerate(messages)]


def _turn(message: Any, where: str) -> dict[str, Any]:
    if not isinstance(message, dict):
        raise HttpError(400, f"`{where}` must be an object", param=where)
    own = _OWN.get(str(message.get("role")), ())
    for name, value in message.items():
        if name not in {"role", "content", *own} and value not in (None, [], ""):
            raise HttpError(400, f"`{where}.{name}` is not supported", code="unsupported_parameter", param=name)
    if message.get("role") == Role.TOOL:
        return tools.read_result(message, where)
    role = read_role(message, where)
    calls = tools.read_calls(message, where) if role is Role.ASSISTANT else []
    content = message.get("content")
    if calls and content is None:
        content = ""
    turn = {"role": role, "content": read_content(content, f"{where}.content", ("text",))}
    return {**turn, "calls": calls} if calls else turn


def _format(wanted: Any) -> Any:
    """Turn OpenAI's shape into ours; its `name`, `description` and `strict` change nothing here."""
    if not isinstance(wanted, dict) or wanted.get("type") != "json_schema":
        return wanted
    described = wanted.get("json_schema")
    if not isinstance(described, dict) or not isinstance(described.get("schema"), dict):
        raise HttpError(400, "`response_format.json_schema.schema` is missing", param="response_format")
    return {"type": "json_schema", "schema": described["schema"]}
