from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from schemas.messages import ChunkOutcome, Error, Piece, Reply
from schemas.responses import StoredResponse
from schemas.terms import ErrorCode, Generation, ResponseFormat, Role, Status, Turn
from services.gateway.errors import HttpError
from services.gateway.responses.drafts import Hearing
from services.gateway.responses.request import built_on, query_id, read_response, to_query_of
from services.gateway.responses.resource import resource
from services.gateway.responses.script import Event, Script, deltas, drafts_with, goes_on, num_given_up, settled

RESPONSE = StoredResponse(id="q1", model="dellm", created_at=1, input=[Turn(role=Role.USER, content="Hi")])
COMPLETE = Reply(id="q1", status=Status.COMPLETE, answer="Lima, since 1535.")


def read(**fields: Any) -> Any:
    return read_response(msgspec.json.encode({"model": "dellm", "input": "Hi", **fields}), "q1", 1)


def test_a_text_is_a_plain_query() -> None:
    query = to_query_of(read().response)
    assert (query.query, query.id) == ("Hi", "q1")


def test_instructions_come_first_and_items_are_turns() -> None:
    said = {"type": "message", "id": "msg_1", "status": "completed", "role": "assistant"}
    wanted = read(
        instructions="Be brief.",
        input=[
            {"role": "developer", "content": "Be kind."},
            {"role": "user", "content": [{"type": "input_text", "text": "Capital of Peru?"}]},
            {**said, "content": [{"type": "output_text", "text": "Lima.", "annotations": []}]},
            {"role": "user", "content": "Of Chile?"},
        ],
    )
    assert [(turn.role, turn.content) for turn in to_query_of(wanted.response).messages] == [
        (Role.SYSTEM, "Be brief.\n\nBe kind."),
        (Role.USER, "Capital of Peru?"),
        (Role.ASSISTANT, "Lima."),
        (Role.USER, "Of Chile?"),
    ]


def test_generation_fields_are_carried_and_others_come_back() -> None:
    schema = {"type": "object"}
    response = read(
        max_output_tokens=7,
        temperature=0.5,
        top_p=0.9,
        text={"format": {"type": "json_schema", "name": "x", "schema": schema, "strict": True}, "verbosity": "medium"},
        metadata={"a": "b"},
        user="me",
        tools=[],
        store=True,
    ).response
    query = to_query_of(response)
    assert (query.max_tokens, query.temperature, query.top_p) == (7, 0.5, 0.9)
    assert query.response_format == ResponseFormat(type="json_schema", schema_=schema)
    shown = resource(response, "in_progress")
    assert (shown["metadata"], shown["user"], shown["max_output_tokens"]) == ({"a": "b"}, "me", 7)


def test_a_previous_response_goes_in_front_without_its_instructions() -> None:
    first = read(instructions="Be brief.").response
    turns = built_on(first, COMPLETE, [Turn(role=Role.USER, content="And then?")])
    assert [turn.content for turn in turns] == ["Hi", "Lima, since 1535.", "And then?"]
    assert read(previous_response_id="resp_q0").response.previous == "q0"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"tools": [{"type": "function"}]}, "tools"),
        ({"truncation": "disabled"}, "truncation"),
        ({"reasoning": {"effort": "high"}}, "reasoning"),
        ({"background": True, "store": False}, "background"),
        ({"background": "yes"}, "background"),
        ({"temperature": 3}, "temperature"),
        ({"max_output_tokens": 0}, "max_output_tokens"),
        ({"previous_response_id": "chatcmpl-1"}, "previous_response_id"),
        ({"previous_response_id": "resp_a.b"}, "previous_response_id"),
        ({"input": []}, "input"),
        ({"input": ""}, "input"),
        ({"input": [{"type": "function_call_output", "output": "x"}]}, "input[0]"),
        ({"input": [{"role": "user", "content": [{"type": "input_image"}]}]}, "input[0].content[0]"),
        ({"metadata": {"a": 1}}, "metadata"),
        ({"user": 1}, "user"),
        ({"text": {"verbosity": "high"}}, "verbosity"),
        ({"stop": ["x"]}, "stop"),
        ({"conversation": "conv_1"}, "conversation"),
    ],
)
def test_what_cannot_be_done_is_refused_by_name(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(HttpError) as refused:
        read(**fields)
    assert refused.value.status == 400
    assert refused.value.param == param


@pytest.mark.parametrize("wrong", ["q1", "resp_", "resp_a b", "resp_" + "x" * 65])
def test_an_id_that_is_none_is_not_found(wrong: str) -> None:
    with pytest.raises(HttpError) as refused:
        query_id(wrong)
    assert refused.value.status == 404


short = st.text("ab{[\x00 ", max_size=8)
wild = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from([0.5, -1.0, 1e300]) | short,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(short, inner, max_size=2),
    max_leaves=4,
)
names = st.sampled_from(
    ["model", "input", "stream", "background", "text", "metadata", "tools", "include", "instructions", "top_p"]
)


