"""Which event loop: uvloop where it is installed, as it about halves a round trip."""

from __future__ import annotations

import asyncio


def new_event_loop() -> asyncio.AbstractEventLoop:
    """Make a loop."""
    try:
        import uvloop  # noqa: PLC0415  # not there on every platform
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()
