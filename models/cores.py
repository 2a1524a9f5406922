"""What this process may use of its machine: cores, so that inference threads never fight for them, and memory."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path


def usable_cores(root: Path = Path("/")) -> int:
    """Return the cores that affinity and the cgroup v2 quotas (`cpu.max`, of every level) leave to this process.

    `root` stands in for `/`.  At least 1; a quota of 1.5 cores counts as 1, since oversubscribing costs more than it
    gives.
    """
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    return max(1, min([cores, *_quotas(root)]))


def free_bytes(root: Path = Path("/")) -> int:
    """Return the memory that the system and the cgroup v2 limits (`memory.max`, of every level) leave to this process.

    Where neither tells, that is boundless.
    """
    free = [sys.maxsize]
    with suppress(OSError):
        lines = (root / "proc/meminfo").read_text().splitlines()
        free += [int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")]
    for group in _groups(root):
        with suppress(OSError, ValueError):  # no such limit; "max"
            limit = int((group / "memory.max").read_text())
            used = int((group / "memory.current").read_text())
            stat = (group / "memory.stat").read_text().splitlines()
            cached = sum(int(line.split()[1]) for line in stat if line.startswith("file "))  # goes when room is needed
            free.append(limit - used + cached)
    return max(0, min(free))


def resident_bytes(root: Path = Path("/")) -> int | None:
    """Return the memory that this process holds; None where the system does not tell it in Linux's way."""
    try:
        lines = (root / "proc/self/status").read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS:")), None)


def _quotas(root: Path) -> list[int]:
    quotas = []
    for group in _groups(root):
        try:
            quota, period = (group / "cpu.max").read_text().split()
        except OSError:
            continue
        if quota != "max":
            quotas.append(int(quota) // int(period))
    return quotas


def _groups(root: Path) -> list[Path]:
    """Return the folder of this process's cgroup and those above it."""
    mount = root / "sys/fs/cgroup"
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return []
    own = next((line.removeprefix("0::/") for line in lines if line.startswith("0::/")), "")
    return [mount / own, *(mount / own).parents]
