"""Serve the figures of a process for Prometheus to scrape, at an address of their own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from prometheus_client import CollectorRegistry, start_http_server

from services.runtime.wire import BusError

log = structlog.get_logger(__name__)

LOOPBACK = "127.0.0.1"
MAX_PORT = 65535


class MetricsError(BusError):
    """The figures can't be served at this address."""


def address_of(text: str) -> tuple[str, int]:
    """Read HOST:PORT, or a port alone, which is one of loopback.  Raises MetricsError."""
    host, _, port = text.rpartition(":")
    host = host.strip("[]") or LOOPBACK
    if not (port.isascii() and port.isdecimal()) or int(port) > MAX_PORT:
        raise MetricsError(f"--metrics {text!r} must be HOST:PORT, such as 127.0.0.1:9464")
    return host, int(port)


@contextmanager
def exposed(registry: CollectorRegistry, address: str) -> Iterator[str]:
    """Serve while the body runs; give the URL.  Port 0 takes a free one.  Raises MetricsError."""
    host, port = address_of(address)
    try:
        server, thread = start_http_server(port, host, registry)
    except OSError as error:
        raise MetricsError(f"--metrics {address}: {error.strerror or error}") from None
    url = f"http://{f'[{host}]' if ':' in host else host}:{server.server_port}/metrics"
    log.info("metrics.served", url=url)
    try:
        yield url
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
