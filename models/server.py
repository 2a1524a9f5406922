"""A server that runs one remote model: whether it answers, and what has been asked of it.

One that cannot be reached is `down` at once, and is asked for its list of models until it answers: in its own time, so
that it comes back without anybody's request.  (The circuit breakers of the package index close by a trial request.  A
node whose server is down says so and gets none.)
"""

from __future__ import annotations

import asyncio
import os
from typing import NoReturn

import httpx
import msgspec
from msgspec import Struct

from models.engine import ModelError, Stats
from models.openai_chat import Dialect, read_complaint
from models.reference import RemoteModel, key_variable

PROBE_S = 3.0
FIRST_PAUSE_S, MAX_PAUSE_S = 0.25, 10.0  # between two probes
BUSY = frozenset({408, 429, 500, 502, 503, 504})


class Unreachable(ModelError):  # noqa: N818  the name says the cause
    """The server of a model cannot be reached, or broke off."""


class _Id(Struct):
    id: str


class _Models(Struct):
    data: list[_Id]


class ModelServer:
    """`down` is why it does not answer, None while it does.  `dialect` is what is known of what it takes."""

    def __init__(self, model: RemoteModel, client: httpx.AsyncClient) -> None:
        self.model = model
        self.dialect = Dialect()
        self.down: str | None = None
        self.running = self.requests = self.prompt_tokens = self.generated_tokens = 0
        self.busy_s = 0.0
        self._client = client
        self._failures = 0  # since it last answered a request
        self._probing: asyncio.Task[None] | None = None

    @property
    def headers(self) -> dict[str, str]:
        """What says who asks: the key of the environment, if there is one.

        Raises:
            ModelError: no header can hold it; the line does not tell the key.

        """
        variable = key_variable(self.model.url)
        key = os.environ.get(variable, "").strip()
        if key and not (key.isascii() and key.isprintable() and " " not in key):
            raise ModelError(self.told(f"the key in {variable} has characters that no key has"))
        return {"Authorization": f"Bearer {key}"} if key else {}

    def told(self, why: str) -> str:
        """Return one line that says which model has what trouble."""
        return f"{self.model.name} at {self.model.url}: {why}"

    def refuse(self, status: int, complaint: str) -> NoReturn:
        """Raise ModelError for what the server does not grant."""
        if status in (401, 403):
            variable = key_variable(self.model.url)
            why = f"the key in {variable}" if self.headers else f"who has no key; set {variable}"
            raise ModelError(self.told(f"it refuses {why} (HTTP {status})"))
        raise ModelError(self.told(f"HTTP {status}: {complaint}"))

    async def probe(self) -> None:
        """Ask the server for its models.

        Raises:
            Unreachable: it does not answer.
            ModelError: it has not this model, or refuses the key.

        """
        try:
            response = await self._client.get(f"{self.model.url}/models", headers=self.headers, timeout=PROBE_S)
        except httpx.TransportError as error:
            raise Unreachable(one_line(error)) from None
        if response.status_code in BUSY:
            raise Unreachable(f"HTTP {response.status_code}")
        if not response.is_success:
            self.refuse(response.status_code, read_complaint(response.content)[0])
        try:
            names = [model.id for model in msgspec.json.decode(response.content, type=_Models).data]
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise ModelError(self.told(f"{self.model.url}/models is no list of models")) from None
        wanted = self.model.name
        if len(names) > 1 and wanted not in names and f"{wanted}:latest" not in names:  # one alone answers to any name
            raise ModelError(self.told(f"it has no such model; it has {', '.join(sorted(names))}"))

    def has_answered(self) -> None:
        """Note that it answered a request."""
        self._failures = 0

    def has_failed(self, why: str) -> None:
        """Take it for down until it answers a probe; one that fails request after request is probed ever later."""
        self.down = why
        self._failures += 1
        if self._probing is None or self._probing.done():
            self._probing = asyncio.create_task(self._bring_up(), name=f"probe {self.model}")

    async def _bring_up(self) -> None:
        pause_s = min(MAX_PAUSE_S, FIRST_PAUSE_S * 2 ** (self._failures - 1))
        while self.down is not None:
            await asyncio.sleep(pause_s)
            pause_s = min(MAX_PAUSE_S, 2 * pause_s)
            try:
                await self.probe()
            except ModelError as error:
                self.down = str(error)
            else:
                self.down = None

    async def close(self) -> None:
        """Ask it no more."""
        if self._probing is not None:
            self._probing.cancel()
            await asyncio.gather(self._probing, return_exceptions=True)

    def stats(self) -> Stats:
        """Return what was asked of it; what it computes with is not known."""
        return Stats(
            threads=0,
            sequences=0,
            context_tokens=0,
            cache_tokens=0,
            used_tokens=0,
            gpu_layers=0,
            weight_bytes=0,
            cache_bytes=0,
            kept_prefixes=0,
            reused_prefixes=0,
            evicted_prefixes=0,
            running=self.running,
            waiting=0,
            requests=self.requests,
            prefill_tokens_asked=self.prompt_tokens,
            prefill_tokens_computed=self.prompt_tokens,
            generated_tokens=self.generated_tokens,
            steps=self.generated_tokens,
            decode_s=self.busy_s,
            python_s=0.0,
        )


def one_line(error: Exception) -> str:
    """Return what an error says, or its name where it says nothing."""
    return " ".join(str(error).split()) or type(error).__name__
