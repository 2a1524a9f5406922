from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from schemas.commands import Query
from schemas.plans import Chunk, Plan
from schemas.terms import ErrorCode, OnPartial, VoteRule, unknown_terms
from services.runtime.newer import encode_over, unknown_fields
from services.runtime.wire import decode, encode

PLAN: dict[str, Any] = {
    "id": "q",
    "query": "x",
    "reply": "_INBOX.x",
    "created_at": 1.0,
    "deadline_at": 9.0,
    "assemble_by": 8.0,
    "on_partial": "negotiate",
    "chunks": [{"index": 0, "text": "x", "kind": "riddle", "mood": "dark"}, {"index": 1, "text": "y", "kind": "fact"}],
    "assignments": [],
    "policy": {"vote": "quantum", "wording": "song", "depth": 3},
    "generation": {"mirostat": 2, "response_format": {"type": "xml", "dtd": "a"}},
    "turns": [{"role": "critic", "content": "4", "name": "clock"}],
    "given": {"1": [{"question": "x", "answer": "4", "sure": True}]},
    "colour": "red",
}
UNKNOWN = {
    "$.colour",
    "$.chunks[0].mood",
    "$.policy.depth",
    "$.generation.mirostat",
    "$.generation.response_format.dtd",
    "$.turns[0].name",
    "$.given.1[0].sure",
}


def read() -> tuple[Plan, bytes]:
    payload = json.dumps(PLAN).encode()
    return decode(payload, Plan), payload


def test_a_newer_plan_is_read_and_what_is_unknown_is_told() -> None:
    plan, payload = read()
    assert set(unknown_fields(plan, payload)) == UNKNOWN
    assert {(path, str(value)) for path, value in unknown_terms(plan)} == {
        ("$.on_partial", "negotiate"),
        ("$.policy.vote", "quantum"),
        ("$.policy.wording", "song"),
        ("$.turns[0].role", "critic"),
    }


def test_what_is_unknown_is_kept_when_the_plan_is_revised() -> None:
    plan, payload = read()
    revised = msgspec.structs.replace(plan, revision=1, chunks=[*plan.chunks, Chunk(index=2, text="z", kind="fact")])
    again = json.loads(encode_over(revised, plan, payload))
    assert again["revision"] == 1
    assert [chunk["text"] for chunk in again["chunks"]] == ["x", "y", "z"]
    assert set(unknown_fields(decode(json.dumps(again).encode(), Plan), json.dumps(again).encode())) == UNKNOWN
    assert again["policy"]["vote"] == "quantum"
    assert again["on_partial"] == "negotiate"
    assert again["turns"] == [{**PLAN["turns"][0], "calls": [], "call_id": ""}]


def test_what_is_known_has_nothing_unknown_and_stays_as_it_is() -> None:
    plan = msgspec.structs.replace(read()[0], on_partial=OnPartial.ACCEPT)
    payload = encode(plan)
    assert unknown_fields(plan, payload) == []
    assert decode(encode_over(plan, plan, payload), Plan) == plan


def test_a_value_that_is_unknown_equals_no_member_and_a_member_is_itself() -> None:
    assert VoteRule("quantum") not in list(VoteRule)
    assert not VoteRule("quantum").is_known
    assert VoteRule("sum") is VoteRule.SUM
    assert VoteRule.SUM.is_known
    assert msgspec.json.decode(b'"unheard"', type=ErrorCode).value == "unheard"


@pytest.mark.parametrize(
    ("field", "where"),
    [
        ('"policy": {"vote": "quantum"}', "$.policy.vote"),
        ('"policy": {"depth": 1}', "$.policy"),
        ('"on_partial": "negotiate"', "$.on_partial"),
        ('"colour": 1', "colour"),
        ('"response_format": {"type": "xml"}', "$.response_format.type"),
        ('"response_format": {"dtd": "a"}', "$.response_format"),
    ],
)
def test_a_client_that_mistypes_is_told(field: str, where: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=where.replace("$", r"\$")):
        decode(f'{{"query": "x", {field}}}'.encode(), Query)
