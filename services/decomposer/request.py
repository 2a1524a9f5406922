"""Check what a client sent.  Pure: bytes in, a query or a refusal out."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from models.engine import GrammarError
from models.json_grammar import schema_grammar
from schemas.commands import MAX_QUERY_BYTES, MAX_TURNS_BYTES, Query
from schemas.terms import ErrorCode
from services.runtime.refusal import Refusal
from services.runtime.wire import decode

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")

MAX_PAYLOAD_BYTES = 6 * MAX_QUERY_BYTES + 4 * MAX_TURNS_BYTES  # every character escaped, and the other fields


def parse(payload: bytes) -> Query:
    """Decode a query.  Raises Refusal with what is wrong and where."""
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise Refusal(ErrorCode.TOO_LARGE, f"the request has {len(payload)} bytes; {MAX_PAYLOAD_BYTES} are allowed")
    if not payload.strip():
        raise Refusal(ErrorCode.BAD_REQUEST, 'the request is empty; send JSON such as {"query": "What is 2+2?"}')
    try:
        query = decode(payload, Query)
    except msgspec.DecodeError as error:
        raise Refusal(ErrorCode.BAD_REQUEST, f"the request is no valid query: {error}") from None
    last = f"$.messages[{len(query.messages) - 1}].content" if query.messages else "$.query"
    size, before = len(query.text.encode()), sum(len(turn.content.encode()) for turn in query.turns)
    if size > MAX_QUERY_BYTES:
        raise Refusal(ErrorCode.TOO_LARGE, f"{last} has {size} bytes; {MAX_QUERY_BYTES} are allowed")
    if before > MAX_TURNS_BYTES:
        message = f"$.messages before the last have {before} bytes; {MAX_TURNS_BYTES} are allowed"
        raise Refusal(ErrorCode.TOO_LARGE, message)
    if not query.text.strip():
        raise Refusal(ErrorCode.BAD_REQUEST, f"{last} holds nothing but white space")
    if query.response_format is not None and query.response_format.schema_ is not None:
        try:
            schema_grammar(query.response_format.schema_)
        except GrammarError as error:
            raise Refusal(ErrorCode.BAD_REQUEST, f"$.response_format.schema: {error}") from None
    return query


class _Claim(msgspec.Struct):
    id: str = ""


def claimed_id(payload: bytes) -> str:
    """Give the id that an error reply can name: the client's own if it can be read at all, else empty."""
    try:
        return decode(payload, _Claim).id[:64]
    except msgspec.DecodeError:
        return ""


def traceparent_of(headers: Mapping[str, str]) -> str | None:
    """Give the client's trace context (W3C Trace Context), None if there is none or it is not one."""
    value = headers.get("traceparent", "")
    return value if _TRACEPARENT.fullmatch(value) else None
