"""What tests take from the npm registry: pinned in tests/npm, installed once into build/npm."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PINNED = (ROOT / "tests/npm/package.json", ROOT / "tests/npm/package-lock.json")
INSTALLED = ROOT / "build/npm"


def installed() -> Path:
    """Give the folder that has `node_modules`; the test is skipped where there is no npm."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("node and npm are not installed here")
    INSTALLED.mkdir(parents=True, exist_ok=True)
    with (INSTALLED / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _is_current():
            for path in PINNED:
                shutil.copy(path, INSTALLED)
            subprocess.run(
                [npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"],
                cwd=INSTALLED,
                env={**os.environ, "npm_config_update_notifier": "false"},
                capture_output=True,
                check=True,
            )
            (INSTALLED / "done").touch()
    return INSTALLED


def _is_current() -> bool:
    copies = [INSTALLED / path.name for path in PINNED]
    return (INSTALLED / "done").exists() and all(
        copy.exists() and copy.read_bytes() == path.read_bytes() for path, copy in zip(PINNED, copies, strict=True)
    )
