from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.commands import MAX_QUERY_BYTES
from schemas.terms import ErrorCode
from services.decomposer.request import claimed_id, parse
from services.runtime.refusal import Refusal


def test_the_least_that_is_needed() -> None:
    query = parse(b'{"query": "What is 2+2?"}')
    assert (query.query, query.id, query.timeout_s, query.on_partial.value) == ("What is 2+2?", None, 120, "accept")


@pytest.mark.parametrize(
    ("payload", "code", "says"),
    [
        (b"", "bad_request", "empty"),
        (b"  ", "bad_request", "empty"),
        (b"What is 2+2?", "bad_request", "malformed"),
        (b'{"query": "\xff"}', "bad_request", "UTF-8"),
        (b'["What is 2+2?"]', "bad_request", "Expected `object`"),
        (b"{}", "bad_request", "give either `query` or `messages`"),
        (b'{"query": ""}', "bad_request", "give either `query` or `messages`"),
        (b'{"messages": [{"role": "user", "content": " "}]}', "bad_request", "$.messages[0].content"),
        (b'{"messages": [{"role": "assistant", "content": "x"}]}', "bad_request", "must be the user's"),
        (b'{"messages": [{"role": "tool", "content": "x"}]}', "bad_request", "the last of `messages` must be"),
        (b'{"query": "x", "temperature": -1}', "bad_request", "$.temperature"),
        (b'{"query": "x", "stop": [""]}', "bad_request", "$.stop[0]"),
        (b'{"query": "x", "response_format": {"type": "xml"}}', "bad_request", "$.response_format.type"),
        (
            b'{"query": "x", "response_format": {"type": "json_schema", "schema": {"type": "elephant"}}}',
            "bad_request",
            "$.response_format.schema",
        ),
        (b'{"query": " \\n "}', "bad_request", "white space"),
        (b'{"query": 7}', "bad_request", "Expected `str`, got `int` - at `$.query`"),
        (b'{"query": "x", "colour": 1}', "bad_request", "unknown field `colour`"),
        (b'{"query": "x", "id": "a.b"}', "bad_request", "$.id"),
        (b'{"query": "x", "id": "a b"}', "bad_request", "$.id"),
        (b'{"query": "x", "id": ""}', "bad_request", "$.id"),
        (b'{"query": "x", "id": "abc\\n"}', "bad_request", "$.id"),
        (b'{"query": "x", "' + b"y" * 5000 + b'": 1}', "bad_request", "unknown field"),
        (b'{"query": "x", "timeout_s": 0}', "bad_request", "$.timeout_s"),
        (b'{"query": "x", "timeout_s": -1}', "bad_request", "$.timeout_s"),
        (b'{"query": "x", "timeout_s": 1e9}', "bad_request", "$.timeout_s"),
        (b'{"query": "x", "timeout_s": "soon"}', "bad_request", "$.timeout_s"),
        (b'{"query": "x", "on_partial": "perhaps"}', "bad_request", "$.on_partial"),
        (json.dumps({"query": "x" * (MAX_QUERY_BYTES + 1)}).encode(), "too_large", "$.query has 32769 bytes"),
        (b"x" * 900_000, "too_large", "900000 bytes"),
    ],
)
def test_bad_input_is_refused_in_one_line(payload: bytes, code: str, says: str) -> None:
    with pytest.raises(Refusal) as caught:
        parse(payload)
    assert caught.value.code is ErrorCode(code)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) <= 300


@given(st.binary(max_size=400))
def test_any_bytes_are_a_query_or_a_refusal(payload: bytes) -> None:
    claimed_id(payload)
    with suppress(Refusal):
        parse(payload)


def test_the_largest_query_is_taken_even_when_escaped() -> None:
    text = "\u00e9" * (MAX_QUERY_BYTES // 2)
    assert parse(json.dumps({"query": text}).encode()).query == text


def test_the_id_is_found_in_a_bad_request() -> None:
    assert claimed_id(b'{"id": "mine", "query": 7}') == "mine"
    assert claimed_id(b"not JSON") == ""
