"""`/v1/responses`: ask, in the foreground or in the background; fetch, stream again, cancel."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing

from msgspec import structs
from starlette.requests import Request
from starlette.responses import Response

from schemas.messages import Piece, Reply
from schemas.plans import Plan
from schemas.responses import StoredResponse
from schemas.subjects import PLAN, RESPONSE
from schemas.terms import ErrorCode
from services.gateway import operations
from services.gateway.asking import Asking, Heard, chained
from services.gateway.completion import headers, headers_of_plan
from services.gateway.doorkeeper import KEY_OF
from services.gateway.errors import HttpError, from_reply
from services.gateway.idempotency import identify
from services.gateway.openapi import Endpoint
from services.gateway.pool import Pool
from services.gateway.responses.drafts import DraftLog, Hearing
from services.gateway.responses.items import page
from services.gateway.responses.request import PREFIX, Wanted, built_on, query_id, read_response, to_query_of
from services.gateway.responses.resource import resource
from services.gateway.responses.script import Event, Script
from services.gateway.responses.state import Known, look_up
from services.gateway.wire import DONE, KEEP_ALIVE, EventStream, json_response, named_event, read_body, while_connected
from services.runtime.bus import Bus
from services.runtime.client import ask
from services.runtime.wire import Conflict, Entry

ROUTE = "/v1/responses"
PASSING = frozenset({ErrorCode.OVERLOADED, ErrorCode.NO_NODES})


class Responses:
    """What these routes do."""

    def __init__(self, bus: Bus, asking: Asking, pool: Pool) -> None:
        self._bus = bus
        self._asking = asking
        self._pool = pool
        self.endpoints = [
            Endpoint(ROUTE, self.create, "POST", operations.CREATE),
            Endpoint(f"{ROUTE}/{{id}}", self.show, "GET", operations.SHOW),
            Endpoint(f"{ROUTE}/{{id}}", self.delete, "DELETE", operations.DELETE),
            Endpoint(f"{ROUTE}/{{id}}/input_items", self.list_items, "GET", operations.INPUT_ITEMS),
            Endpoint(f"{ROUTE}/{{id}}/cancel", self.cancel, "POST", operations.CANCEL),
        ]

    async def create(self, request: Request) -> Response:
        """Answer `POST /v1/responses`."""
        body = await read_body(request)
        id_, keep = identify(request, self._bus)
        wanted = read_response(body, id_, int(time.time()), owner=_owner(request))
        await self._pool.check(wanted.response.model)
        response = await self._going_on(wanted.response)
        if wanted.store:
            response = await self._remember(response)
        wanted = structs.replace(wanted, response=response)
        if response.background and not wanted.stream:
            return await self._in_background(wanted)
        if wanted.stream:
            return await self._streamed(request, wanted, keep=keep)
        reply = await while_connected(request.receive, self._asking.ask(to_query_of(response), keep=keep))
        await self._check(wanted, reply)
        return self._shown(Known(response=response, reply=reply, planned=True), store=wanted.store)

    async def show(self, request: Request) -> Response:
        """Answer `GET /v1/responses/{id}`, with `stream=true` as a stream that goes on `starting_after` a number."""
        stream, after = _how(request)
        known = await look_up(self._bus, self._named(request), _owner(request))
        if not stream:
            return self._shown(await self._asked(known))
        if not known.response.background:
            raise HttpError(400, "only a background response can be streamed again", param="stream")
        return EventStream(self._events(known.response, self._followed(known), after=after), self._ids(known))

    async def cancel(self, request: Request) -> Response:
        """Answer `POST /v1/responses/{id}/cancel`."""
        known = await look_up(self._bus, self._named(request), _owner(request))
        if not known.response.background:
            raise HttpError(400, "only a background response can be cancelled: close the connection of another")
        if known.reply is None:
            await self._asking.end(known.response.id, "cancelled by the client")
            known = await look_up(self._bus, known.response.id, known.response.owner)
        return self._shown(known)

    async def delete(self, request: Request) -> Response:
        """Answer `DELETE /v1/responses/{id}`; one that is still worked on in the background is cancelled."""
        known = await look_up(self._bus, self._named(request), _owner(request))
        await self._bus.purge(RESPONSE, id=known.response.id)
        if known.response.background and known.reply is None:
            self._asking.cancel(known.response.id)
        return json_response({"id": f"{PREFIX}{known.response.id}", "object": "response", "deleted": True})

    async def list_items(self, request: Request) -> Response:
        """Answer `GET /v1/responses/{id}/input_items`."""
        known = await look_up(self._bus, self._named(request), _owner(request))
        return json_response(page(known.response, request.query_params))

    # --- steps ------------------------------------------------------------------------------------------------------

    def _named(self, request: Request) -> str:
        id_: str = query_id(request.path_params["id"])
        request.state.id = id_
        return id_

    async def _going_on(self, response: StoredResponse) -> StoredResponse:
        """Put the conversation so far in front.  Raises HttpError where it is not known, or not yet."""
        if response.previous is None:
            return response
        try:
            before = await look_up(self._bus, response.previous, response.owner)
        except HttpError as error:
            raise HttpError(400, str(error), code="previous_response_not_found", param="previous_response_id") from None
        if before.reply is None or before.reply.error is not None:
            why = f"the previous response has no answer; it is {before.status}"
            raise HttpError(400, why, param="previous_response_id")
        going_on = structs.replace(response, input=built_on(before.response, before.reply, response.input))
        to_query_of(going_on)  # which may be too much together
        return going_on

    async def _remember(self, response: StoredResponse) -> StoredResponse:
        """Store what is asked; the one that is there already stands.  Raises HttpError where that is another."""
        try:
            await self._bus.commit(Entry(RESPONSE, response, expect=0))
        except Conflict:
            stored = await self._bus.last(RESPONSE, id=response.id)
            if stored is None or structs.replace(stored.message, created_at=response.created_at) != response:
                raise HttpError(400, "this `Idempotency-Key` belongs to another request") from None
            return stored.message
        return response

    async def _check(self, wanted: Wanted, reply: Reply) -> None:
        """Forget what was refused.  Raises HttpError."""
        error = from_reply(reply)
        if error is None:
            return
        if wanted.store:
            await self._bus.purge(RESPONSE, id=wanted.response.id)
        raise error

    async def _in_background(self, wanted: Wanted) -> Response:
        """See to it that it will be answered, whatever becomes of this gateway, and say so."""
        refused = await self._admit(wanted.response)
        if refused is not None:
            await self._check(wanted, refused)
        known = await look_up(self._bus, wanted.response.id, wanted.response.owner)
        return self._shown(known)

    async def _admit(self, response: StoredResponse) -> Reply | None:
        """Ask until the query is planned; give the reply where it came first."""
        async with self._bus.tap(self._bus.space.event(PLAN.at(id=response.id))) as planned:
            known = await look_up(self._bus, response.id, response.owner)
            if known.planned or known.reply is not None:
                return known.reply
            asked = asyncio.create_task(ask(self._bus, to_query_of(response)))
            begun = asyncio.create_task(planned.get())
            try:
                await asyncio.wait({asked, begun}, return_when=asyncio.FIRST_COMPLETED)
                return asked.result() if asked.done() else None
            finally:
                asked.cancel()
                begun.cancel()
                await asyncio.gather(asked, begun, return_exceptions=True)

    async def _asked(self, known: Known) -> Known:
        """Ask what was remembered and never planned: its gateway died between the two."""
        if known.planned or known.reply is not None or not known.response.background:
            return known
        refused = await self._admit(known.response)
        if refused is not None and refused.error is not None and refused.error.code in PASSING:
            return known  # and asked again when it is fetched again
        return structs.replace(known, planned=refused is None, reply=refused)

    async def _followed(self, known: Known) -> Heard:
        """Hear a background response through, from what is stored where it has ended."""
        if known.reply is not None:
            yield known.reply
            return
        async with aclosing(self._asking.follow(to_query_of(known.response), keep=True)) as heard:
            async for what in heard:
                yield what

    async def _streamed(self, request: Request, wanted: Wanted, *, keep: bool) -> Response:
        """Stream a response from its begin; what is refused at once is an error yet."""
        response = wanted.response
        heard = self._asking.follow(to_query_of(response), keep=keep or response.background)
        first = await while_connected(request.receive, anext(heard))
        if isinstance(first, Reply) and first.error is not None:
            await heard.aclose()
            await self._check(wanted, first)
        told = headers_of_plan(first) if isinstance(first, Plan) else {}
        events = self._events(response, chained(first, heard), store=wanted.store)
        return EventStream(events, {"x-request-id": response.id, **told})

    async def _events(
        self, response: StoredResponse, heard: Heard, *, after: int = -1, store: bool = True
    ) -> AsyncGenerator[str, None]:
        """Write the stream, from the event after number `after`."""
        script, hearing = Script(response, store=store), Hearing()
        drafts = DraftLog(self._bus, response.id, written=response.background)
        async with aclosing(heard):
            await drafts.load()
            for text in _written([*script.begin(), *script.go_on(drafts.texts)], after):
                yield text
            async for what in heard:
                events: Iterable[Event] = ()
                match what:
                    case Piece():
                        said = hearing.hear(what)
                        if said is not None:
                            await drafts.add(said)
                        events = script.go_on(drafts.texts)
                    case Reply():
                        await drafts.seal()
                        events = script.end(drafts.texts, what)
                    case None:
                        yield KEEP_ALIVE
                        await drafts.load()  # another gateway may have heard what this one missed
                        events = script.go_on(drafts.texts)
                for text in _written(events, after):
                    yield text
        yield DONE

    def _ids(self, known: Known) -> dict[str, str]:
        return {"x-request-id": known.response.id}

    def _shown(self, known: Known, *, store: bool = True) -> Response:
        shown = resource(known.response, known.status, known.reply, item=known.item, store=store)
        return json_response(shown, headers=headers(known.reply) if known.reply is not None else None)


def _owner(request: Request) -> str:
    name: str = request.scope.get(KEY_OF, "")
    return name


def _written(events: Iterable[Event], after: int) -> Iterable[str]:
    return (named_event(event) for event in events if event["sequence_number"] > after)


def _how(request: Request) -> tuple[bool, int]:
    """Read whether a stream is wanted, and after which event.  Raises HttpError."""
    given = dict(request.query_params)
    for name, value in given.items():
        if name not in {"stream", "starting_after"} and (name, value) != ("include_obfuscation", "false"):
            raise HttpError(400, f"`{name}` is not supported", code="unsupported_parameter", param=name)
    stream, after = given.get("stream", "false"), given.get("starting_after", "-1")
    if stream not in {"true", "false"}:
        raise HttpError(400, "`stream` must be true or false", param="stream")
    if not after.removeprefix("-").isdecimal() or len(after) > len("-999999999"):
        raise HttpError(400, "`starting_after` must be a number", param="starting_after")
    return stream == "true", int(after)
