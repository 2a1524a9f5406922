"""Tools that a model may call: how it is told of them, how its calls stand in its text, how results are told to it.

The form is that of the Hermes and Qwen models, and the texts are those that their chat templates write.  A model whose
template does not know the form is not given tools.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from schemas.terms import PlannedCall, PlannedTool, PlannedTurn, Role
from services.checks.schema import by_schema

CALL, END = "<tool_call>", "</tool_call>"
MAX_CALLS = 16
_INSTRUCTIONS = (
    "# Tools\n\nYou may call one or more functions to assist with the user query.\n\n"
    "You are provided with function signatures within <tools></tools> XML tags:\n<tools>\n{tools}\n</tools>\n\n"
    "For each function call, return a json object with function name and arguments within "
    f"{CALL}{END} XML tags:\n{CALL}\n"
    '{{"name": <function-name>, "arguments": <args-json-object>}}'
    f"\n{END}"
)
_FENCE = "```"


@dataclass(frozen=True)
class Spoken:
    """A model's text, read: what it says beside its calls, and the calls; `fault` says what is wrong with a call."""

    content: str
    calls: tuple[PlannedCall, ...] = ()
    fault: str = ""


class CallFault(ValueError):  # noqa: N818  # named for its cause
    """A call names no tool, or its arguments are not those of the tool."""


def knows_tools(template: str) -> bool:
    """Tell whether a chat template is of a model that was trained to call tools in this form."""
    return CALL in template and "tools" in template


def instructions(tools: Iterable[PlannedTool]) -> str:
    """Return what the system's turn ends with: the tools, and how to call one."""
    return _INSTRUCTIONS.format(tools="\n".join(_json(_described(tool)) for tool in tools))


def spelled(turns: Iterable[PlannedTurn]) -> list[PlannedTurn]:
    """Return a conversation with calls and results as text, in turns of the assistant and the user."""
    found: list[PlannedTurn] = []
    before: PlannedTurn | None = None
    for turn in turns:
        text = turn.content
        if turn.role is Role.TOOL:
            text = f"<tool_response>\n{turn.content}\n</tool_response>"
            if before is not None and before.role is Role.TOOL:  # neighbours share a turn
                text = f"{found.pop().content}\n{text}"
        elif turn.calls:
            text = "\n".join(filter(None, [turn.content, *map(_call_text, turn.calls)]))
        found.append(PlannedTurn(role=Role.USER if turn.role is Role.TOOL else turn.role, content=text))
        before = turn
    return found


def read_calls(text: str, tools: Sequence[PlannedTool], *, id_: str, several: bool = True) -> Spoken:
    """Read the calls in a model's text; small models leave the tags out, or fence a call as code."""
    content, *tagged = text.split(CALL)
    bodies = [part.partition(END)[0] for part in tagged]
    if not tagged:
        said = _parsed(_unfenced(text))
        listed = said if isinstance(said, list) else [said]
        names = {tool.name for tool in tools}
        if not listed or not all(isinstance(call, dict) and call.get("name") in names for call in listed):
            return Spoken(text.strip())
        content, bodies = "", [_json(call) for call in listed]
    try:
        calls = [_read_call(body, tools) for body in bodies[: MAX_CALLS if several else 1]]
    except CallFault as error:
        return Spoken(content.strip(), fault=str(error))
    return Spoken(content.strip(), tuple(_numbered(call, id_, index) for index, call in enumerate(calls)))


def shown_chars(text: str) -> int:
    """Return how much of a text that is being written is certainly no call, and may be shown."""
    if text.lstrip().startswith(("{", "[", _FENCE)) or _FENCE.startswith(text.strip()):
        return 0  # perhaps a call without tags
    if (place := text.find(CALL)) >= 0:
        return place
    begun = next((size for size in range(len(CALL) - 1, 0, -1) if text.endswith(CALL[:size])), 0)
    return len(text) - begun


def chosen(tools: Sequence[PlannedTool], choice: str) -> list[PlannedTool]:
    """Return the tools of which one must be called by a `tool_choice` that forces a call."""
    return list(tools) if choice == "required" else [tool for tool in tools if tool.name == choice]


def _described(tool: PlannedTool) -> dict[str, Any]:
    function: dict[str, Any] = {"name": tool.name}
    if tool.description:
        function["description"] = tool.description
    if tool.parameters is not None:
        function["parameters"] = tool.parameters
    return {"type": "function", "function": function}


def _call_text(call: PlannedCall) -> str:
    return f'{CALL}\n{{"name": {_json(call.name)}, "arguments": {call.arguments}}}\n{END}'


def _read_call(body: str, tools: Sequence[PlannedTool]) -> PlannedCall:
    said = _parsed(body)
    if not isinstance(said, dict) or not isinstance(said.get("name"), str):
        raise CallFault("a call is no JSON object with a name")
    tool = next((known for known in tools if known.name == said["name"]), None)
    if tool is None:
        raise CallFault(f"there is no tool {said['name'][:64]!r}")
    arguments = said.get("arguments", said.get("parameters", {}))
    if isinstance(arguments, str):
        arguments = _parsed(arguments)
    if not isinstance(arguments, dict):
        raise CallFault(f"the arguments of {tool.name} are no JSON object")
    written = _json(arguments)
    if tool.parameters is not None and (reason := by_schema(tool.parameters).verify(written)) is not None:
        raise CallFault(f"the arguments of {tool.name}: {reason}")
    return PlannedCall(id="", name=tool.name, arguments=written)


def _numbered(call: PlannedCall, id_: str, index: int) -> PlannedCall:
    return PlannedCall(id=f"call_{id_}_{index}", name=call.name, arguments=call.arguments)


def _unfenced(text: str) -> str:
    bare = text.strip()
    if bare.startswith(_FENCE) and bare.endswith(_FENCE) and "\n" in bare:
        return bare.partition("\n")[2].removesuffix(_FENCE)
    return bare


def _parsed(text: str) -> Any:
    """Return the JSON value of a text; None where it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
