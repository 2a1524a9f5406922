"""HTTP as the gateway speaks it: bodies of bounded size, JSON, server-sent events, and clients that go away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Mapping
from contextlib import aclosing, suppress
from typing import Any, TypeVar

import msgspec
import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from services.gateway.errors import HttpError, stopping
from services.gateway.leaving import Leaving
from services.runtime.wire import BusError

log = structlog.get_logger(__name__)

R = TypeVar("R")

MAX_BODY_BYTES = 1024 * 1024
BODY_S = 20.0
SEND_S = 30.0
KEEP_ALIVE = ": keep-alive\n\n"
DONE = "data: [DONE]\n\n"


def json_response(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Answer with JSON."""
    return Response(msgspec.json.encode(body), status, headers, media_type="application/json")


def event(body: Any) -> str:
    """Give one server-sent event."""
    return f"data: {msgspec.json.encode(body).decode()}\n\n"


def named_event(body: Mapping[str, Any]) -> str:
    """Give one server-sent event that has the name of its type."""
    return f"event: {body['type']}\n{event(body)}"


async def read_body(request: Request) -> bytes:
    """Read the body.  Raises HttpError when it is too large or comes too slowly."""
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_S):
            async for part in request.stream():
                body += part
                if len(body) > MAX_BODY_BYTES:
                    raise HttpError(413, f"the body is over {MAX_BODY_BYTES} bytes", code="too_large")
    except TimeoutError:
        raise HttpError(408, f"the body did not come within {BODY_S:.0f} s", code="deadline") from None
    return bytes(body)


async def while_connected(receive: Receive, work: Awaitable[R]) -> R:
    """Await `work`, which is cancelled when the client goes away.  Raises ClientDisconnect then."""
    task = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(_disconnected(receive))
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientDisconnect
        return task.result()
    finally:
        for waiting in (task, gone):
            waiting.cancel()
        await asyncio.gather(task, gone, return_exceptions=True)


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def told_to_the_end(events: AsyncIterator[str]) -> AsyncIterator[str]:
    """Yield events; where the next one fails, yield its error as the last event."""
    try:
        async for text in events:
            yield text
    except BusError as error:
        yield event(HttpError(503, str(error), code="no_bus").body)
    except Exception:
        log.exception("stream.failed")
        yield event(HttpError(500, "something went wrong in the gateway; its log tells what", code="internal").body)


class EventStream(Response):
    """Sends events for as long as the client listens; one that does not read for SEND_S is gone."""

    def __init__(self, events: AsyncGenerator[str, None], headers: dict[str, str]) -> None:
        fixed = {"cache-control": "no-store", "x-accel-buffering": "no"}
        super().__init__(None, headers={**fixed, **headers}, media_type="text/event-stream")
        del self.headers["content-length"]
        self._events = events

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request."""
        leaving: Leaving = scope["app"].state.leaving
        with suppress(ClientDisconnect):
            async with aclosing(self._events):
                await while_connected(receive, self._send_all(send, leaving.time_is_up))

    async def _send_all(self, send: Send, time_is_up: asyncio.Event) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        sending = asyncio.ensure_future(self._send_events(send))
        ending = asyncio.ensure_future(time_is_up.wait())
        try:
            await asyncio.wait({sending, ending}, return_when=asyncio.FIRST_COMPLETED)
            if sending.done():
                sending.result()
        finally:
            sending.cancel()
            ending.cancel()
            await asyncio.gather(sending, ending, return_exceptions=True)
        if sending.cancelled():
            await _send_text(send, event(stopping().body))
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _send_events(self, send: Send) -> None:
        async for text in told_to_the_end(self._events):
            await _send_text(send, text)


async def _send_text(send: Send, text: str) -> None:
    """Send a part of the body.  Raises ClientDisconnect where nobody reads it."""
    try:
        async with asyncio.timeout(SEND_S):
            await send({"type": "http.response.body", "body": text.encode(), "more_body": True})
    except TimeoutError:
        log.info("stream.unread")
        raise ClientDisconnect from None
