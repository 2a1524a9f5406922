"""`/v1/chat/completions`: ask, and answer whole or in chunks."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from schemas.messages import Piece, Reply
from schemas.plans import Plan
from services.gateway import tools
from services.gateway.asking import Asking, Heard, chained
from services.gateway.chat import Asked, read_chat
from services.gateway.choices import reasoning
from services.gateway.completion import (
    chunk,
    completion,
    described,
    finish_of,
    headers,
    headers_of_plan,
    rest_of,
    usage,
)
from services.gateway.errors import HttpError, from_reply
from services.gateway.idempotency import identify
from services.gateway.pool import Pool
from services.gateway.wire import DONE, KEEP_ALIVE, EventStream, event, json_response, read_body, while_connected
from services.runtime.bus import Bus
from services.runtime.telemetry.metrics import Metrics

ROUTE = "/v1/chat/completions"


class Chats:
    """What this route does."""

    def __init__(self, bus: Bus, asking: Asking, pool: Pool, metrics: Metrics) -> None:
        self._bus = bus
        self._asking = asking
        self._pool = pool
        self._metrics = metrics

    async def create(self, request: Request) -> Response:
        """Answer `POST /v1/chat/completions`."""
        body = await read_body(request)
        id_, keep = identify(request, self._bus)
        asked = read_chat(body, id_)
        await self._pool.check(asked.model)
        created = int(time.time())
        if asked.stream:
            return await self._streamed(request, asked, created, keep=keep)
        reply = await while_connected(request.receive, self._answered(asked, keep=keep))
        if (error := from_reply(reply)) is not None:
            raise error
        return json_response(completion(reply, asked, created), headers=headers(reply))

    async def _answered(self, asked: Asked, *, keep: bool) -> Reply:
        """Wait for the reply.  Raises HttpError where choices are wanted of what is not voted on."""
        if asked.num_choices == 1:
            return await self._asking.ask(asked.query, keep=keep)
        reply = await self._asking.ask_voted(asked.query, keep=keep)
        if reply is None:
            raise HttpError(
                400,
                "`n`: this request is not one question on whose answers several nodes vote, so that it has one answer",
                code="unsupported_value",
                param="n",
            )
        return reply

    async def _streamed(self, request: Request, asked: Asked, created: int, *, keep: bool) -> Response:
        """Begin a stream; what is refused at once is an error yet."""
        heard = self._asking.follow(asked.query, keep=keep)
        first = await while_connected(request.receive, anext(heard))
        if isinstance(first, Reply) and (error := from_reply(first)) is not None:
            await heard.aclose()
            raise error
        told = headers_of_plan(first) if isinstance(first, Plan) else {}
        events = self._events(chained(first, heard), asked, created)
        return EventStream(events, {"x-request-id": str(asked.query.id), **told})

    async def _events(self, heard: Heard, asked: Asked, created: int) -> AsyncGenerator[str, None]:
        """Write the stream; a text that was sent can't be taken back, so a revised answer is told at the end."""
        id_, model = str(asked.query.id), asked.model
        streamed, revised = "", False
        started = time.monotonic()
        yield event(chunk(id_, model, created, {"role": "assistant", "content": ""}))
        async with aclosing(heard):
            async for what in heard:
                match what:
                    case Piece():
                        revised = revised or (what.revised and bool(streamed))
                        if not revised and what.text:
                            if not streamed:
                                self._metrics.first_token.observe(time.monotonic() - started)
                            streamed += what.text
                            yield event(chunk(id_, model, created, {"content": what.text}))
                    case Reply():
                        for text in ending(what, streamed, asked, created):
                            yield text
                    case None:
                        yield KEEP_ALIVE
        yield DONE


def ending(reply: Reply, streamed: str, asked: Asked, created: int) -> list[str]:
    """Write what closes a stream: the rest of the answer, why it ends, how it came to be, and what it took."""
    if (error := from_reply(reply)) is not None:
        return [event(error.body)]
    deltas: list[dict[str, Any]] = [{"reasoning_content": reasoning(reply)}] if asked.reasoning else []
    rest = rest_of(streamed, reply.answer)
    if rest:
        deltas.append({"content": rest})
    deltas += tools.deltas(reply.calls)
    events = [chunk(reply.id, asked.model, created, delta) for delta in deltas]
    last = chunk(reply.id, asked.model, created, {}, finish_of(reply))
    last["dellm"] = described(reply) | ({"revised": True, "answer": reply.answer} if rest is None else {})
    events.append(last)
    if asked.include_usage:
        events = [{**chunk, "usage": None} for chunk in events]
        events.append({**chunk(reply.id, asked.model, created, {}), "choices": [], "usage": usage(reply)})
    return [event(chunk) for chunk in events]
