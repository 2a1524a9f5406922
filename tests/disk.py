"""A file system of a few megabytes, and what fills it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


class NoDisk(Exception):  # noqa: N818  # named for its cause
    """No file system can be mounted here; the text says why."""


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """Mount a small file system on a folder while the body runs.  Raises NoDisk."""
    folder.mkdir()
    options = ["-t", "tmpfs", "-o", f"size={megabytes}m", "none", str(folder)]
    try:
        made = subprocess.run(["mount", *options], check=False, capture_output=True)
    except OSError:
        raise NoDisk("there is no mount here") from None
    if made.returncode != 0:
        raise NoDisk(f"no file system can be mounted here: {made.stderr.decode().strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(disk: Path) -> Path:
    """Leave no byte free; give the file that takes the room."""
    path = disk / "ballast"
    with path.open("ab", buffering=0) as ballast:
        for size in (4096, 64, 1):
            with suppress(OSError):
                while True:
                    ballast.write(b"x" * size)
    return path
