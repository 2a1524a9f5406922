"""Read a chat completion's request as a query.  What is not supported is refused by name, never ignored."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

import msgspec
from msgspec import Struct

from schemas.commands import Query
from schemas.terms import Role
from services.gateway.errors import HttpError

POOL = "dellm"
ALONE = "dellm-fast"

GENERATION = ("max_tokens", "temperature", "top_p", "seed")
FOR_THE_RECORD = frozenset({"user", "metadata", "safety_identifier"})  # tell who asks; no answer depends on them
NEUTRAL: dict[str, Any] = {  # values that ask for nothing
    "n": 1, "presence_penalty": 0, "frequency_penalty": 0, "logprobs": False, "logit_bias": {}, "store": False,
    "tools": [], "functions": [], "tool_choice": "none", "parallel_tool_calls": True, "modalities": ["text"],
}  # fmt: skip
ROLES = {"system": Role.SYSTEM, "developer": Role.SYSTEM, "user": Role.USER, "assistant": Role.ASSISTANT}
READ = frozenset({
    *GENERATION, "max_completion_tokens", "model", "messages", "stream", "stream_options", "stop", "response_format",
})  # fmt: skip
_PATH = re.compile(r" - at `\$\.?([^`]*)`")


class Asked(Struct, frozen=True, kw_only=True):
    """A chat completion that is wanted: the query, and how the reply is to be sent."""

    query: Query
    model: str
    stream: bool = False
    include_usage: bool = False


def read_chat(body: bytes, id_: str, alive: Collection[str]) -> Asked:
    """Read the request; `alive` are the models of the pool.  Raises HttpError."""
    wanted = read_object(body)
    for name, value in wanted.items():
        if name not in READ | FOR_THE_RECORD and (name not in NEUTRAL or value != NEUTRAL[name]):
            raise HttpError(400, f"`{name}` is not supported", code="unsupported_parameter", param=name)
    model = wanted.get("model")
    if not isinstance(model, str):
        raise HttpError(400, "`model` is missing", param="model")
    turns = _turns(wanted.get("messages"))
    alone = len(turns) == 1 and turns[0]["role"] == Role.USER and bool(turns[0]["content"])
    query = {
        "id": id_,
        **({"query": turns[0]["content"]} if alone else {"messages": turns}),
        **{name: wanted[name] for name in GENERATION if name in wanted},
        **_routing(model, alive),
    }
    if "max_completion_tokens" in wanted:
        query["max_tokens"] = wanted["max_completion_tokens"]
    if "stop" in wanted:
        query["stop"] = [wanted["stop"]] if isinstance(wanted["stop"], str) else wanted["stop"]
    if "response_format" in wanted:
        query["response_format"] = _format(wanted["response_format"])
    stream = wanted.get("stream", False)
    options = wanted.get("stream_options", {})
    if not isinstance(stream, bool):
        raise HttpError(400, "`stream` must be true or false", param="stream")
    if not isinstance(options, dict) or set(options) - {"include_usage"} or (options and not stream):
        raise HttpError(400, "`stream_options` may hold `include_usage`, with `stream`", param="stream_options")
    return Asked(query=to_query(query), model=model, stream=stream, include_usage=options.get("include_usage") is True)


def read_object(body: bytes) -> dict[str, Any]:
    """Read a JSON object, without what is null.  Raises HttpError."""
    try:
        wanted = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise HttpError(400, f"the body is not JSON: {error}") from None
    if not isinstance(wanted, dict):
        raise HttpError(400, "the body must be a JSON object")
    return {name: value for name, value in wanted.items() if value is not None}


def to_query(fields: dict[str, Any]) -> Query:
    """Check what makes a query.  Raises HttpError with the field that is wrong."""
    try:
        return msgspec.convert(fields, Query)
    except msgspec.ValidationError as error:
        found = _PATH.search(str(error))
        raise HttpError(400, str(error), param=found[1] if found else None) from None


def list_names(alive: Collection[str]) -> list[str]:
    """List the names that `model` may have."""
    return [POOL, ALONE, *sorted(set(alive) - {POOL, ALONE})]


def _routing(model: str, alive: Collection[str]) -> dict[str, Any]:
    if model == POOL:
        return {}
    if model == ALONE:
        return {"policy": {"alone": True}}
    if model in alive:
        return {"model": model}
    known = ", ".join(list_names(alive))
    raise HttpError(404, f"there is no model {model!r}; there are: {known}", code="model_not_found", param="model")


def _turns(messages: Any) -> list[dict[str, str]]:
    """Read the turns; the system's first ones are one turn."""
    if not isinstance(messages, list) or not messages:
        raise HttpError(400, "`messages` must be a list of at least one message", param="messages")
    turns = [_turn(message, f"messages[{i}]") for i, message in enumerate(messages)]
    first = next((i for i, turn in enumerate(turns) if turn["role"] != Role.SYSTEM), len(turns))
    if first > 1:
        turns[:first] = [{"role": Role.SYSTEM, "content": "\n\n".join(turn["content"] for turn in turns[:first])}]
    return turns


def _turn(message: Any, where: str) -> dict[str, str]:
    if not isinstance(message, dict):
        raise HttpError(400, f"`{where}` must be an object", param=where)
    for name, value in message.items():
        if name not in {"role", "content"} and value not in (None, [], ""):
            raise HttpError(400, f"`{where}.{name}` is not supported", code="unsupported_parameter", param=name)
    role = message.get("role")
    if not isinstance(role, str) or role not in ROLES:
        raise HttpError(400, f"`{where}.role` must be one of {', '.join(ROLES)}", param=f"{where}.role")
    return {"role": ROLES[role], "content": _content(message.get("content"), f"{where}.content")}


def _content(content: Any, where: str) -> str:
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise HttpError(400, f"`{where}` must be text", param=where)
    texts = []
    for i, part in enumerate(content):
        text = part.get("text") if isinstance(part, dict) and part.get("type") == "text" else None
        if not isinstance(text, str):
            raise HttpError(400, f"`{where}[{i}]`: only parts of text are supported", param=f"{where}[{i}]")
        texts.append(text)
    return "\n".join(texts)


def _format(wanted: Any) -> Any:
    """Turn OpenAI's shape into ours; its `name`, `description` and `strict` change nothing here."""
    if not isinstance(wanted, dict) or wanted.get("type") != "json_schema":
        return wanted
    described = wanted.get("json_schema")
    if not isinstance(described, dict) or not isinstance(described.get("schema"), dict):
        raise HttpError(400, "`response_format.json_schema.schema` is missing", param="response_format")
    return {"type": "json_schema", "schema": described["schema"]}
