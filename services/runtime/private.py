"""Folders and files that are their owner's alone."""

from __future__ import annotations

import os
from pathlib import Path


def own_folder(folder: Path) -> None:
    """Make a folder, or take one that is there, for its owner alone.  Raises OSError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)


def write_private(path: Path, text: str) -> None:
    """Write a file that its owner alone can read, in the place of what was there.  Raises OSError."""
    part = path.with_name(f"{path.name}.part")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    part.replace(path)
