"""Model files over the bus: put into its object store, and fetched from there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from models.adding import keep
from models.record import is_untouched, locked
from services.cli.bar import advancing
from services.cli.options import Target, out
from services.runtime.objects import find_shared, receive, share


async def share_model(target: Target, path: Path, replicas: int | None) -> str:
    """Put a file into the store; return its SHA-256."""
    async with target.open() as bus:
        with advancing(path.name, path.stat().st_size) as advance:
            return await share(bus, path, lambda done: advance("share", done), replicas=replicas)


async def receive_models(target: Target, files: Sequence[str], folder: Path) -> None:
    """Fetch files; those that are here as they are shared stay."""
    async with target.open() as bus:
        for file in files:
            shared = await find_shared(bus, file)
            path = folder / file
            if not is_untouched(path, shared.sha256):
                with advancing(file, shared.size) as advance, locked(folder) as work:
                    part = work / f"{file}.part"

                    def report(done: int) -> None:
                        advance("fetch", done)  # called in this round only

                    await receive(bus, shared, part, report)
                    keep(part, path, sha256=shared.sha256, source=f"shared on {target.known()}")
            out().print(f"{file}: {path} is here and verified", markup=False)
