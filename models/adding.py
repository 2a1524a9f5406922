"""Adding models to the folder: from the hub, from Ollama's store, or a file of this machine.

What is here already is linked, not copied.  `local.json` keeps where each came from, its revision and its SHA-256.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from models.catalogue import Model, check_gguf, file_sha256, find, list_models
from models.engine import ModelError
from models.hub import download_hub_file, find_hub_file
from models.ollama import find_ollama_model
from models.record import Added, describe, is_untouched, locked, read_record, record
from models.suggested import list_suggestions

if TYPE_CHECKING:
    from collections.abc import Callable

HUB, OLLAMA = "hf:", "ollama:"
Stage = Literal["waiting", "download", "verify"]
Report: TypeAlias = "Callable[[Stage, int, int], None]"


class AddError(ModelError):
    """A model could not be added.  The message is one line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """Where a model's file is to come from: `link` is one of this machine; of the hub's files `sha256` is known."""

    file: str
    added: Added
    sha256: str | None = None
    bytes: int = 0
    link: Path | None = None
    hub: tuple[str, str] | None = None


def add(source: str, folder: Path, *, revision: str | None = None, on_progress: Report = lambda *_: None) -> Path:
    """Bring a model into the folder and return its path there; one that is there and right stays as it is.

    `source` is hf:ORG/REPO:FILE, ollama:NAME, a name of the suggestions, or a path.  `on_progress` gets stage, bytes
    done and bytes in all, and may raise to give up.

    Raises:
        AddError: another file of that name is in the way, or what came is not what was announced.
        ModelError: the source has no such model, or it is no GGUF file.

    """
    found = _find(source, revision)
    target = folder / found.file
    try:
        with locked(folder, lambda: on_progress("waiting", 0, found.bytes)) as work:
            if found.link is not None:
                _link(found, found.link, target, on_progress)
            else:
                _download(found, target, work / "hub", on_progress)
    except OSError as error:
        raise AddError(f"{source}: {error}") from error
    return target


def keep(part: Path, target: Path, *, sha256: str, source: str) -> None:
    """Make a file that came here, and was verified, one of the folder's.

    Raises:
        AddError: another file of that name is in the way.
        ModelError: it is no GGUF file.

    """
    check_gguf(part)
    _check_free(target, sha256)
    part.replace(target)
    record(target, describe(target, sha256, added=Added(source=source)))


def list_added(folder: Path) -> tuple[tuple[Model, Added], ...]:
    """Return what was added to the folder and is still there."""
    return tuple(
        (
            Model(
                name=Path(file).stem,
                file=file,
                bytes=found.bytes,
                sha256=found.sha256,
                licence=found.added.licence,
                parameters=0,
                sources=(),
            ),
            found.added,
        )
        for file, found in sorted(read_record(folder).items())
        if found.added and (folder / file).is_file() and find(file) is None
    )


def _find(source: str, revision: str | None) -> _Found:
    source = next((known.source for known in list_suggestions() if known.name == source), source)
    if source.startswith(HUB):
        repo, _, file = source.removeprefix(HUB).partition(":")
        if repo.count("/") != 1 or not file:
            raise AddError(f"{source!r} must be hf:ORG/REPO:FILE")
        there = find_hub_file(repo, file, revision)
        added = Added(source=source, revision=there.commit, licence=there.licence)
        name = Path(file).name
        return _Found(file=name, added=added, sha256=there.sha256, bytes=there.bytes, hub=(repo, file))
    if revision is not None:
        raise AddError(f"{source}: only a file of the hub has a revision")
    if source.startswith(OLLAMA):
        model = find_ollama_model(source.removeprefix(OLLAMA))
        size = model.blob.stat().st_size
        return _Found(file=model.file, added=Added(source=source), sha256=model.sha256, bytes=size, link=model.blob)
    path = Path(source)
    check_gguf(path)
    return _Found(file=path.name, added=Added(source=str(path.resolve())), bytes=path.stat().st_size, link=path)


def _link(found: _Found, source: Path, target: Path, on_progress: Report) -> None:
    check_gguf(source)
    sha256 = file_sha256(source, lambda done: on_progress("verify", done, found.bytes))
    if found.sha256 not in (None, sha256):
        raise AddError(f"{source}: expected sha256 {found.sha256}, found {sha256}")
    if target.resolve() != source.resolve():
        _check_free(target, sha256)
        target.unlink(missing_ok=True)
        target.symlink_to(source.resolve())
    record(target, describe(target, sha256, added=found.added))


def _download(found: _Found, target: Path, work: Path, on_progress: Report) -> None:
    assert found.hub is not None
    if found.sha256 and target.is_file() and is_untouched(target, found.sha256):
        return
    _check_free(target, found.sha256)
    repo, file = found.hub
    part = download_hub_file(
        repo, file, work, found.added.revision, lambda done: on_progress("download", done, found.bytes)
    )
    sha256 = file_sha256(part, lambda done: on_progress("verify", done, found.bytes))
    if found.sha256 not in (None, sha256):
        part.unlink()
        raise AddError(f"{repo}: {file}: expected sha256 {found.sha256}, found {sha256}")
    check_gguf(part)
    part.replace(target)
    shutil.rmtree(work, ignore_errors=True)
    record(target, describe(target, sha256, added=found.added))


def _check_free(target: Path, sha256: str | None) -> None:
    """Refuse to put a file in the place of another one."""
    taken = any(model.file == target.name and model.sha256 != sha256 for model in list_models())
    if taken or (target.exists() and (sha256 is None or file_sha256(target) != sha256)):
        raise AddError(f"{target} is in the way: another model has that name")
