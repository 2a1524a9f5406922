"""The synthesizer when the bus is broken: a client hears in time all the same."""

from __future__ import annotations

import asyncio
import time

import pytest
from msgspec import structs

from schemas.messages import Assembled, Error, Reply
from schemas.subjects import Store
from schemas.terms import ErrorCode, Status
from services.runtime import pieces
from services.runtime.bus import Bus
from services.runtime.pieces import publishing
from services.runtime.provision import provision
from services.runtime.routes import Delivery
from services.runtime.wire import BusError, decode
from services.synthesizer.config import SynthesizerConfig
from services.synthesizer.service import Synthesizer
from tests.support import SUPERLLM, ScriptedEngine


def sealed(reply: str, timeout_s: float) -> Assembled:
    now = time.time()
    return Assembled(
        id="q",
        query="?",
        reply=reply,
        status=Status.FAILED,
        error=Error(code=ErrorCode.NO_NODES, message="nobody answered"),
        outcomes=[],
        created_at=now,
        planned_at=now,
        voted_at=now,
        sealed_at=now,
        deadline_at=now + timeout_s,
    )


@pytest.mark.parametrize("num_delivered", [1, 2])
@pytest.mark.parametrize("timeout_s", [1.0, -1.0])
async def test_an_answer_that_cannot_be_stored_is_sent(bus: Bus, num_delivered: int, timeout_s: float) -> None:
    await provision(bus)
    await bus.client.jetstream().delete_stream(bus.space.stream(Store.STREAM))  # and nobody makes it again
    synthesizer = Synthesizer(bus, SynthesizerConfig(model=SUPERLLM), ScriptedEngine())
    inbox = bus.client.new_inbox()
    async with bus.tap(inbox) as heard:
        delivery = Delivery(sealed(inbox, timeout_s), 1, time.time(), num_delivered)
        with pytest.raises(BusError):  # the query is delivered again
            await asyncio.wait_for(synthesizer.on_assembled(delivery), 5)
        _, payload = await asyncio.wait_for(heard.get(), 5)
    assert structs.asdict(decode(payload, Reply))["error"] == delivery.message.error


async def test_what_cannot_be_published_holds_nobody_up(bus: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
    never = asyncio.Event()

    async def publish(*_: object) -> None:
        await never.wait()

    monkeypatch.setattr(bus, "publish", publish)
    monkeypatch.setattr(pieces, "LAST_S", 0.01)

    async def write() -> None:
        async with publishing(bus, "q") as written:
            written.write("It is so.")

    await asyncio.wait_for(write(), 5)
