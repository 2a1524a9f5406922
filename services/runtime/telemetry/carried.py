"""The trace context of what is being done: it comes with a message's headers and goes on with those that follow.

It is passed on whether or not traces are recorded here (W3C Trace Context).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar, Token
from types import MappingProxyType

PARENT, STATE = "traceparent", "tracestate"

_PARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_STATE = re.compile(r"[\x20-\x7e]{1,512}")
NOTHING: Mapping[str, str] = MappingProxyType({})

_carried: ContextVar[Mapping[str, str]] = ContextVar("carried", default=NOTHING)


def context_of(headers: Mapping[str, str] | None) -> Mapping[str, str]:
    """Give the trace context among headers as headers, empty if there is none or it is not one."""
    if not headers or PARENT not in headers:
        return NOTHING
    parent, state = headers[PARENT], headers.get(STATE, "")
    if not _PARENT.fullmatch(parent):
        return NOTHING
    return {PARENT: parent, STATE: state} if _STATE.fullmatch(state) else {PARENT: parent}


def carried() -> Mapping[str, str]:
    """Give the trace context of what is being done, as headers; empty if there is none."""
    return _carried.get()


def with_context(headers: Mapping[str, str] | None) -> dict[str, str] | None:
    """Add the trace context to a message's headers; None if there is nothing to say."""
    if context := _carried.get():
        return {**context, **(headers or {})}
    return dict(headers) if headers else None


def carry(context: Mapping[str, str]) -> Token[Mapping[str, str]]:
    """Let what the current task does belong to a trace, until `put_back`."""
    return _carried.set(context)


def put_back(token: Token[Mapping[str, str]]) -> None:
    """Undo `carry`."""
    _carried.reset(token)


@contextmanager
def carrying(context: Mapping[str, str]) -> Iterator[None]:
    """Let what the body does belong to a trace."""
    token = carry(context)
    try:
        yield
    finally:
        put_back(token)


def trace_id(context: Mapping[str, str]) -> str | None:
    """Give the id of a context's trace."""
    parent = context.get(PARENT)
    return parent.split("-")[1] if parent else None


def is_sampled(context: Mapping[str, str]) -> bool:
    """Tell whether whoever began a trace wants it recorded."""
    return bool(int(context[PARENT][-2:], 16) & 1)
