"""Trace what is asked over HTTP: whoever sends a `traceparent` finds the query in his own trace."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import structlog

from services.runtime.telemetry.carried import PARENT, STATE, carried, carrying, context_of, trace_id
from services.runtime.telemetry.telemetry import Telemetry

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

ROUTE_OF = "dellm.route"  # of the scope: the path's pattern, once it is known
MIN_FAULT = 500


def traced(app: App, telemetry: Telemetry) -> App:
    """Put tracing before an application of ASGI.  What is asked by POST begins a trace where it has none."""

    async def enter(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST":
            await app(scope, receive, send)
            return
        status = 0

        async def send_on(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        with carrying(context_of(_headers(scope))), telemetry.span("POST", "server", begins=True) as span:
            if (trace := trace_id(carried())) is not None:
                structlog.contextvars.bind_contextvars(trace=trace)  # each request has a task of its own
            await app(scope, receive, send_on)
            if span is not None:
                route = str(scope.get(ROUTE_OF, ""))
                span.name(f"POST {route}".strip())
                span.note({"http.request.method": "POST", "http.route": route, "http.response.status_code": status})
                if status >= MIN_FAULT:
                    span.fail(str(status))

    return enter


def note_query(id_: str) -> None:
    """Name the query that is asked, in the log lines that follow."""
    structlog.contextvars.bind_contextvars(query=id_)


def _headers(scope: Message) -> dict[str, str]:
    """Read the two headers of a trace context."""
    named = ((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"])
    return {name: value for name, value in named if name in (PARENT, STATE)}
