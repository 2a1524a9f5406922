"""How a gateway stops: running requests may finish, new ones are refused, slow ones end with an error."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from starlette.types import ASGIApp, Receive, Scope, Send

from services.gateway.errors import stopping


class Leaving:
    """Counts the requests under way, streams until their end.  `time_is_up` is set where one has to end early."""

    def __init__(self) -> None:
        self._begun = False
        self.time_is_up = asyncio.Event()
        self._under_way = 0
        self._idle = asyncio.Event()
        self._idle.set()

    def check(self, method: str = "POST") -> None:
        """Refuse what asks for more.  Raises HttpError."""
        if self._begun and method == "POST":
            raise stopping()

    def count(self, app: ASGIApp) -> ASGIApp:
        """Count the requests of an application."""

        async def counted(scope: Scope, receive: Receive, send: Send) -> None:
            self._under_way += 1
            self._idle.clear()
            try:
                await app(scope, receive, send)
            finally:
                self._under_way -= 1
                if not self._under_way:
                    self._idle.set()

        return counted

    async def leave(self, grace_s: float, farewell_s: float) -> None:
        """Wait `grace_s` for what is under way, and `farewell_s` more once its time is up."""
        self._begun = True
        await self._wait_idle(grace_s)
        self.time_is_up.set()
        await self._wait_idle(farewell_s)

    async def _wait_idle(self, timeout_s: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._idle.wait()
