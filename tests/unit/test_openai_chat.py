"""What is sent to an OpenAI-compatible server, and what is read of its stream."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.engine import Request, turns
from models.openai_chat import BadStream, ChatReader, Dialect, read_complaint, to_body


def request(**options: Any) -> Request:
    return Request(model=Path("m"), messages=turns("Be brief.", "Hi"), max_tokens=8, **options)


def chunk(text: str | None = None, *, logprob: float | None = None, **more: Any) -> str:
    logprobs = None if logprob is None else {"content": [{"token": text, "logprob": logprob}]}
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": more.pop("finish", None), "logprobs": logprobs}
    return json.dumps({"choices": [choice], **more})


def test_a_greedy_request_says_what_decides_the_answer() -> None:
    body = to_body(request(stop=("\n",)), "m", Dialect(optional=frozenset()))
    assert body == {
        "model": "m",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}],
        "max_tokens": 8,
        "temperature": 0.0,
        "stop": ["\n"],
        "stream": True,
    }


def test_a_drawn_one_says_how_it_is_drawn() -> None:
    body = to_body(request(temperature=0.7, top_p=0.8, top_k=20, min_p=0.0, seed=7), "m", Dialect())
    assert {name: body[name] for name in ("temperature", "top_p", "top_k", "min_p", "seed", "logprobs")} == {
        "temperature": 0.7,
        "top_p": 0.8,
        "top_k": 20,
        "min_p": 0.0,
        "seed": 7,
        "logprobs": True,
    }


def test_a_schema_stands_where_the_server_looks_for_it() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}}
    asked = request(grammar="root ::= x", json_schema=json.dumps(schema))
    standard = to_body(asked, "m", Dialect())["response_format"]
    assert standard["type"] == "json_schema"
    assert standard["json_schema"]["schema"] == schema
    older = to_body(asked, "m", Dialect(schema_in_object=True))["response_format"]
    assert older == {"type": "json_object", "schema": schema}
    assert to_body(request(json_schema="{}"), "m", Dialect())["response_format"] == {"type": "json_object"}


def test_what_a_server_refuses_is_left_out_step_by_step() -> None:
    first = Dialect().without("`logprobs` is not supported")
    assert first is not None
    assert first.optional == Dialect().optional - {"logprobs"}
    second = first.without("response_format.type: input should be 'text' or 'json_object'")
    assert second is not None
    assert second.schema_in_object
    third = second.without("something is wrong")
    assert third is not None
    assert not third.optional
    assert third.without("something is wrong") is None


def test_a_stream_is_read() -> None:
    reader = ChatReader()
    said = [reader.feed(chunk(text, logprob=logprob)) for text, logprob in (("Li", -0.1), ("ma", -0.3))]
    reader.feed(chunk(finish="stop"))
    reader.feed(json.dumps({"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 3}}))
    assert said == ["Li", "ma"]
    assert (reader.text, reader.finish, reader.prompt_tokens, reader.completion_tokens) == ("Lima", "stop", 9, 3)
    assert reader.logprob == pytest.approx(-0.2)


def test_without_log_probabilities_there_is_none() -> None:
    reader = ChatReader()
    reader.feed(chunk("Lima", finish="length"))
    assert (reader.logprob, reader.finish, reader.completion_tokens) == (None, "length", 1)


def test_a_stop_string_ends_the_text_even_where_the_server_goes_on() -> None:
    reader = ChatReader(stop=("\n\n",))
    said = "".join(reader.feed(chunk(text)) for text in ("one\n", "\ntwo", "three"))
    assert (said, reader.ended, reader.finish) == ("one", True, "stop")


def test_what_is_held_back_comes_at_the_end() -> None:
    reader = ChatReader(stop=("\n\n",))
    assert reader.feed(chunk("one\n")) == "one"
    assert reader.close() == "\n"
    assert reader.text == "one\n"


def test_a_text_in_circles_ends() -> None:
    reader, patient = ChatReader(), ChatReader(may_loop=True)
    for _ in range(60):
        reader.feed(chunk("the same line again and again\n"))
        patient.feed(chunk("the same line again and again\n"))
    assert (reader.ended, reader.finish) == (True, "loop")
    assert not patient.ended


@pytest.mark.parametrize(
    "event", ["{", "[]", '{"choices": [{"delta": {"content": 7}}]}', '{"error": {"message": "no"}}']
)
def test_what_is_no_chunk_is_told(event: str) -> None:
    with pytest.raises(BadStream):
        ChatReader().feed(event)


@pytest.mark.parametrize(
    ("body", "line", "too_long"),
    [
        (b'{"error": {"message": "no\\nway", "param": "seed"}}', "no way (seed)", False),
        (b'{"error": {"message": "too big", "code": "context_length_exceeded"}}', "too big", True),
        (b'{"error": {"message": "the request exceeds the available context size", "code": 400}}', None, True),
        (b'{"detail": [{"loc": ["body", "seed"]}]}', '[{"loc": ["body", "seed"]}]', False),
        (b'{"error": "no such model"}', '"no such model"', False),
        (b"<html>Bad gateway</html>", "<html>Bad gateway</html>", False),
        (b"", "", False),
    ],
)
def test_a_refusal_is_one_line(body: bytes, line: str | None, too_long: bool) -> None:  # noqa: FBT001
    told, found = read_complaint(body)
    assert line is None or told == line
    assert found is too_long


@given(st.binary())
def test_any_refusal_can_be_told(body: bytes) -> None:
    line, _ = read_complaint(body)
    assert len(line.splitlines()) <= 1


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(st.sampled_from(["choices", "delta", "content", "usage", "error", "logprobs"]), inner)
        ),
    )
)
def test_any_event_is_read_or_refused(event: object) -> None:
    with suppress(BadStream):
        ChatReader().feed(json.dumps(event))
