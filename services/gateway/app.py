"""The routes, each a thin layer over what reads requests and writes replies."""

from __future__ import annotations

import time
from typing import Any

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from services.gateway import operations
from services.gateway.asking import Asking
from services.gateway.chats import ROUTE as CHATS
from services.gateway.chats import Chats
from services.gateway.completion import headers
from services.gateway.errors import STATUS, HttpError
from services.gateway.face import Face, wants_events
from services.gateway.idempotency import identify
from services.gateway.leaving import Leaving
from services.gateway.openapi import Endpoint, Handler, document
from services.gateway.pool import Pool
from services.gateway.reading import list_names, no_model, read_object, to_query
from services.gateway.responses.routes import Responses
from services.gateway.wire import json_response, read_body, while_connected
from services.runtime.bus import Bus
from services.runtime.lifecycle import VERSION
from services.runtime.telemetry.http import ROUTE_OF
from services.runtime.telemetry.metrics import CONTENT_TYPE
from services.runtime.wire import BusError

log = structlog.get_logger(__name__)

NOT_FOUND, GONE = 404, 499


class Gateway:
    """What the routes do.  `leaving` knows what is under way while the gateway stops."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self.asking = Asking(bus)
        self.metrics = bus.telemetry.metrics
        self.face = Face(bus, self.asking)
        self.leaving = Leaving()
        self._document: dict[str, Any] = {}
        self._pool = Pool(bus)
        self._chats = Chats(bus, self.asking, self._pool, self.metrics)
        self._responses = Responses(bus, self.asking, self._pool)

    def app(self) -> Starlette:
        """Give the application."""
        endpoints = [
            Endpoint(CHATS, self._chats.create, "POST", operations.CHAT),
            *self._responses.endpoints,
            Endpoint("/v1/models", self.models, "GET", operations.MODELS),
            Endpoint("/v1/models/{name:path}", self.model, "GET", operations.ONE_MODEL),
            Endpoint("/query", self.query, "POST", operations.ASK),
            Endpoint("/health", self.ready, "GET", operations.READY),
            Endpoint("/livez", self.live, "GET", operations.LIVE),
            Endpoint("/readyz", self.ready, "GET", operations.READY),
            Endpoint("/metrics", self.show_metrics, "GET", operations.METRICS),
            Endpoint("/openapi.json", self.show_document, "GET", operations.DOCUMENT),
            *self.face.endpoints,
        ]
        self._document = document(endpoints, VERSION)
        served = [
            Route(endpoint.path, self._guarded(endpoint.path, endpoint.handler), methods=[endpoint.method])
            for endpoint in endpoints
        ]
        app = Starlette(routes=served, exception_handlers={HTTPException: _on_http_exception})
        app.state.leaving = self.leaving
        return app

    async def query(self, request: Request) -> Response:
        """Answer `POST /query`: our own command in, our own reply out."""
        fields = read_object(await read_body(request), nulls=True)
        id_, keep = identify(request, self._bus)
        wanted = to_query({"id": id_, **fields})
        request.state.id = wanted.id
        if wants_events(request):
            return self.face.watch(wanted)
        reply = await while_connected(request.receive, self.asking.ask(wanted, keep=keep))
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
        self.leaving.check()
        if not self._bus.client.is_connected:
            raise HttpError(503, "there is no connection to NATS", code="no_bus")
        nodes = await self._pool.nodes()
        if not nodes:
            raise HttpError(503, "no node is alive", code="no_nodes")
        await self._pool.check_writable()
        return json_response({"status": "ok", "nodes": len(nodes)})

    async def show_metrics(self, request: Request) -> Response:
        """Show the figures in Prometheus's format."""
        del request
        return Response(self.metrics.render(), media_type=CONTENT_TYPE)

    def count_refusal(self, status: int) -> None:
        """Count a request that was not let in; its path is whatever a stranger likes, and no label."""
        self.metrics.requests.labels("refused", str(status)).inc()

    async def show_document(self, request: Request) -> Response:
        """Show what can be asked here, as OpenAPI."""
        del request
        return json_response(self._document)

    def _guarded(self, path: str, handler: Handler) -> Handler:
        """Turn what goes wrong into an answer, and count it."""

        async def guarded(request: Request) -> Response:
            started = time.monotonic()
            request.scope[ROUTE_OF] = path
            with self.metrics.requests_in_flight.track_inprogress():
                response = await self._answer(request, handler)
            self.metrics.requests.labels(path, str(response.status_code)).inc()
            self.metrics.request_seconds.labels(path).observe(time.monotonic() - started)
            if id_ := getattr(request.state, "id", None):
                response.headers["x-request-id"] = id_
            return response

        return guarded

    async def _answer(self, request: Request, handler: Handler) -> Response:
        try:
            self.leaving.check(request.method)
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


def _model(name: str) -> dict[str, object]:
    return {"id": name, "object": "model", "created": 0, "owned_by": "dellm"}


async def _on_http_exception(request: Request, error: Exception) -> Response:
    del request
    assert isinstance(error, HTTPException)
    code = "not_found" if error.status_code == NOT_FOUND else "bad_request"
    failed = HttpError(error.status_code, error.detail, code=code)
    return json_response(failed.body, error.status_code, dict(error.headers or {}))
