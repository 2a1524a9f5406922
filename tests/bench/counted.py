"""Run a service as `python -m services` does, and write how many tasks it has into a file now and then.

`python -m tests.bench.counted FILE NAME ...`
"""

from __future__ import annotations

import asyncio
import sys
import threading
from pathlib import Path
from unittest.mock import patch

from services import __main__ as entry
from services.runtime.loop import new_event_loop

EVERY_S = 5.0


def main() -> int:
    """Run until a signal comes."""
    path = Path(sys.argv.pop(1))

    def new_counted_loop() -> asyncio.AbstractEventLoop:
        loop = new_event_loop()
        threading.Thread(target=count, args=(loop, path), daemon=True).start()
        return loop

    with patch.object(entry, "new_event_loop", new_counted_loop):
        return entry.main()


def count(loop: asyncio.AbstractEventLoop, path: Path) -> None:
    """Write the number of tasks of a loop, until it is closed."""
    over = threading.Event()

    def write() -> None:
        path.write_text(str(len(asyncio.all_tasks(loop))))

    while not over.wait(EVERY_S) and not loop.is_closed():
        try:
            loop.call_soon_threadsafe(write)
        except RuntimeError:  # it was closed meanwhile
            over.set()


if __name__ == "__main__":
    sys.exit(main())
