"""Tools with real models: the text is the one that the model's own template writes, and calls are calls."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import openai
import pytest

import models
from models.llama import LlamaEngine
from models.metadata import read_template
from models.native import Jinja2ChatFormatter
from schemas.subjects import Space
from schemas.terms import PlannedCall, PlannedTool, PlannedTurn, Role
from services.kinds.tools import instructions, knows_tools, spelled
from services.runtime.server import EmbeddedServer
from tests.door import openai_at, served
from tests.support import ScriptedEngine

pytestmark = pytest.mark.timeout(300)

MODELS = Path(models.__file__).parent
QWEN = MODELS / "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf"
SMOLLM = MODELS / "smollm2-135m-instruct-q4_1.gguf"
with_qwen = pytest.mark.skipif(not QWEN.exists(), reason=f"{QWEN.name} is not here: `dellm models fetch` brings it")

PARAMETERS = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "unit": {"enum": ["celsius", "fahrenheit"]}},
    "required": ["city"],
    "additionalProperties": False,
}
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Tells the weather of a city, today's & tomorrow's.",
        "parameters": PARAMETERS,
    },
}
ASKED: Any = {"role": "user", "content": "How is the weather in Lima today?"}


@with_qwen
def test_what_is_told_of_tools_is_what_the_template_writes() -> None:
    template = read_template(QWEN)
    tool = PlannedTool(name="get_weather", description="Tells the weather.", parameters={"type": "object"})
    plain: Any = {"type": "function", "function": {"description": "", "name": "", "parameters": {}}}
    plain["function"] = {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
    calls = [PlannedCall(id=id_, name=tool.name, arguments="{}") for id_ in ("a", "b")]
    turns = [
        PlannedTurn(role=Role.USER, content="How is it?"),
        PlannedTurn(role=Role.ASSISTANT, content="I look.", calls=calls),
        PlannedTurn(role=Role.TOOL, content="sunny", call_id="a"),
        PlannedTurn(role=Role.TOOL, content="warm", call_id="b"),
    ]
    theirs: list[Any] = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "How is it?"},
        {"role": "assistant", "content": "I look.", "tool_calls": [{"name": tool.name, "arguments": {}}] * 2},
        {"role": "tool", "content": "sunny"},
        {"role": "tool", "content": "warm"},
    ]
    ours: list[Any] = [
        {"role": "system", "content": f"Be brief.\n\n{instructions([tool])}"},
        *({"role": str(turn.role), "content": turn.content} for turn in spelled(turns)),
    ]
    formatter = Jinja2ChatFormatter(template, "<|im_end|>", "")
    formatter._environment.environment.filters["tojson"] = json.dumps  # noqa: SLF001  # as transformers has it
    assert formatter(messages=ours).prompt == formatter(messages=theirs, tools=[plain]).prompt


def test_a_template_without_tools_is_known() -> None:
    assert not knows_tools(read_template(SMOLLM))


async def test_a_model_whose_template_knows_no_tools_is_not_given_any(server: EmbeddedServer, space: Space) -> None:
    async with served(server, space, ScriptedEngine(), nodes=()) as (url, deployed), openai_at(url) as client:
        await deployed.add_node("n1", ScriptedEngine(), models=(SMOLLM,))
        with pytest.raises(openai.BadRequestError, match="no live node runs a model that can call tools"):
            await client.chat.completions.create(model="dellm", messages=[ASKED], tools=[WEATHER])


@pytest.fixture
async def client(server: EmbeddedServer, space: Space) -> AsyncIterator[openai.AsyncOpenAI]:
    engine = LlamaEngine(context_tokens=2048, sequences=2)
    try:
        async with served(server, space, ScriptedEngine(), nodes=()) as (url, deployed), openai_at(url) as connected:
            await deployed.add_node("n1", cast("ScriptedEngine", engine), models=(QWEN,))
            yield connected
    finally:
        await engine.close()


@with_qwen
@pytest.mark.parametrize("choice", ["auto", "required", {"type": "function", "function": {"name": "get_weather"}}])
async def test_a_real_model_calls(client: openai.AsyncOpenAI, choice: Any) -> None:
    """It calls; it is too small to tell results, and says its call again in the place of an answer."""
    first = await client.chat.completions.create(
        model="dellm", messages=[ASKED], tools=[WEATHER], tool_choice=choice, max_tokens=128, temperature=0
    )
    assert first.choices[0].finish_reason == "tool_calls"
    assert first.choices[0].message.tool_calls is not None
    (call, *_) = first.choices[0].message.tool_calls
    assert call.type == "function"
    assert call.function.name == "get_weather"
    assert "Lima" in json.loads(call.function.arguments)["city"]
