"""Tools in OpenAI's shape: read of a chat completion's request, and written into its answer.

What only guides a model is taken and given on; whatever is not supported is refused by name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from schemas.terms import MAX_TOOLS, PlannedCall, Role
from services.gateway.errors import HttpError
from services.gateway.reading import read_content, read_flag

MODES = ("none", "auto", "required")
_NAME = {"type": "string", "pattern": "^[A-Za-z0-9_.-]{1,64}$"}
_TOOL = {
    "type": "object",
    "properties": {
        "type": {"const": "function"},
        "function": {
            "type": "object",
            "properties": {
                "name": _NAME,
                "description": {"type": "string", "maxLength": 8192},
                "parameters": {"type": "object"},
                "strict": {"type": ["boolean", "null"]},
            },
            "required": ["name"],
            "additionalProperties": False,
        },
    },
    "required": ["type", "function"],
    "additionalProperties": False,
}
_CHOSEN = {
    "type": "object",
    "properties": {
        "type": {"const": "function"},
        "function": {"type": "object", "properties": {"name": _NAME}, "required": ["name"]},
    },
    "required": ["type", "function"],
}
CALLS = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {
            "id": {"type": "string"},
            "type": {"const": "function"},
            "function": {
                "type": "object",
                "properties": {"name": _NAME, "arguments": {"type": "string"}},
                "required": ["name", "arguments"],
            },
        },
        "required": ["id", "function"],
    },
}
PROPERTIES: dict[str, Any] = {  # what is read, as JSON Schema
    "tools": {"type": "array", "maxItems": MAX_TOOLS, "items": _TOOL},
    "tool_choice": {"anyOf": [{"enum": list(MODES)}, _CHOSEN]},
    "parallel_tool_calls": {"type": "boolean"},
}


def read_tools(wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Give the fields of a query that offer tools.  Raises HttpError."""
    tools = wanted.get("tools", [])
    if not isinstance(tools, list):
        raise HttpError(400, "`tools` must be a list", param="tools")
    fields: dict[str, Any] = {"tools": [_read_tool(tool, f"tools[{i}]") for i, tool in enumerate(tools)]}
    if "tool_choice" in wanted:
        fields["tool_choice"] = _read_choice(wanted["tool_choice"])
    fields["parallel_tool_calls"] = read_flag(wanted, "parallel_tool_calls", default=True)
    return fields


def read_calls(message: Mapping[str, Any], where: str) -> list[dict[str, Any]]:
    """Read the calls in an assistant's message that comes back.  Raises HttpError."""
    calls = message.get("tool_calls") or []
    if not isinstance(calls, list):
        raise HttpError(400, f"`{where}.tool_calls` must be a list", param=f"{where}.tool_calls")
    return [_read_call(call, f"{where}.tool_calls[{i}]") for i, call in enumerate(calls)]


def read_result(message: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Read the message that tells the result of a call.  Raises HttpError."""
    id_ = message.get("tool_call_id")
    if not isinstance(id_, str):
        raise HttpError(400, f"`{where}.tool_call_id` is missing", param=f"{where}.tool_call_id")
    content = read_content(message.get("content"), f"{where}.content", ("text",))
    return {"role": Role.TOOL, "content": content, "call_id": id_}


def written(calls: Sequence[PlannedCall]) -> list[dict[str, Any]]:
    """Write calls as a message has them."""
    return [
        {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
        for call in calls
    ]


def deltas(calls: Sequence[PlannedCall]) -> list[dict[str, Any]]:
    """Write calls as a stream has them: first which tool is called, then with which arguments."""
    found: list[dict[str, Any]] = []
    for index, call in enumerate(written(calls)):
        arguments = call["function"]["arguments"]
        begun = {**call, "function": {**call["function"], "arguments": ""}}
        found.append({"tool_calls": [{"index": index, **begun}]})
        found.append({"tool_calls": [{"index": index, "function": {"arguments": arguments}}]})
    return found


def _read_tool(tool: Any, where: str) -> dict[str, Any]:
    function = _function(tool, where)
    for name, value in function.items():
        if name not in {"name", "description", "parameters", "strict"} and value is not None:
            param = f"{where}.function.{name}"
            raise HttpError(400, f"`{param}` is not supported", code="unsupported_parameter", param=param)
    return {name: function[name] for name in ("name", "description", "parameters") if function.get(name) is not None}


def _read_choice(choice: Any) -> str:
    if isinstance(choice, str):
        if choice not in MODES:
            raise HttpError(400, f"`tool_choice` must be one of {', '.join(MODES)}, or a function", param="tool_choice")
        return choice
    name = _function(choice, "tool_choice").get("name")
    if not isinstance(name, str) or name in MODES:
        raise HttpError(400, "`tool_choice.function.name` must name one of `tools`", param="tool_choice")
    return name


def _read_call(call: Any, where: str) -> dict[str, Any]:
    function = _function({"type": "function", **call} if isinstance(call, dict) else call, where)
    return {"id": call.get("id"), "name": function.get("name"), "arguments": function.get("arguments")}


def _function(value: Any, where: str) -> dict[str, Any]:
    """Give what stands in `{"type": "function", "function": {...}}`."""
    function = value.get("function") if isinstance(value, dict) and value.get("type") == "function" else None
    if not isinstance(function, dict):
        raise HttpError(400, f"`{where}`: only functions are supported", code="unsupported_parameter", param=where)
    return function
