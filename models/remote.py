"""Inference by OpenAI-compatible servers: llama-server, Ollama, vLLM, another DELLM's gateway, each model at its URL.

A completion is always streamed, so that what there is at a deadline counts, and ending it ends the server's work.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import httpx
import stamina
from httpx_sse import SSEError, aconnect_sse

from models.engine import Completion, EngineClosed, GrammarError, ModelError, PromptTooLong
from models.openai_chat import DONE, BadStream, ChatReader, Dialect, estimate_tokens, read_complaint, to_body
from models.reference import RemoteModel
from models.server import BUSY, ModelServer, Unreachable, one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from models.engine import Finish, Request, Stats, Turn
    from models.reference import ModelReference

CONNECT_S = 3.0
SILENCE_S = 300.0  # while a server computes a long prompt, or lets a request wait for others
ATTEMPTS = 3
FIRST_WAIT_S, MAX_WAIT_S = 0.1, 1.0
_REFUSED = frozenset({400, 422})


class _TryAgain(Exception):  # noqa: N818  the name says the cause
    """A server could not be reached, or is busy, and has not begun to answer."""


class RemoteEngine:
    """`Engine` for remote models.  `context_tokens` is what a prompt is cut to; a server may have room for less.

    A request that cannot be sent is sent again a few times, as long as no text has come and its deadline allows.
    """

    def __init__(self, context_tokens: int = 4096) -> None:
        self.library = "a server"
        self.threads = self.gpu_layers = 0
        self.context_tokens = context_tokens
        self._client = httpx.AsyncClient(timeout=httpx.Timeout(SILENCE_S, connect=CONNECT_S))
        self._servers: dict[RemoteModel, ModelServer] = {}
        self._closed = False

    async def complete(self, request: Request, on_text: Callable[[str], None] | None = None) -> Completion:
        """See `Engine.complete`."""
        server = self._server(request.model)
        if server.down is not None:
            raise Unreachable(server.told(server.down))
        if request.grammar is not None and request.json_schema is None:
            raise GrammarError(server.told("a server takes a JSON schema, and no other grammar"))
        reader, began = ChatReader(request.stop, may_loop=request.may_loop), time.monotonic()
        left_s = None if request.deadline_at is None else max(0.0, request.deadline_at - time.time())
        finish: Finish = "deadline"
        server.running += 1
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(left_s):
                    await self._ask(server, request, reader, on_text or (lambda _: None))
                    finish = reader.finish or "stop"
        finally:
            server.running -= 1
            server.requests += 1
            server.busy_s += time.monotonic() - began
            server.prompt_tokens += reader.prompt_tokens
            server.generated_tokens += reader.completion_tokens
        if (rest := reader.close()) and on_text is not None:
            on_text(rest)
        return Completion(
            text=reader.text,
            logprob=reader.logprob,
            prompt_tokens=reader.prompt_tokens or estimate_tokens(request.messages),
            completion_tokens=reader.completion_tokens,
            latency_s=time.monotonic() - began,
            finish=finish,
        )

    async def count_tokens(self, model: ModelReference, messages: Sequence[Turn]) -> int:
        """See `Engine.count_tokens`: an estimate, because the servers' interface cannot count."""
        self._server(model)
        return estimate_tokens(messages)

    async def load(self, model: ModelReference) -> None:
        """See `Engine.load`: look whether the server has the model."""
        server = self._server(model)
        try:
            await server.probe()
        except Unreachable as error:
            server.has_failed(str(error))

    def stats(self) -> Mapping[ModelReference, Stats]:
        """See `Engine.stats`."""
        return {model: server.stats() for model, server in self._servers.items()}

    def down(self) -> Mapping[ModelReference, str]:
        """See `Engine.down`."""
        return {model: server.down for model, server in self._servers.items() if server.down is not None}

    async def close(self) -> None:
        """See `Engine.close`."""
        self._closed = True
        for server in self._servers.values():
            await server.close()
        await self._client.aclose()

    def _server(self, model: ModelReference) -> ModelServer:
        if self._closed:
            raise EngineClosed("the engine is closed")
        assert isinstance(model, RemoteModel), "files are another engine's"
        if model not in self._servers:
            self._servers[model] = ModelServer(model, self._client)
        return self._servers[model]

    async def _ask(
        self, server: ModelServer, request: Request, reader: ChatReader, on_text: Callable[[str], None]
    ) -> None:
        """Send a request until it is taken, and read the answer."""
        try:
            async for attempt in stamina.retry_context(
                on=_TryAgain,
                attempts=ATTEMPTS,
                timeout=None,  # the request's own deadline is kept by the caller
                wait_initial=FIRST_WAIT_S,
                wait_max=MAX_WAIT_S,
                wait_jitter=FIRST_WAIT_S,
            ):
                with attempt:
                    dialect: Dialect | None = server.dialect
                    while dialect is not None:
                        taken, dialect = dialect, await self._send(server, dialect, request, reader, on_text)
        except (_TryAgain, httpx.TransportError) as error:
            why = one_line(error)
            server.has_failed(why)
            raise Unreachable(server.told(why)) from None
        except BadStream as error:
            raise ModelError(server.told(one_line(error))) from None
        server.dialect = taken
        server.has_answered()

    async def _send(
        self,
        server: ModelServer,
        dialect: Dialect,
        request: Request,
        reader: ChatReader,
        on_text: Callable[[str], None],
    ) -> Dialect | None:
        """Send a request once, and read the answer; return how to send it anew where the server does not take it so."""
        body = to_body(request, server.model.name, dialect)
        url = f"{server.model.url}/chat/completions"
        try:
            async with aconnect_sse(self._client, "POST", url, json=body, headers=server.headers) as events:
                if not events.response.is_success:
                    await events.response.aread()
                    return _simpler(server, dialect, events.response)
                async for event in events.aiter_sse():
                    if event.data == DONE:
                        break
                    if said := reader.feed(event.data):
                        on_text(said)
                    if reader.ended:
                        break
        except SSEError as error:
            raise BadStream(one_line(error)) from None
        except httpx.TransportError as error:
            if reader.completion_tokens:
                raise
            raise _TryAgain(one_line(error)) from None
        if reader.finish is None:
            raise httpx.RemoteProtocolError("the server broke off in the middle of an answer")
        return None


def _simpler(server: ModelServer, dialect: Dialect, response: httpx.Response) -> Dialect:
    """Return what is left to say where a server did not take a request; raise what the refusal means."""
    complaint, too_long = read_complaint(response.content)
    if too_long:
        raise PromptTooLong(server.told(complaint))
    simpler = dialect.without(complaint) if response.status_code in _REFUSED else dialect.without_named(complaint)
    if simpler is None and response.status_code in BUSY:
        raise _TryAgain(f"HTTP {response.status_code}: {complaint}")
    if simpler is None:
        server.refuse(response.status_code, complaint)
    return simpler
