"""Serve the gateway's routes over HTTP while the service runs."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from contextlib import asynccontextmanager

import structlog
import uvicorn
from starlette.middleware.cors import CORSMiddleware

from services.gateway.app import Gateway
from services.gateway.connections import BoundedConnection, quiet_about_clients
from services.gateway.doorkeeper import MAX_HEADER_BYTES, Doorkeeper
from services.gateway.origin import is_loopback
from services.runtime.bus import Bus
from services.runtime.lifecycle import repeating
from services.runtime.routes import Route
from services.runtime.telemetry.http import traced
from services.runtime.wire import BusError

log = structlog.get_logger(__name__)

ANY_PORT = "127.0.0.1:0"
STREAMS_END_S = 10
FAREWELL_S = 1
IDLE_S = 20
MAX_CONNECTIONS = 2048
BACKLOG = 256
KEYS_S = 1.0  # until a key that was revoked is known to be so


class GatewayError(BusError):
    """The gateway can't be served at this address."""


def listen(address: str) -> socket.socket:
    """Open HOST:PORT; port 0 takes a free one.  Raises GatewayError."""
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    if not host or not port.isdecimal():
        raise GatewayError(f"--http {address!r} must be HOST:PORT, such as 127.0.0.1:8000")
    try:
        listening = socket.create_server(
            (host, int(port)), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=BACKLOG
        )
    except (OSError, OverflowError) as error:
        raise GatewayError(f"--http {address}: {error}") from None
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # inherited; asyncio leaves it off for this kind
    return listening


def url_of(listening: socket.socket) -> str:
    """Give the address that a browser takes."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@asynccontextmanager
async def gateway(
    bus: Bus, *, listening: socket.socket, origins: Collection[str] = ()
) -> AsyncIterator[Sequence[Route]]:
    """Serve HTTP while the body runs, to pages of other `origins` too.  At the end streams have STREAMS_END_S to end.

    Raises GatewayError where anybody could ask, and there is no key.
    """
    gate = Gateway(bus)
    host, port = listening.getsockname()[:2]
    door = Doorkeeper(bus, anybody=not is_loopback(host), origins=origins, on_refusal=gate.count_refusal)
    await door.read_keys()
    if not is_loopback(host) and not door.has_keys:
        raise GatewayError(
            f"--http {host}:{port}: anybody could ask there; run it on loopback first and make a key with"
            " `dellm keys add NAME`"
        )
    app = gate.leaving.count(door.before(traced(gate.app(), bus.telemetry)))
    if origins:
        app = CORSMiddleware(app, origins, allow_methods=("GET", "POST"), allow_headers=("*",), expose_headers=("*",))
    quiet_about_clients()
    server = _Server(
        uvicorn.Config(
            app,
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            ws="none",
            http=BoundedConnection,
            timeout_keep_alive=IDLE_S,
            timeout_graceful_shutdown=FAREWELL_S,
            h11_max_incomplete_event_size=MAX_HEADER_BYTES,
            limit_concurrency=MAX_CONNECTIONS,
        )
    )
    serving = asyncio.create_task(server.serve(sockets=[listening.dup()]), name="gateway")
    try:
        async with repeating(KEYS_S, door.read_keys):
            yield []
    finally:
        await gate.face.close()
        await gate.leaving.leave(STREAMS_END_S, FAREWELL_S)
        server.should_exit = True
        await serving
        await gate.asking.close()


class _Server(uvicorn.Server):
    """Leaves the signals to the process that it is part of."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
