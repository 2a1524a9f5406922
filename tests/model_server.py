"""An HTTP server that answers as a test says, byte by byte: it may break off, dawdle, or refuse."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from models.reference import RemoteModel

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"

Write = Callable[[bytes], Awaitable[None]]
Answer = Callable[[dict[str, Any], Write], Awaitable[None]]


def event(text: str = "", finish: str | None = None) -> bytes:
    """Make one event of a streamed chat completion."""
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": finish}
    return f"data: {json.dumps({'choices': [choice]})}\n\n".encode()


def refusal(status: int, message: str) -> bytes:
    """Make a whole answer that refuses."""
    body = json.dumps({"error": {"message": message}}).encode()
    return b"HTTP/1.1 %d No\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body)


def saying(text: str) -> Answer:
    """Make an answer of one piece."""

    async def answer(_: dict[str, Any], write: Write) -> None:
        await write(HEAD + event(text) + event(finish="stop") + b"data: [DONE]\n\n")

    return answer


@dataclass
class ModelServer:
    """Answers chat completions as `answer` says, and the list of models with `names`.

    `left` is set when a client goes away while it is answered.  `asked` holds the bodies, `keys` what came as a key.
    """

    answer: Answer
    names: tuple[str, ...] = ("m",)
    port: int = 0
    asked: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    left: asyncio.Event = field(default_factory=asyncio.Event)
    clients: set[asyncio.StreamWriter] = field(default_factory=set)

    @property
    def model(self) -> RemoteModel:
        return RemoteModel(f"http://127.0.0.1:{self.port}/v1", "m")

    async def on_client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.clients.add(writer)
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower().split("\r\n")
            headers = dict(line.split(": ", 1) for line in head[1:] if ": " in line)
            self.keys.append(headers.get("authorization"))
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            if head[0].startswith("get /v1/models "):
                names = json.dumps({"data": [{"id": name} for name in self.names]}).encode()
                writer.write(
                    b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(names), names)
                )
            else:
                self.asked.append(json.loads(body))
                await self._answer(reader, writer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self.clients.discard(writer)
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def write(part: bytes) -> None:
            writer.write(part)
            await writer.drain()

        answering = asyncio.ensure_future(self.answer(self.asked[-1], write))
        gone = asyncio.ensure_future(reader.read())
        await asyncio.wait({answering, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not answering.done():
            self.left.set()
        answering.cancel()
        gone.cancel()
        await asyncio.gather(answering, gone, return_exceptions=True)


@asynccontextmanager
async def model_server(answer: Answer, names: tuple[str, ...] = ("m",), port: int = 0) -> AsyncIterator[ModelServer]:
    """Serve while the body runs."""
    serving = ModelServer(answer, names)
    listening = await asyncio.start_server(serving.on_client, "127.0.0.1", port)
    serving.port = listening.sockets[0].getsockname()[1]
    try:
        yield serving
    finally:
        listening.close()
        for client in serving.clients:
            client.transport.abort()
        await listening.wait_closed()
