"""How many cores this process may use, so that inference threads never fight for them."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def usable_cores(root: Path = Path("/")) -> int:
    """Return the cores that affinity and the cgroup v2 quotas (`cpu.max`, of every level) leave to this process.

    `root` stands in for `/`.  At least 1; a quota of 1.5 cores counts as 1, since oversubscribing costs more than it
    gives.
    """
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    return max(1, min([cores, *_quotas(root)]))


def _quotas(root: Path) -> list[int]:
    mount = root / "sys/fs/cgroup"
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return []
    own = next((line.removeprefix("0::/") for line in lines if line.startswith("0::/")), "")
    quotas = []
    for group in [mount / own, *(mount / own).parents]:
        try:
            quota, period = (group / "cpu.max").read_text().split()
        except OSError:
            continue
        if quota != "max":
            quotas.append(int(quota) // int(period))
    return quotas
