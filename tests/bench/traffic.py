"""Clients of every kind, over NATS and over HTTP, as a soak has them."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from random import Random
from typing import Any

import httpx

from schemas.commands import Cancel, Feedback
from schemas.subjects import CANCEL
from services.runtime.bus import Bus
from services.runtime.client import NotOnRecord, WrongPart, give_feedback
from services.runtime.wire import BusError

UNDER_WAY = 6
TIMEOUT_S = 120.0  # at the lowest priority a model may have to wait
KEPT_S = 15 * 60.0  # for which the stream keeps what a query leaves
MAX_TOKENS = 24
SINGLE = (
    "What is the capital of {place}?",
    "What is {a} times {b}?",
    "Tom has {a} apples and buys {b} more. How many apples has he?",
    "Which is larger: (A) {a} (B) {b}?",
    "Write two sentences about the town of {place}.",
    "Write a Python function that adds {a} to a number.",
    "List three things that are found in {place}.",
)
SEVERAL = (
    "What is the capital of {place}, and what is {a} times {b}?",
    "Compute {a} times {b}, then add 10 to the result.",
    "Who wrote Hamlet? What is {a} plus {b}? What is the capital of {place}?",
)
PLACES = "Peru Chile Kenya Japan Norway Ghana Cuba Nepal".split()
BAD = (b"", b"{", b'{"query": 1}', b'{"query": " "}', b"[" * 2000, b'{"query": "x", "wrong": 1}', b"\xff" * 100)
BAD_BODIES = (b"{}", b"[1]", b'{"model": "dellm", "messages": []}', b'{"model": "no-such", "messages": 3}', b"\x00")


class Traffic:
    """What clients do, one act after another; `endings` counts what became of each kind of act."""

    def __init__(self, bus: Bus, http: httpx.AsyncClient, dice: Random) -> None:
        self._bus = bus
        self._http = http
        self._dice = dice
        self._num = 0
        self._begun: deque[float] = deque()
        self.endings: Counter[str] = Counter()
        self._acts: dict[Callable[[], Awaitable[str]], int] = {
            self._single: 6, self._several: 4, self._vote: 3, self._again: 2, self._cancel: 2, self._refused: 2,
            self._feedback: 3, self._cached: 2, self._form: 1, self._conversation: 2, self._chain: 2,
            self._streamed: 4, self._left: 4, self._watched: 2, self._background: 2, self._refused_http: 2,
            self._looked: 1,
        }  # fmt: skip

    @property
    def num_kept(self) -> int:
        """How many acts there were within the time for which the stream keeps their messages."""
        while self._begun and self._begun[0] < time.monotonic() - KEPT_S:
            self._begun.popleft()
        return len(self._begun)

    async def go_on(self, until: float, every_s: float) -> None:
        """Begin an act every so often, not too many at once, and end when all are over."""
        acts, weights = list(self._acts), list(self._acts.values())
        slots = asyncio.Semaphore(UNDER_WAY)
        async with asyncio.TaskGroup() as group:
            while time.monotonic() < until:
                await slots.acquire()
                self._begun.append(time.monotonic())
                group.create_task(self._do(self._dice.choices(acts, weights)[0], slots))
                await asyncio.sleep(self._dice.uniform(0.5, 1.5) * every_s)

    async def _do(self, act: Callable[[], Awaitable[str]], slots: asyncio.Semaphore) -> None:
        try:
            async with asyncio.timeout(2 * TIMEOUT_S):
                ending = await act()
        except (httpx.HTTPError, BusError, TimeoutError) as error:
            ending = type(error).__name__
        finally:
            slots.release()
        self.endings[f"{act.__name__.strip('_')}: {ending}"] += 1

    # --- over NATS --------------------------------------------------------------------------------------------------

    async def _single(self) -> str:
        return await self._request(self._text(SINGLE))

    async def _several(self) -> str:
        return await self._request(self._text(SEVERAL))

    async def _vote(self) -> str:
        return await self._request(self._text(SEVERAL), policy={"replicas": 2, "early": False})

    async def _cached(self) -> str:
        text = f"What is the capital of {self._dice.choice(PLACES)}?"
        return await self._request(text, policy={"cache": True})

    async def _form(self) -> str:
        return await self._request(self._text(SINGLE), response_format={"type": "json_object"})

    async def _again(self) -> str:
        id_, text = self._id(), self._text(SEVERAL)
        first, second = await asyncio.gather(self._request(text, id=id_), self._request(text, id=id_))
        return first if first == second else "differs"

    async def _cancel(self) -> str:
        id_ = self._id()
        asked = asyncio.create_task(self._request(self._text(SEVERAL), id=id_))
        await asyncio.sleep(self._dice.uniform(0, 1))
        await self._bus.publish(CANCEL, Cancel(id=id_, reason="soak"))
        return await asked

    async def _feedback(self) -> str:
        id_ = self._id()
        await self._request(self._text(SEVERAL), id=id_)
        try:
            await give_feedback(self._bus, Feedback(id=id_, chunk=0, good=self._dice.random() < 0.5))
        except (NotOnRecord, WrongPart) as error:
            return type(error).__name__
        return "given"

    async def _refused(self) -> str:
        msg = await self._bus.request(self._address, self._dice.choice(BAD), TIMEOUT_S)
        return str(json.loads(msg.data)["error"]["code"])

    async def _request(self, text: str, **fields: Any) -> str:
        query = {"query": text, "id": self._id(), "timeout_s": TIMEOUT_S, "max_tokens": MAX_TOKENS, **fields}
        msg = await self._bus.request(self._address, json.dumps(query).encode(), TIMEOUT_S + 10)
        return str(json.loads(msg.data)["status"])

    # --- over HTTP --------------------------------------------------------------------------------------------------

    async def _conversation(self) -> str:
        turns: list[dict[str, Any]] = [{"role": "system", "content": "Be brief."}]
        for _ in range(self._dice.randint(2, 4)):
            turns.append({"role": "user", "content": self._text(SINGLE)})
            response = await self._http.post("/v1/chat/completions", json=self._chat(turns))
            if not response.is_success:
                return str(response.status_code)
            turns.append({"role": "assistant", "content": response.json()["choices"][0]["message"]["content"]})
        return "told"

    async def _chain(self) -> str:
        before = None
        for _ in range(self._dice.randint(2, 3)):
            body = {"model": "dellm", "input": self._text(SINGLE), "max_output_tokens": MAX_TOKENS}
            body |= {"previous_response_id": before} if before else {}
            response = await self._http.post("/v1/responses", json=body)
            if not response.is_success:
                return str(response.status_code)
            before = response.json()["id"]
        await self._http.delete(f"/v1/responses/{before}")
        return "told"

    async def _background(self) -> str:
        body = {"model": "dellm", "input": self._text(SINGLE), "max_output_tokens": MAX_TOKENS, "background": True}
        path = f"/v1/responses/{(await self._http.post('/v1/responses', json=body)).json()['id']}"
        if self._dice.random() < 0.3:
            return str((await self._http.post(f"{path}/cancel")).json()["status"])
        async with self._http.stream("GET", path, params={"stream": True}) as response:
            async for _ in response.aiter_lines():
                pass
        return str((await self._http.get(path)).json()["status"])

    async def _streamed(self) -> str:
        return await self._stream("/v1/chat/completions", self._chat(self._turn(), stream=True))

    async def _left(self) -> str:
        body = self._chat(self._turn(), stream=True)
        return await self._stream("/v1/chat/completions", body, lines=self._dice.randint(1, 12))

    async def _watched(self) -> str:
        body = {"query": self._text(SEVERAL), "max_tokens": MAX_TOKENS}
        return await self._stream("/query", body, lines=self._dice.choice((None, 5)))

    async def _stream(self, path: str, body: dict[str, Any], lines: int | None = None) -> str:
        """Read a stream to its end, or so many lines of it."""
        headers = {"accept": "text/event-stream"}
        async with self._http.stream("POST", path, json=body, headers=headers) as response:
            if not response.is_success:
                return str(response.status_code)
            number = 0
            async for _ in response.aiter_lines():
                number += 1
                if number == lines:
                    return "left"
        return "read"

    async def _refused_http(self) -> str:
        path = self._dice.choice(("/query", "/v1/chat/completions", "/v1/responses"))
        return str((await self._http.post(path, content=self._dice.choice(BAD_BODIES))).status_code)

    async def _looked(self) -> str:
        path = self._dice.choice(("/metrics", "/v1/models", "/readyz", "/", "/openapi.json", "/nothing"))
        return str((await self._http.get(path)).status_code)

    # --- what is said -----------------------------------------------------------------------------------------------

    @property
    def _address(self) -> str:
        return f"{self._bus.space.prefix}.query"

    def _id(self) -> str:
        self._num += 1
        return f"soak-{self._num}"

    def _text(self, among: tuple[str, ...]) -> str:
        a, b = self._dice.randint(2, 999), self._dice.randint(2, 999)
        return self._dice.choice(among).format(place=self._dice.choice(PLACES), a=a, b=b)

    def _turn(self) -> list[dict[str, Any]]:
        return [{"role": "user", "content": self._text((*SINGLE, *SEVERAL))}]

    def _chat(self, turns: list[dict[str, Any]], **fields: Any) -> dict[str, Any]:
        return {"model": "dellm", "messages": turns, "max_tokens": MAX_TOKENS, **fields}
