"""How a model is told of tools, and how its calls are read, whatever it writes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.terms import PlannedCall, PlannedTool, PlannedTurn, Role
from services.kinds.tools import CALL, END, instructions, knows_tools, read_calls, shown_chars, spelled

WEATHER = PlannedTool(
    name="get_weather",
    description="What's the weather <now>?",
    parameters={"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
)
CLOCK = PlannedTool(name="clock")
TOOLS = [WEATHER, CLOCK]
LIMA = '{"name": "get_weather", "arguments": {"city": "Lima"}}'


def read(text: str, *, several: bool = True) -> Any:
    return read_calls(text, TOOLS, id_="q1", several=several)


def test_a_model_is_told_of_its_tools_as_its_template_does() -> None:
    told = instructions(TOOLS)
    assert '{"type": "function", "function": {"name": "clock"}}\n</tools>' in told
    assert "What's the weather <now>?" in told
    assert told.endswith(f'{CALL}\n{{"name": <function-name>, "arguments": <args-json-object>}}\n{END}')


def test_which_templates_know_tools() -> None:
    assert knows_tools("{% if tools %}... <tool_call> ...{% endif %}")
    assert not knows_tools("{% for message in messages %}{{ message['content'] }}{% endfor %}")


@pytest.mark.parametrize(
    ("text", "content", "calls"),
    [
        (f"{CALL}\n{LIMA}\n{END}", "", [("get_weather", {"city": "Lima"})]),
        (f"I look it up.\n{CALL}\n{LIMA}\n{END}", "I look it up.", [("get_weather", {"city": "Lima"})]),
        (
            f'{CALL}\n{LIMA}\n{END}\n{CALL}{{"name": "clock", "arguments": {{}}}}{END}',
            "",
            [("get_weather", {"city": "Lima"}), ("clock", {})],
        ),
        (f"{CALL}\n{LIMA}", "", [("get_weather", {"city": "Lima"})]),
        (LIMA, "", [("get_weather", {"city": "Lima"})]),
        (f"```json\n{LIMA}\n```", "", [("get_weather", {"city": "Lima"})]),
        (f"[{LIMA}]", "", [("get_weather", {"city": "Lima"})]),
        ('{"name": "clock"}', "", [("clock", {})]),
        ('{"name": "get_weather", "arguments": "{\\"city\\": \\"Lima\\"}"}', "", [("get_weather", {"city": "Lima"})]),
        ("It is sunny.", "It is sunny.", []),
        ('{"name": "Lima", "country": "Peru"}', '{"name": "Lima", "country": "Peru"}', []),
        ("[]", "[]", []),
    ],
)
def test_calls_are_read_however_a_small_model_writes_them(
    text: str, content: str, calls: list[tuple[str, dict[str, Any]]]
) -> None:
    spoken = read(text)
    assert spoken.fault == ""
    assert spoken.content == content
    assert [(call.name, json.loads(call.arguments)) for call in spoken.calls] == calls
    assert [call.id for call in spoken.calls] == [f"call_q1_{index}" for index in range(len(calls))]


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ('{"name": "get_weather", "arguments": {}}', "'city' is a required property"),
        ('{"name": "get_weather", "arguments": {"city": 4}}', "$.city: 4 is not of type 'string'"),
        ('{"name": "get_weather", "arguments": [1]}', "the arguments of get_weather are no JSON object"),
        ('{"name": "bake"}', "there is no tool 'bake'"),
        ('{"name": "get_weather", "argum', "a call is no JSON object with a name"),
        ("[" * 100_000, "a call is no JSON object with a name"),
    ],
)
def test_what_is_wrong_with_a_call_is_said(body: str, fault: str) -> None:
    spoken = read(f"Well. {CALL}{body}{END}")
    assert fault in spoken.fault
    assert spoken.content == "Well."
    assert not spoken.calls


def test_one_call_is_kept_where_one_is_wanted() -> None:
    assert len(read(f"{CALL}{LIMA}{END}{CALL}{LIMA}{END}", several=False).calls) == 1


def test_calls_and_results_are_spelled_as_turns_of_the_assistant_and_the_user() -> None:
    calls = [PlannedCall(id=id_, name="get_weather", arguments='{"city": "Lima"}') for id_ in ("a", "b")]
    turns = [
        PlannedTurn(role=Role.USER, content="How is it in Lima?"),
        PlannedTurn(role=Role.ASSISTANT, content="", calls=calls),
        PlannedTurn(role=Role.TOOL, content="sunny", call_id="a"),
        PlannedTurn(role=Role.TOOL, content="warm", call_id="b"),
        PlannedTurn(role=Role.ASSISTANT, content="Fine."),
    ]
    assert [(turn.role, turn.content) for turn in spelled(turns)] == [
        (Role.USER, "How is it in Lima?"),
        (Role.ASSISTANT, f"{CALL}\n{LIMA}\n{END}\n{CALL}\n{LIMA}\n{END}"),
        (Role.USER, "<tool_response>\nsunny\n</tool_response>\n<tool_response>\nwarm\n</tool_response>"),
        (Role.ASSISTANT, "Fine."),
    ]


PARTS = st.sampled_from([CALL, END, LIMA, "<tool", "_call>", "<", "Well. ", "{", "[", "```", "json\n", " ", "\n", "x"])


@given(st.lists(PARTS, max_size=8))
def test_what_is_shown_while_it_is_written_is_how_the_content_begins(parts: list[str]) -> None:
    text, shown = "", 0
    for part in parts:
        text += part
        assert shown_chars(text) >= shown, "what was shown is not taken back"
        shown = shown_chars(text)
    spoken = read(text)
    if not spoken.fault:
        assert spoken.content.startswith(text[:shown].strip())


@given(st.text() | st.lists(PARTS).map("".join))
def test_no_text_is_too_wild(text: str) -> None:
    spoken = read(text)
    assert not (spoken.fault and spoken.calls)
