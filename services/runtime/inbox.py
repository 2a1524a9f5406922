"""One subscription for the replies to all requests of a connection, however many wait and whenever they came."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from nats.aio.client import Client
from nats.aio.msg import Msg


class Inbox:
    """Hands each reply to the request that it is for; one for which nobody waits any more is dropped."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._address = ""
        self._waiting: dict[str, asyncio.Queue[Msg]] = {}

    async def open(self) -> None:
        """Subscribe, if that was not done."""
        if not self._address:
            self._address = self._client.new_inbox()
            await self._client.subscribe(f"{self._address}.*", cb=self._on_reply)

    @contextmanager
    def replies(self) -> Iterator[tuple[str, asyncio.Queue[Msg]]]:
        """Give an address of its own, and what comes there while the body runs."""
        assert self._address, "it is open"
        token = self._client.new_inbox().rpartition(".")[2]
        arrived = self._waiting[token] = asyncio.Queue()
        try:
            yield f"{self._address}.{token}", arrived
        finally:
            del self._waiting[token]

    async def _on_reply(self, msg: Msg) -> None:
        arrived = self._waiting.get(msg.subject.rpartition(".")[2])
        if arrived is not None:
            arrived.put_nowait(msg)
