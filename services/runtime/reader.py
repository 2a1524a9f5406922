"""Read the last message of many subjects in one go, by the server's direct multi-get (ADR-31)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg

from services.runtime.wire import BusError, encode

READ_LIMIT = 1000
TIMEOUT_S = 2.0


class Reader:
    """Reads over one inbox subscription, however many reads are under way."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._inbox = ""
        self._reads: dict[str, _Read] = {}

    async def multi_get(self, stream: str, filters: list[str]) -> list[Msg]:
        """Read by the server's direct multi-get (ADR-31); where it is too much for one, subject by subject."""
        if not self._inbox:
            self._inbox = self._client.new_inbox()
            await self._client.subscribe(f"{self._inbox}.*", cb=self._on_read)
        try:
            return await self._multi_get_at_once(stream, filters)
        except _TooMany:
            jetstream = self._client.jetstream()
            infos = [await jetstream.stream_info(stream, subjects_filter=each) for each in filters]
        names = list(dict.fromkeys(name for info in infos for name in info.state.subjects or ()))
        groups = [names[i : i + READ_LIMIT] for i in range(0, len(names), READ_LIMIT)]
        return [msg for group in groups for msg in await self._multi_get_at_once(stream, group)]

    async def _multi_get_at_once(self, stream: str, filters: list[str]) -> list[Msg]:
        token = self._client.new_inbox().rpartition(".")[2]
        read = self._reads[token] = _Read([], asyncio.get_running_loop().create_future())
        try:
            request = encode({"multi_last": filters, "batch": READ_LIMIT})
            await self._client.publish(f"$JS.API.DIRECT.GET.{stream}", request, reply=f"{self._inbox}.{token}")
            async with asyncio.timeout(TIMEOUT_S):
                await read.end
        except TimeoutError:
            raise nats.errors.TimeoutError from None
        finally:
            del self._reads[token]
        return read.messages

    async def _on_read(self, msg: Msg) -> None:
        read = self._reads.get(msg.subject.rpartition(".")[2])
        if read is None or read.end.done():
            return
        header = msg.headers or {}
        match header.get("Status"):
            case None:
                read.messages.append(msg)
            case "204" | "404":
                read.end.set_result(None)
            case "503":
                read.end.set_exception(nats.errors.NoRespondersError())
            case "413":
                read.end.set_exception(_TooMany())
            case status:
                read.end.set_exception(BusError(f"read refused: {status} {header.get('Description', '')}"))


@dataclass(slots=True)
class _Read:
    messages: list[Msg]
    end: asyncio.Future[None]


class _TooMany(Exception):  # noqa: N818  # handled where it is raised
    """The server reads no more than 1024 subjects in one go."""