@given(st.dictionaries(names, wild, max_size=4))
def test_any_object_is_read_or_refused(fields: dict[str, Any]) -> None:
    with suppress(HttpError):
        read(**fields)


texts = st.text("ab é\n漢", max_size=60) | st.text(max_size=20)


@given(texts, texts)
@example("a" * 12, "a")
@example(" " * 12, "a")
def test_what_is_settled_stays(begin: str, rest: str) -> None:
    assert "".join(deltas(begin)) == begin
    assert deltas(begin + rest)[: len(settled(begin))] == settled(begin)
    assert goes_on(begin, begin + rest)


def play(histories: Sequence[str], reply: Reply) -> tuple[list[Event], list[str]]:
    """Stream as a gateway does that hears all texts; give its events and the drafts that it leaves."""
    script, drafts = Script(RESPONSE), list[str]()
    events = list(script.begin())
    for heard in histories:
        drafts = drafts_with(drafts, heard)
        events += script.go_on(drafts)
    events += script.end(drafts, reply)
    return events, drafts


@given(st.lists(texts, max_size=6), st.lists(st.integers(0, 60), max_size=6), texts, st.booleans())
def test_a_replay_is_what_was_streamed(said: list[str], cuts: list[int], answer: str, failed: bool) -> None:  # noqa: FBT001
    histories = [text[:cut] for text, cut in zip(said, cuts, strict=False)] + said
    error = Error(code=ErrorCode.DEADLINE, message="too late") if failed else None
    reply = Reply(id="q1", status=Status.FAILED if failed else Status.COMPLETE, answer=answer, error=error)
    live, drafts = play(histories, reply)
    again = Script(RESPONSE)
    assert [*again.begin(), *again.end(drafts, reply)] == live
    assert [event["sequence_number"] for event in live] == list(range(len(live)))
    added = [event["output_index"] for event in live if event["type"] == "response.output_item.added"]
    done = [event["output_index"] for event in live if event["type"] == "response.output_item.done"]
    assert added == done == list(range(len(added)))
    if not failed:
        last = added[-1]
        written = [event["delta"] for event in live if event.get("output_index") == last and "delta" in event]
        assert "".join(written) == answer
        assert num_given_up(drafts, reply) == last
        assert live[-1]["response"] == resource(RESPONSE, "completed", reply, item=last)


def test_a_text_that_is_drawn_anew_is_an_item_of_its_own() -> None:
    events, _ = play(["Quito is ", "Quito is the ", "Lima", "Lima, since 15"], COMPLETE)
    done = [event["item"] for event in events if event["type"] == "response.output_item.done"]
    assert [(item["status"], item["content"][0]["text"]) for item in done] == [
        ("incomplete", "Quito is the"),
        ("completed", "Lima, since 1535."),
    ]
    assert [item["id"] for item in events[-1]["response"]["output"]] == ["msg_q1-1"]


@pytest.mark.parametrize(
    ("reply", "last", "status"),
    [
        (COMPLETE, "response.completed", "completed"),
        (
            Reply(
                id="q1",
                status=Status.COMPLETE,
                answer="Li",
                chunks=[ChunkOutcome(index=0, text="Hi", kind="text", decided="all", finish="length")],
            ),
            "response.incomplete",
            "incomplete",
        ),
        (Reply(id="q1", status=Status.PARTIAL, answer="Lima"), "response.incomplete", "incomplete"),
        (
            Reply(id="q1", status=Status.FAILED, error=Error(code=ErrorCode.DEADLINE, message="too late")),
            "response.failed",
            "failed",
        ),
        (
            Reply(id="q1", status=Status.FAILED, error=Error(code=ErrorCode.CANCELLED, message="gone")),
            "response.failed",
            "cancelled",
        ),
    ],
)
def test_how_a_stream_ends(reply: Reply, last: str, status: str) -> None:
    events, _ = play(["Li"], reply)
    assert events[-1]["type"] == last
    assert events[-1]["response"]["status"] == status


def test_a_background_response_begins_queued() -> None:
    script = Script(msgspec.structs.replace(RESPONSE, background=True, generation=Generation(max_tokens=3)))
    assert [event["type"] for event in script.begin()] == [
        "response.created",
        "response.queued",
        "response.in_progress",
    ]


def test_pieces_are_put_together_until_one_is_missed() -> None:
    hearing = Hearing()
    heard = [
        hearing.hear(Piece(id="q1", index=index, text=text, revised=revised))
        for index, text, revised in [
            (0, "Li", False),
            (1, "ma", False),
            (3, "!", False),
            (4, "?", False),
            (7, "Q", True),
        ]
    ]
    assert heard == ["Li", "Lima", None, None, "Q"]
    late = Hearing()
    assert late.hear(Piece(id="q1", index=2, text="ma")) is None
