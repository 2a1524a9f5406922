import os
from pathlib import Path

import pytest

from models.cores import free_bytes, resident_bytes, usable_cores


def cgroups(root: Path, own: str, quotas: dict[str, str]) -> Path:
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/cgroup").write_text(f"9:name=systemd:/\n0::{own}\n")
    for group, quota in quotas.items():
        folder = root / "sys/fs/cgroup" / group
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "cpu.max").write_text(f"{quota}\n")
    return root


@pytest.fixture(autouse=True)
def _eight_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))


@pytest.mark.parametrize(
    ("own", "quotas", "cores"),
    [
        ("/", {}, 8),
        ("/a/b", {"a/b": "max 100000"}, 8),
        ("/a/b", {"a/b": "400000 100000"}, 4),
        ("/a/b", {"a": "200000 100000", "a/b": "400000 100000"}, 2),
        ("/", {"": "350000 100000"}, 3),
        ("/a", {"a": "50000 100000"}, 1),
        ("/a", {"a": "1600000 100000"}, 8),
    ],
)
def test_the_tightest_quota_counts(tmp_path: Path, own: str, quotas: dict[str, str], cores: int) -> None:
    assert usable_cores(cgroups(tmp_path, own, quotas)) == cores


def test_without_cgroups_affinity_counts(tmp_path: Path) -> None:
    assert usable_cores(tmp_path) == 8


def test_memory_is_what_the_system_and_the_groups_leave(tmp_path: Path) -> None:
    assert free_bytes(tmp_path) > 2**60, "nothing tells"
    root = cgroups(tmp_path, "/a", {"a": "max 100000"})
    (root / "proc/meminfo").write_text("MemTotal: 9000 kB\nMemAvailable:    2000 kB\n")
    assert free_bytes(root) == 2000 * 1024
    for name, content in {"max": "max", "current": "600000", "stat": "anon 400000\nfile 200000"}.items():
        (root / f"sys/fs/cgroup/a/memory.{name}").write_text(f"{content}\n")
    assert free_bytes(root) == 2000 * 1024
    (root / "sys/fs/cgroup/a/memory.max").write_text("1000000\n")
    assert free_bytes(root) == 600_000


def test_what_this_process_holds_is_what_the_system_tells(tmp_path: Path) -> None:
    assert resident_bytes(tmp_path) is None
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/status").write_text("Name:\tx\nVmRSS:\t    2048 kB\n")
    assert resident_bytes(tmp_path) == 2 * 2**20
