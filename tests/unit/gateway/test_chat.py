from __future__ import annotations

from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.messages import Error, Reply
from schemas.terms import ErrorCode, ResponseFormat, Role, Status
from services.gateway.chat import read_chat
from services.gateway.completion import rest_of
from services.gateway.errors import STATUS, HttpError, from_reply
from services.gateway.reading import no_model

HI = [{"role": "user", "content": "Hi"}]


def read(**fields: Any) -> Any:
    body = msgspec.json.encode({"model": "dellm", "messages": HI, **fields})
    return read_chat(body, "q1")


def test_one_turn_is_a_plain_query() -> None:
    query = read().query
    assert query.query == "Hi"
    assert query.id == "q1"


def test_first_system_turns_are_one_and_parts_are_joined() -> None:
    parts = [{"type": "text", "text": "What is"}, {"type": "text", "text": "2+2?"}]
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "developer", "content": "Be kind."},
        {"role": "user", "content": parts},
    ]
    turns = read(messages=messages).query.messages
    assert [(turn.role, turn.content) for turn in turns] == [
        (Role.SYSTEM, "Be brief.\n\nBe kind."),
        (Role.USER, "What is\n2+2?"),
    ]


def test_generation_fields_are_carried() -> None:
    schema = {"type": "object"}
    query = read(
        max_completion_tokens=7,
        temperature=0.5,
        top_p=0.9,
        seed=3,
        stop="END",
        response_format={"type": "json_schema", "json_schema": {"name": "x", "schema": schema, "strict": True}},
        user="me",
        n=1,
        tools=None,
    ).query
    assert (query.max_tokens, query.temperature, query.top_p, query.seed, query.stop) == (7, 0.5, 0.9, 3, ["END"])
    assert query.response_format == ResponseFormat(type="json_schema", schema_=schema)


def test_models_say_who_answers() -> None:
    assert read(model="dellm-fast").query.policy.alone
    assert read(model="small").query.model == "small"
    unknown = no_model("gpt-4o", {"small", "large"})
    assert "dellm, dellm-fast, large, small" in str(unknown)
    assert unknown.status == 404


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"tools": [{"type": "function"}]}, "tools[0]"),
        ({"tools": "all"}, "tools"),
        ({"n": 0}, "n"),
        ({"n": 9}, "n"),
        ({"n": True}, "n"),
        ({"n": 2, "stream": True}, "n"),
        ({"n": 2, "model": "dellm-fast"}, "n"),
        ({"include_reasoning": "yes"}, "include_reasoning"),
        ({"logprobs": True}, "logprobs"),
        ({"logprobs": 0}, "logprobs"),
        ({"stream": True, "stream_options": {"include_usage": 1}}, "include_usage"),
        ({"frequency_penalty": 0.5}, "frequency_penalty"),
        ({"temperatur": 1}, "temperatur"),
        ({"temperature": 3}, "temperature"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"stop": [""]}, "stop[0]"),
        ({"stream": "yes"}, "stream"),
        ({"stream_options": {"include_usage": True}}, "stream_options"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].tool_call_id"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "messages[0].content[0]"),
        ({"response_format": {"type": "json_schema"}}, "response_format"),
    ],
)
def test_what_cannot_be_done_is_refused_by_name(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(HttpError) as refused:
        read(**fields)
    assert refused.value.status == 400
    assert refused.value.param == param


short = st.text("ab{[\x00 ", max_size=8)
wild = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from([0.5, -1.0, 1e300]) | short,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(short, inner, max_size=2),
    max_leaves=4,
)
names = st.sampled_from(
    ["model", "messages", "stream", "stream_options", "stop", "response_format", "seed", "n", "tools", "user"]
)


@given(st.dictionaries(names, wild, max_size=4))
def test_any_object_is_read_or_refused(fields: dict[str, Any]) -> None:
    with suppress(HttpError):
        read(**fields)


@given(st.binary(max_size=64))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    with pytest.raises(HttpError):
        read_chat(body, "q1")


def test_what_was_streamed_is_continued_or_not() -> None:
    assert rest_of("Li", "Lima") == "ma"
    assert rest_of("Lima", "Lima") == ""
    assert rest_of("Quito", "Lima") is None


@pytest.mark.parametrize("code", list(ErrorCode))
def test_every_cause_has_a_status(code: ErrorCode) -> None:
    error = from_reply(Reply(id="q1", status=Status.FAILED, error=Error(code=code, message="why")))
    assert error is not None
    assert error.status == STATUS[code]
    assert ("retry-after" in error.headers) == (code is ErrorCode.OVERLOADED)
