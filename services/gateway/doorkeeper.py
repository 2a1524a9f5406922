"""What every request passes first: a check of its origin, of its key, and of the key's limits.

It follows each request to its end, streams included, and ends the requests of a key that is revoked.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Collection
from typing import Any

import structlog
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from schemas.records import ApiKey
from schemas.subjects import KEY
from services.gateway.errors import HttpError
from services.gateway.keyring import Keyring
from services.gateway.origin import check_origin
from services.gateway.wire import json_response
from services.runtime.bus import Bus

log = structlog.get_logger(__name__)

OPEN = frozenset({"/", "/livez", "/readyz", "/health"})  # and the page's files: they hold nothing of anybody
OPEN_FOLDER = "/page/"
ASKING = frozenset({"/query", "/v1/chat/completions", "/v1/responses"})  # a POST to these is work for the pool
MAX_HEADER_BYTES = 32 * 1024
KEY_OF = "dellm.key"  # of the scope: the name of the key that let a request in


class Doorkeeper:
    """Checks requests.  Where `anybody` can reach the gateway, that is beyond loopback, every request needs a key."""

    def __init__(
        self, bus: Bus, *, anybody: bool, origins: Collection[str], on_refusal: Callable[[int], object]
    ) -> None:
        self._bus = bus
        self._anybody = anybody
        self._origins = frozenset(origins)
        self._on_refusal = on_refusal
        self._keyring = Keyring()
        self._inside: dict[str, set[asyncio.Task[Any]]] = defaultdict(set)
        self._shown_out: set[asyncio.Task[Any]] = set()

    @property
    def has_keys(self) -> bool:
        """Whether there ever was a key."""
        return self._keyring.in_force

    async def read_keys(self) -> None:
        """Read the keys from the bucket, and end the requests of those that are revoked.  Raises BusError."""
        gone = self._keyring.update(stored.message for stored in (await self._bus.read((KEY, KEY.at())))[KEY])
        for name in gone:
            log.info("key.revoked", key=name)
            for task in self._inside.pop(name, ()):
                self._shown_out.add(task)
                task.cancel()

    def before(self, app: ASGIApp) -> ASGIApp:
        """Wrap an application."""

        async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            try:
                key = self._let_in(scope)
            except HttpError as error:
                self._on_refusal(error.status)
                await json_response(error.body, error.status, error.headers)(scope, receive, send)
                return
            if key is None:
                await app(scope, receive, send)
            else:
                await self._stay(key, app, scope, receive, send)

        return guarded

    def _let_in(self, scope: Scope) -> ApiKey | None:
        """Give the key of a request that may come in, None where none is needed.  Raises HttpError."""
        if sum(len(name) + len(value) for name, value in scope["headers"]) > MAX_HEADER_BYTES:
            raise HttpError(431, f"the headers are over {MAX_HEADER_BYTES} bytes", code="too_large")
        headers = Headers(scope=scope)
        keyed = self._anybody or self._keyring.in_force
        check_origin(headers.get("host", ""), headers.get("origin"), named=self._origins, loopback=not keyed)
        path = scope["path"]
        if not keyed or path in OPEN or path.startswith(OPEN_FOLDER):
            return None
        key = self._keyring.find(headers.get("authorization"))
        scope[KEY_OF] = key.name
        return key

    async def _stay(self, key: ApiKey, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request with a key, unless it has too many."""
        counted = scope["method"] == "POST" and scope["path"] in ASKING
        if counted:
            try:
                self._keyring.begin(key, time.monotonic())
            except HttpError as error:
                self._on_refusal(error.status)
                await json_response(error.body, error.status, error.headers)(scope, receive, send)
                return
        begun = False

        async def send_on(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        task = asyncio.current_task()
        assert task is not None
        self._inside[key.name].add(task)
        try:
            await app(scope, receive, send_on)
        except asyncio.CancelledError:
            if task not in self._shown_out:
                raise
            task.uncancel()
            await self._end(scope, receive, send, begun=begun)
        finally:
            self._shown_out.discard(task)
            self._inside[key.name].discard(task)
            if counted:
                self._keyring.end(key)

    async def _end(self, scope: Scope, receive: Receive, send: Send, *, begun: bool) -> None:
        if begun:
            await send({"type": "http.response.body", "body": b"", "more_body": False})
            return
        error = HttpError(401, "this key was revoked", code="invalid_api_key")
        await json_response(error.body, error.status, error.headers)(scope, receive, send)
