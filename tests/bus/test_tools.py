"""Tools by OpenAI's own client: offered where a model can call them, called, answered, and refused elsewhere."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import openai
import pytest

from models.engine import Request
from schemas.subjects import Space
from services.runtime.server import EmbeddedServer
from tests.door import openai_at, served
from tests.gguf_files import gguf
from tests.support import ScriptedEngine

TEMPLATE = "{% if tools %}<tool_call>{% endif %}"
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Tells the weather of a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
CLOCK: Any = {"type": "function", "function": {"name": "clock"}}
ASKED: Any = {"role": "user", "content": "How is the weather in Lima?"}
CALL = '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Lima"}}\n</tool_call>'
FAULTY = '<tool_call>\n{"name": "get_weather", "arguments": {"town": "Lima"}}\n</tool_call>'


async def calling(request: Request) -> str:
    """Call a tool, or tell its result."""
    if "tool_response" in request.messages[-1].content:
        return "It is sunny in Lima."
    return f"I look it up.\n{CALL}" if request.grammar is None else CALL


@asynccontextmanager
async def with_tools(
    server: EmbeddedServer, space: Space, tmp_path: Path, engine: ScriptedEngine
) -> AsyncIterator[openai.AsyncOpenAI]:
    """Run one node that can call tools beside one that can't, and connect OpenAI's client."""
    able = gguf(tmp_path / "able.gguf", {"tokenizer.ggml.tokens": [1, 2], "tokenizer.chat_template": TEMPLATE})
    async with served(server, space, ScriptedEngine(), nodes=("plain",)) as (url, deployed):
        await deployed.add_node("able", engine, models=(able,))
        async with openai_at(url) as client:
            yield client


async def test_a_tool_is_called_and_its_result_told(server: EmbeddedServer, space: Space, tmp_path: Path) -> None:
    engine = ScriptedEngine(calling)
    async with with_tools(server, space, tmp_path, engine) as client:
        first = await client.chat.completions.create(model="dellm", messages=[ASKED], tools=[WEATHER, CLOCK])
        choice = first.choices[0]
        assert choice.finish_reason == "tool_calls"
        assert choice.message.content == "I look it up."
        assert choice.message.tool_calls is not None
        (call,) = choice.message.tool_calls
        assert call.type == "function"
        assert (call.function.name, json.loads(call.function.arguments)) == ("get_weather", {"city": "Lima"})
        messages = [ASKED, choice.message, {"role": "tool", "tool_call_id": call.id, "content": "sunny"}]
        second = await client.chat.completions.create(model="dellm", messages=messages, tools=[WEATHER, CLOCK])
    assert second.choices[0].message.content == "It is sunny in Lima."
    assert second.choices[0].finish_reason == "stop"
    asked, told = engine.asked
    assert '"name": "get_weather"' in asked.messages[0].content
    assert [turn.role for turn in told.messages] == ["system", "user", "assistant", "user"]
    assert told.messages[2].content == f"I look it up.\n{CALL}"
    assert told.messages[3].content == "<tool_response>\nsunny\n</tool_response>"


async def test_a_call_is_streamed(server: EmbeddedServer, space: Space, tmp_path: Path) -> None:
    async with with_tools(server, space, tmp_path, ScriptedEngine(calling)) as client:
        stream = client.chat.completions.stream(model="dellm", messages=[ASKED], tools=[WEATHER])
        async with stream as events:
            pieces = [event.delta async for event in events if event.type == "content.delta"]
            done = await events.get_final_completion()
    assert "".join(pieces) == done.choices[0].message.content == "I look it up."
    assert done.choices[0].finish_reason == "tool_calls"
    assert done.choices[0].message.tool_calls is not None
    (call,) = done.choices[0].message.tool_calls
    assert (call.id[:5], call.function.name, call.function.arguments) == ("call_", "get_weather", '{"city": "Lima"}')


@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "get_weather"}}])
async def test_a_forced_call_is_held_to_a_grammar(
    server: EmbeddedServer, space: Space, tmp_path: Path, choice: Any
) -> None:
    engine = ScriptedEngine(calling)
    async with with_tools(server, space, tmp_path, engine) as client:
        done = await client.chat.completions.create(
            model="dellm", messages=[ASKED], tools=[WEATHER, CLOCK], tool_choice=choice
        )
    assert done.choices[0].message.content is None
    assert done.choices[0].message.tool_calls
    grammar = engine.asked[0].grammar or ""
    assert "get_weather" in grammar
    assert ("clock" in grammar) == (choice == "required")


async def test_a_faulty_call_is_drawn_again_under_a_grammar(
    server: EmbeddedServer, space: Space, tmp_path: Path
) -> None:
    async def faulty(request: Request) -> str:
        return f"Let me see. {FAULTY}" if request.grammar is None else CALL

    engine = ScriptedEngine(faulty)
    async with with_tools(server, space, tmp_path, engine) as client:
        done = await client.chat.completions.create(model="dellm", messages=[ASKED], tools=[WEATHER])
    message = done.choices[0].message
    assert message.content == "Let me see."
    assert message.tool_calls
    assert message.tool_calls[0].function.arguments == '{"city": "Lima"}'  # type: ignore[union-attr]
    assert len(engine.asked) == 2


async def test_no_tools_are_offered_where_none_may_be_called(
    server: EmbeddedServer, space: Space, tmp_path: Path
) -> None:
    engine = ScriptedEngine()
    async with with_tools(server, space, tmp_path, engine) as client:
        done = await client.chat.completions.create(
            model="dellm", messages=[ASKED], tools=[WEATHER], tool_choice="none"
        )
    assert done.choices[0].message.tool_calls is None
    assert not [request for request in engine.asked if "get_weather" in str(request.messages)]


@pytest.mark.parametrize("model", ["dellm", "dellm-fast", "a"])
async def test_where_no_model_can_it_is_refused_by_name(server: EmbeddedServer, space: Space, model: str) -> None:
    async with served(server, space, ScriptedEngine()) as (url, _), openai_at(url) as client:
        with pytest.raises(openai.BadRequestError, match="call tools") as refused:
            await client.chat.completions.create(model=model, messages=[ASKED], tools=[WEATHER])
    assert refused.value.param == "tools"


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"tools": [{"type": "retrieval"}]}, "only functions are supported"),
        ({"tools": [WEATHER, WEATHER]}, "two of `tools` have the same name"),
        ({"tools": [WEATHER], "tool_choice": {"type": "function", "function": {"name": "bake"}}}, "bake"),
        ({"tools": [WEATHER], "tool_choice": "sometimes"}, "tool_choice"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"tools": [WEATHER], "response_format": {"type": "json_object"}}, "response_format"),
        (
            {
                "tools": [{"type": "function", "function": {"name": "f", "parameters": {"pattern": "a"}}}],
                "tool_choice": "required",
            },
            "pattern cannot be said in a grammar",
        ),
        ({"messages": [{"role": "tool", "tool_call_id": "x", "content": "y"}]}, "the last of `messages`"),
    ],
)
async def test_what_is_not_supported_is_refused(
    server: EmbeddedServer, space: Space, tmp_path: Path, fields: dict[str, Any], told: str
) -> None:
    async with with_tools(server, space, tmp_path, ScriptedEngine(calling)) as client:
        with pytest.raises(openai.BadRequestError, match=told):
            await client.chat.completions.create(**{"model": "dellm", "messages": [ASKED], **fields})
