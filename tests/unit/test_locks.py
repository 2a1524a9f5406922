"""The locks are in step with pyproject.toml, and all that is in them is pinned, with hashes, and names no place."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = sorted((ROOT / "locks").glob("*.lock"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PIN = re.compile(r"(?P<name>[a-z0-9-]+)==(?P<version>[^ ;]+)(?: ; [^\\]+)?")
MADE_AND_NOT_PINNED = {"dellm"}


def entries(lock: Path) -> list[str]:
    """Give the requirements of a lock, each in one line."""
    return lock.read_text().replace("\\\n", "").splitlines()


def pinned(lock: Path) -> dict[str, str]:
    """Give the versions of a lock by name."""
    found = (PIN.match(entry) for entry in entries(lock))
    return {match["name"]: match["version"] for match in found if match is not None}


def wanted(requirements: list[str]) -> dict[str, str]:
    """Give what is required by name, with the version; of what stands for an extra of our own, what it holds."""
    found: dict[str, str] = {}
    for requirement in requirements:
        name, _, version = re.sub(r"[\[;].*?(\]|$)", "", requirement).partition("==")
        if name in MADE_AND_NOT_PINNED:
            extras = re.findall(r"[\w-]+", requirement.partition("[")[2])
            found |= wanted([more for extra in extras for more in PROJECT["project"]["optional-dependencies"][extra]])
        else:
            found[re.sub(r"[-_.]+", "-", name.strip().lower())] = version.strip()
    return found


def read_in(name: str) -> list[str]:
    lines = (ROOT / "locks" / name).read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_entry_is_pinned_and_hashed_and_names_no_place(lock: Path) -> None:
    assert entries(lock)
    for entry in entries(lock):
        requirement, *hashes = entry.split("--hash=")
        assert PIN.fullmatch(requirement.strip()), entry
        assert hashes, entry
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", digest.strip()) for digest in hashes), entry
    assert "://" not in lock.read_text()


@pytest.mark.parametrize(
    ("name", "requirements"),
    [
        ("run.lock", PROJECT["project"]["dependencies"]),
        ("dev.lock", PROJECT["project"]["dependencies"] + PROJECT["project"]["optional-dependencies"]["dev"]),
        ("build.lock", read_in("build.in")),
        ("supply.lock", read_in("supply.in")),
    ],
)
def test_what_is_asked_for_is_in_the_lock_at_its_version(name: str, requirements: list[str]) -> None:
    there, asked = pinned(ROOT / "locks" / name), wanted(requirements)
    assert asked
    assert all(asked.values()), f"pin it with ==: {asked}"
    assert {package: there.get(package) for package in asked} == asked, "run `make lock`"


def test_locks_agree() -> None:
    versions: dict[str, set[str]] = {}
    for lock in LOCKS:
        for name, version in pinned(lock).items():
            versions.setdefault(name, set()).add(version)
    assert {name: found for name, found in versions.items() if len(found) > 1} == {}
    assert pinned(ROOT / "locks/run.lock").items() <= pinned(ROOT / "locks/dev.lock").items()


def test_what_builds_us_is_in_the_lock() -> None:
    there = pinned(ROOT / "locks/build.lock")
    for requirement in PROJECT["build-system"]["requires"]:
        name, _, least = requirement.partition(">=")
        assert int(there[name].partition(".")[0]) >= int(least)


def test_the_licence_of_each_package_is_listed() -> None:
    """But for those that are installed elsewhere only."""
    rows = re.findall(r"^\| (\S+) +\| (\S+) ", (ROOT / "docs/licences.md").read_text(), re.MULTILINE)
    listed = {re.sub(r"[-_.]+", "-", name.lower()): version for name, version in rows}
    here = {entry.split("==")[0] for entry in entries(ROOT / "locks/run.lock") if "sys_platform ==" not in entry}
    there = pinned(ROOT / "locks/run.lock")
    assert {name: listed.get(name) for name in here} == {name: there[name] for name in here}, "run `make licences`"


def test_every_install_checks_hashes() -> None:
    """But for our own code, which comes without what it needs."""
    for file in ("Makefile", "deploy/Dockerfile"):
        text = (ROOT / file).read_text().replace("\\\n", " ")
        lines = [line for line in text.splitlines() if ":=" not in line]
        installs = [line for line in lines if "pip install" in line or "(INSTALL)" in line]
        assert installs
        for line in installs:
            assert "--require-hashes" in line or "--no-deps --no-build-isolation" in line, line
