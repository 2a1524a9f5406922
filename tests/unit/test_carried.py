from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.runtime.telemetry.carried import carried, carrying, context_of, is_sampled, trace_id, with_context

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.mark.parametrize(
    "value",
    [
        "",
        "x" * 10_000,
        TRACE + "\n",
        TRACE.upper(),
        "ff" + TRACE[2:],
        "00-" + "0" * 32 + "-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-" + "0" * 16 + "-01",
    ],
)
def test_what_is_no_trace_context_is_not_carried(value: str) -> None:
    assert context_of({"traceparent": value, "tracestate": "a=b"}) == {}


def test_a_trace_context_is_taken_alone_or_with_its_state() -> None:
    assert context_of(None) == {}
    assert context_of({"tracestate": "a=b"}) == {}
    assert context_of({"traceparent": TRACE, "other": "x"}) == {"traceparent": TRACE}
    assert context_of({"traceparent": TRACE, "tracestate": "a=b"}) == {"traceparent": TRACE, "tracestate": "a=b"}


@given(st.text(), st.text())
def test_nothing_that_breaks_a_header_goes_on(parent: str, state: str) -> None:
    for context in (context_of({"traceparent": parent}), context_of({"traceparent": TRACE, "tracestate": state})):
        assert all(value.isascii() and value.isprintable() for value in context.values())


def test_it_is_added_to_headers_while_it_is_carried() -> None:
    assert with_context(None) is None
    with carrying(context_of({"traceparent": TRACE})):
        assert with_context({"Nats-TTL": "1s"}) == {"traceparent": TRACE, "Nats-TTL": "1s"}
        assert trace_id(carried()) == TRACE[3:35]
        assert is_sampled(carried())
    assert not carried()
    assert not is_sampled({"traceparent": TRACE[:-1] + "0"})
