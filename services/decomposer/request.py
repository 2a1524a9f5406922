"""Check what a client sent.  Pure: bytes in, a query or a refusal out."""

from __future__ import annotations

import msgspec

from models.engine import GrammarError
from models.json_grammar import calls_grammar, schema_grammar
from schemas.commands import MAX_QUERY_BYTES, MAX_TURNS_BYTES, Query
from schemas.terms import ErrorCode, PlannedTurn
from services.kinds.tools import chosen
from services.runtime.refusal import Refusal
from services.runtime.wire import decode

MAX_PAYLOAD_BYTES = 6 * MAX_QUERY_BYTES + 4 * MAX_TURNS_BYTES  # every character escaped, and the other fields

MAX_TOLD_CHARS = 500


def parse(payload: bytes) -> Query:
    """Decode a query.  Raises Refusal with what is wrong and where."""
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise Refusal(ErrorCode.TOO_LARGE, f"the request has {len(payload)} bytes; {MAX_PAYLOAD_BYTES} are allowed")
    if not payload.strip():
        raise Refusal(ErrorCode.BAD_REQUEST, 'the request is empty; send JSON such as {"query": "What is 2+2?"}')
    try:
        query = decode(payload, Query)
    except msgspec.DecodeError as error:
        raise Refusal(ErrorCode.BAD_REQUEST, f"the request is no valid query: {_brief(error)}") from None
    last = f"$.messages[{len(query.turns)}].content" if query.messages else "$.query"
    size, before = len(query.text.encode()), sum(map(_size, (*query.turns, *query.followed)))
    if size > MAX_QUERY_BYTES:
        raise Refusal(ErrorCode.TOO_LARGE, f"{last} has {size} bytes; {MAX_QUERY_BYTES} are allowed")
    if before > MAX_TURNS_BYTES:
        message = f"$.messages beside the one that asks have {before} bytes; {MAX_TURNS_BYTES} are allowed"
        raise Refusal(ErrorCode.TOO_LARGE, message)
    if not query.text.strip():
        raise Refusal(ErrorCode.BAD_REQUEST, f"{last} holds nothing but white space")
    _check_grammars(query)
    return query


def _check_grammars(query: Query) -> None:
    """Refuse a form, or a tool that must be called, of which no grammar can be made."""
    form = query.response_format
    try:
        if form is not None and form.schema_ is not None:
            schema_grammar(form.schema_)
    except GrammarError as error:
        raise Refusal(ErrorCode.BAD_REQUEST, f"$.response_format.schema: {_brief(error)}") from None
    try:
        if query.generation.forces_call:
            forced = chosen(query.tools, query.tool_choice)
            calls_grammar({tool.name: tool.parameters for tool in forced}, several=False)
    except GrammarError as error:
        raise Refusal(ErrorCode.BAD_REQUEST, f"$.tools: {_brief(error)}") from None


def _size(turn: PlannedTurn) -> int:
    return len(turn.content.encode()) + sum(len(call.arguments.encode()) for call in turn.calls)


def _brief(error: Exception) -> str:
    """Tell an error that may repeat what the client wrote, which may be long."""
    text = str(error)
    return text if len(text) <= MAX_TOLD_CHARS else f"{text[:MAX_TOLD_CHARS]}..."


class _Claim(msgspec.Struct):
    id: str = ""


def claimed_id(payload: bytes) -> str:
    """Give the id that an error reply can name: the client's own if it can be read at all, else empty."""
    try:
        return decode(payload, _Claim).id[:64]
    except msgspec.DecodeError:
        return ""
