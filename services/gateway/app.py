"""The routes, each a thin layer over what reads requests and writes replies."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from schemas.messages import Piece, Reply
from services.gateway.asking import Asking, Heard, chained
from services.gateway.chat import Asked, read_chat
from services.gateway.completion import chunk, completion, described, headers, rest_of, usage
from services.gateway.errors import STATUS, HttpError, from_reply
from services.gateway.face import Face, wants_events
from services.gateway.idempotency import identify
from services.gateway.metrics import Metrics
from services.gateway.pool import Pool
from services.gateway.reading import list_names, no_model, read_object, to_query
from services.gateway.responses.routes import ROUTE, Responses
from services.gateway.wire import DONE, KEEP_ALIVE, EventStream, event, json_response, read_body, while_connected
from services.runtime.bus import Bus
from services.runtime.wire import BusError

log = structlog.get_logger(__name__)

GONE = 499
Handler = Callable[[Request], Awaitable[Response]]


class Gateway:
    """What the routes do.  `leaving` is set while the gateway stops."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self.asking = Asking(bus)
        self.metrics = Metrics()
        self.face = Face(bus, self.asking)
        self.leaving = False
        self._pool = Pool(bus)
        self._responses = Responses(bus, self.asking, self._pool, self.metrics)

    def app(self) -> Starlette:
        """Give the application."""
        routes = [
            ("/v1/chat/completions", self.chat, "POST"),
            (ROUTE, self._responses.create, "POST"),
            (f"{ROUTE}/{{id}}", self._responses.show, "GET"),
            (f"{ROUTE}/{{id}}/cancel", self._responses.cancel, "POST"),
            ("/v1/models", self.models, "GET"),
            ("/v1/models/{name:path}", self.model, "GET"),
            ("/query", self.query, "POST"),
            ("/health", self.ready, "GET"),
            ("/livez", self.live, "GET"),
            ("/readyz", self.ready, "GET"),
            ("/metrics", self.show_metrics, "GET"),
            *self.face.routes,
        ]
        served = [Route(path, self._guarded(path, handler), methods=[method]) for path, handler, method in routes]
        return Starlette(routes=served, exception_handlers={HTTPException: _on_http_exception})

    async def chat(self, request: Request) -> Response:
        """Answer `POST /v1/chat/completions`."""
        body = await read_body(request)
        id_, keep = identify(request, self._bus)
        asked = read_chat(body, id_)
        await self._pool.check(asked.model)
        created = int(time.time())
        if asked.stream:
            heard = self.asking.follow(asked.query, keep=keep)
            first = await while_connected(request.receive, anext(heard))
            if isinstance(first, Reply) and (error := from_reply(first)) is not None:
                self.metrics.count_reply(first)
                await heard.aclose()
                raise error
            return EventStream(self._events(first, heard, asked, created), {"x-request-id": id_})
        reply = await while_connected(request.receive, self.asking.ask(asked.query, keep=keep))
        self.metrics.count_reply(reply)
        if (error := from_reply(reply)) is not None:
            raise error
        return json_response(completion(reply, asked.model, created), headers=headers(reply))

    async def query(self, request: Request) -> Response:
        """Answer `POST /query`: our own command in, our own reply out."""
        fields = read_object(await read_body(request))
        id_, keep = identify(request, self._bus)
        wanted = to_query({"id": id_, **fields})
        request.state.id = wanted.id
        if wants_events(request):
            return self.face.watch(wanted)
        reply = await while_connected(request.receive, self.asking.ask(wanted, keep=keep))
        self.metrics.count_reply(reply)
        return json_response(reply, STATUS[reply.error.code] if reply.error is not None else 200, headers(reply))

    async def models(self, request: Request) -> Response:
        """List what `model` may be."""
        del request
        names = list_names(await self._pool.models())
        return json_response({"object": "list", "data": [_model(name) for name in names]})

    async def model(self, request: Request) -> Response:
        """Show one model."""
        name, names = request.path_params["name"], list_names(await self._pool.models())
        if name not in names:
            raise no_model(name, names)
        return json_response(_model(name))

    async def live(self, request: Request) -> Response:
        """Tell that the process answers."""
        del request
        return json_response({"status": "ok"})

    async def ready(self, request: Request) -> Response:
        """Tell whether a query would be answered."""
        del request
        if self.leaving:
            raise HttpError(503, "the gateway is stopping", code="stopping")
        if not self._bus.client.is_connected:
            raise HttpError(503, "there is no connection to NATS", code="no_bus")
        nodes = await self._pool.nodes()
        if not nodes:
            raise HttpError(503, "no node is alive", code="no_nodes")
        return json_response({"status": "ok", "nodes": len(nodes)})

    async def show_metrics(self, request: Request) -> Response:
        """Show the figures in Prometheus's format."""
        del request
        return Response(self.metrics.render(), media_type="text/plain; version=0.0.4; charset=utf-8")

    async def _events(
        self, first: Piece | Reply | None, heard: Heard, asked: Asked, created: int
    ) -> AsyncGenerator[str, None]:
        """Write the stream; a text that was sent can't be taken back, so a revised answer is told at the end."""
        id_, model = str(asked.query.id), asked.model
        streamed, revised = "", False
        started = time.monotonic()
        yield event(chunk(id_, model, created, {"role": "assistant", "content": ""}))
        async with aclosing(chained(first, heard)) as all_heard:
            async for each in all_heard:
                if each is None:
                    yield KEEP_ALIVE
                elif isinstance(each, Piece):
                    revised = revised or (each.revised and bool(streamed))
                    if not revised and each.text:
                        if not streamed:
                            self.metrics.first_token.observe(time.monotonic() - started)
                        streamed += each.text
                        yield event(chunk(id_, model, created, {"content": each.text}))
                else:
                    self.metrics.count_reply(each)
                    for text in ending(each, streamed, asked, created):
                        yield text
        yield DONE

    def _guarded(self, path: str, handler: Handler) -> Handler:
        """Turn what goes wrong into an answer, and count it."""

        async def guarded(request: Request) -> Response:
            started = time.monotonic()
            with self.metrics.in_flight.track_inprogress():
                response = await self._answer(request, handler)
            self.metrics.requests.labels(path, str(response.status_code)).inc()
            self.metrics.duration.labels(path).observe(time.monotonic() - started)
            if id_ := getattr(request.state, "id", None):
                response.headers["x-request-id"] = id_
            return response

        return guarded

    async def _answer(self, request: Request, handler: Handler) -> Response:
        try:
            return await handler(request)
        except HttpError as error:
            return json_response(error.body, error.status, error.headers)
        except ClientDisconnect:
            return Response(status_code=GONE)
        except BusError as error:
            failed = HttpError(503, str(error), code="no_bus")
            return json_response(failed.body, failed.status)
        except Exception:
            log.exception("request.failed", path=request.url.path)
            failed = HttpError(500, "something went wrong in the gateway; its log tells what", code="internal")
            return json_response(failed.body, failed.status)


def ending(reply: Reply, streamed: str, asked: Asked, created: int) -> list[str]:
    """Write what closes a stream: the rest of the answer, why it ends, how it came to be, and what it took."""
    if (error := from_reply(reply)) is not None:
        return [event(error.body)]
    events = []
    rest = rest_of(streamed, reply.answer)
    if rest:
        events.append(chunk(reply.id, asked.model, created, {"content": rest}))
    whole = completion(reply, asked.model, created)
    last = chunk(reply.id, asked.model, created, {}, whole["choices"][0]["finish_reason"])
    last["dellm"] = described(reply) | ({"revised": True, "answer": reply.answer} if rest is None else {})
    events.append(last)
    if asked.include_usage:
        events = [{**each, "usage": None} for each in events]
        events.append({**chunk(reply.id, asked.model, created, {}), "choices": [], "usage": usage(reply)})
    return [event(each) for each in events]


def _model(name: str) -> dict[str, object]:
    return {"id": name, "object": "model", "created": 0, "owned_by": "dellm"}


async def _on_http_exception(request: Request, error: Exception) -> Response:
    del request
    assert isinstance(error, HTTPException)
    return json_response(HttpError(error.status_code, error.detail, code="not_found").body, error.status_code)
