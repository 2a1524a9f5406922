"""What the page asks for beside the answers: its files, the nodes, and to stop a query or tell how good it was."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from schemas.commands import Feedback, Query
from schemas.subjects import check_token
from services.gateway import operations
from services.gateway.asking import Asking
from services.gateway.errors import HttpError
from services.gateway.nodes import NodeFeed
from services.gateway.openapi import Endpoint
from services.gateway.pages import Pages
from services.gateway.reading import read_object
from services.gateway.watching import Watching
from services.gateway.wire import EventStream, json_response, read_body
from services.runtime.bus import Bus
from services.runtime.client import NotOnRecord, WrongPart, give_feedback

EVENTS = "text/event-stream"


def wants_events(request: Request) -> bool:
    """Tell whether the client asks for server-sent events."""
    return EVENTS in request.headers.get("accept", "")


class Face:
    """The page's own routes."""

    def __init__(self, bus: Bus, asking: Asking) -> None:
        self._bus = bus
        self._asking = asking
        self._pages = Pages()
        self._watching = Watching(bus, asking)
        self._nodes = NodeFeed(bus)
        self.endpoints = [
            Endpoint("/", self._pages.index, "GET", operations.PAGE),
            Endpoint("/page/{name}", self._pages.file, "GET", operations.FILE),
            Endpoint("/nodes", self.nodes, "GET", operations.NODES),
            Endpoint("/query/{id}/cancel", self.cancel, "POST", operations.END),
            Endpoint("/query/{id}/feedback", self.feedback, "POST", operations.FEEDBACK),
        ]

    def watch(self, query: Query) -> EventStream:
        """Answer `POST /query` with all that happens to the query, for who asks for events."""
        return EventStream(self._watching.follow(query), {})

    async def nodes(self, request: Request) -> Response:
        """Answer `GET /nodes`: as events, who is there and what changes; else a list."""
        if wants_events(request):
            return EventStream(self._nodes.follow(), {})
        return json_response({"nodes": await self._nodes.views()})

    async def cancel(self, request: Request) -> Response:
        """Answer `POST /query/{id}/cancel`: cancel the query, repeatedly until it has ended."""
        id_ = _id(request)
        self._asking.cancel(id_, "cancelled by the client")
        return json_response({"id": id_, "cancelling": True}, 202)

    async def feedback(self, request: Request) -> Response:
        """Answer `POST /query/{id}/feedback`: `good`, or the right `answer`, of the `chunk` where there are several."""
        id_ = _id(request)
        told = read_object(await read_body(request))
        try:
            wish = msgspec.convert({**told, "id": id_}, Feedback)
            await give_feedback(self._bus, wish)
        except (msgspec.ValidationError, WrongPart) as error:
            raise HttpError(400, str(error)) from None
        except NotOnRecord as error:
            raise HttpError(404, str(error), code="not_found") from None
        return json_response({"id": id_, "thanks": True}, 202)

    async def close(self) -> None:
        """End all that is being watched."""
        await self._nodes.close()
        await self._watching.close()


def _id(request: Request) -> str:
    try:
        return check_token(request.path_params["id"], "id")
    except ValueError as error:
        raise HttpError(404, str(error), code="not_found") from None
