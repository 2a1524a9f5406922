"""Connections with a time limit: one that has not sent its whole request by then is closed."""

from __future__ import annotations

import asyncio
import logging

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

REQUEST_S = 30.0  # from a connection's begin, or a request's first byte, to the request's last
_WAITING = frozenset({h11.IDLE, h11.SEND_BODY})


class BoundedConnection(H11Protocol):
    """HTTP/1.1 as uvicorn speaks it, which by itself waits for ever for the end of a request."""

    request_s = REQUEST_S
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._deadline = self.loop.call_later(self.request_s, self._close)

    def data_received(self, data: bytes) -> None:
        """Wait on from a request's first byte to its last."""
        super().data_received(data)
        if self.conn.their_state not in _WAITING:
            self._stop_waiting()
        elif self._deadline is None:
            self._deadline = self.loop.call_later(self.request_s, self._close)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _close(self) -> None:
        self._deadline = None
        self.transport.close()


def quiet_about_clients() -> None:
    """Keep uvicorn from logging what is a client's own fault, such as bad HTTP; errors with a traceback stay."""
    logging.getLogger("uvicorn.error").addFilter(_has_traceback)


def _has_traceback(record: logging.LogRecord) -> bool:
    return record.exc_info is not None
