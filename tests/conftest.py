"""One nats-server for the session, and a prefix of its own for each test."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path

import nats
import pytest
import structlog
from hypothesis import settings
from nats.js.errors import NotFoundError

from schemas.subjects import Space, Store
from services.runtime.bus import Bus, connect
from services.runtime.logging import configure
from services.runtime.server import EmbeddedServer

settings.register_profile("untimed", deadline=None)  # how long an example takes says more of the machine than of us
settings.load_profile("untimed")


@pytest.fixture(scope="session", autouse=True)
def _no_users_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep commands out of the folder that belongs to whoever runs the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("data-home")))
        yield


@pytest.fixture(scope="session", autouse=True)
def _quiet() -> None:
    configure(default_level="critical")
    assert structlog.is_configured()


@pytest.fixture(scope="session")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EmbeddedServer]:
    started = EmbeddedServer(tmp_path_factory.mktemp("nats"))  # where everybody may do everything, under any prefix
    await started.start()
    try:
        yield started
    finally:
        await started.stop()


@pytest.fixture
async def own_server(tmp_path: Path) -> AsyncIterator[EmbeddedServer]:
    """A server that a test may kill and start again."""
    started = EmbeddedServer(tmp_path)
    await started.start()
    try:
        yield started
    finally:
        await started.stop()


@pytest.fixture
async def space(server: EmbeddedServer) -> AsyncIterator[Space]:
    """Names of the test's own; what it stored is removed, since streams reserve their largest size."""
    own = Space(f"t{uuid.uuid4().hex[:12]}")
    yield own
    client = await nats.connect(server.url)
    for store in set(Store) - {Store.CORE}:
        with suppress(NotFoundError):
            await client.jetstream().delete_stream(own.stream(store))
    await client.close()


@pytest.fixture
async def bus(server: EmbeddedServer, space: Space) -> AsyncIterator[Bus]:
    async with connect(server.url, space=space, name="test") as connected:
        yield connected
