"""A stream that nobody reads."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest
from starlette.applications import Starlette
from starlette.types import Message

from services.gateway import wire
from services.gateway.leaving import Leaving
from services.gateway.wire import EventStream


async def test_who_does_not_read_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "SEND_S", 0.05)
    closed = asyncio.Event()

    async def events() -> AsyncGenerator[str, None]:
        try:
            while True:
                yield "data: x\n\n"
        finally:
            closed.set()

    async def receive() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Message) -> None:
        if message["type"] == "http.response.body":
            await asyncio.Event().wait()

    app = Starlette()
    app.state.leaving = Leaving()
    async with asyncio.timeout(10):
        await EventStream(events(), {})({"type": "http", "path": "/nodes", "app": app}, receive, send)
    assert closed.is_set()
