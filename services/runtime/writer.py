"""Write to streams, and ask their server for its word: one attempt each."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence

from nats.aio.client import Client

from services.runtime.reader import TIMEOUT_S
from services.runtime.wire import BusError, sequence_of

BATCHES_IN_FLIGHT = 16  # the server allows 50 a stream

Message = tuple[str, bytes, Mapping[str, str]]


class Writer:
    """Writes over one connection."""

    def __init__(self, client: Client, forbidden: Collection[str]) -> None:
        self._client = client
        self._forbidden = forbidden
        self._batches = asyncio.Semaphore(BATCHES_IN_FLIGHT)

    async def write(self, messages: Sequence[Message]) -> int:
        """Write messages, several of them as one atomic batch, and give the last one's sequence."""
        if len(messages) == 1:
            return sequence_of(await self.ask(*messages[0]))
        batch = self._client.new_inbox().rpartition(".")[2]
        async with self._batches:
            for i, (address, payload, header) in enumerate(messages[:-1], 1):
                mark = {"Nats-Batch-Id": batch, "Nats-Batch-Sequence": str(i)}
                await self._client.publish(address, payload, headers={**header, **mark})
            address, payload, header = messages[-1]
            mark = {"Nats-Batch-Id": batch, "Nats-Batch-Sequence": str(len(messages)), "Nats-Batch-Commit": "1"}
            return sequence_of(await self.ask(address, payload, {**header, **mark}))

    async def ask(self, address: str, payload: bytes, header: Mapping[str, str] | None = None) -> bytes:
        """Give the server's word.  Raises BusError where this user may not ask for it."""
        headers = dict(header) if header else None
        try:
            return (await self._client.request(address, payload, timeout=TIMEOUT_S, headers=headers)).data
        except TimeoutError:
            if address.lower() in self._forbidden:
                raise BusError(f"this user may not publish to {address}") from None
            raise
