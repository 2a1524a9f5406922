"""Files of the Hugging Face Hub, or of whatever speaks its protocol where HF_ENDPOINT says.  Needs the extra `hub`.

A download that was interrupted goes on where it ended: huggingface_hub keeps what it has in the folder that it gets.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.engine import ModelError

if TYPE_CHECKING:
    from collections.abc import Callable


class HubError(ModelError):
    """The hub has not what was asked for, cannot be reached, or huggingface_hub is not installed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HubFile:
    """A file as it is at one commit; `sha256` is None of a small file that the hub keeps in git itself."""

    repo: str
    file: str
    commit: str
    bytes: int
    sha256: str | None
    licence: str


def find_hub_file(repo: str, file: str, revision: str | None = None) -> HubFile:
    """Ask the hub what a file is at a revision: a branch, a tag or a commit.

    Raises:
        HubError: there is no such repository, revision or file, and the line says which files there are.

    """
    hub = _hub()
    try:
        found = hub.HfApi().model_info(repo, revision=revision, files_metadata=True)
    except Exception as error:  # its exceptions are those of whatever HTTP library it uses
        raise HubError(f"{repo}: {_line(error)}") from error
    files = {sibling.rfilename: sibling for sibling in found.siblings or ()}
    if file not in files:
        others = ", ".join(sorted(name for name in files if name.endswith(".gguf"))) or "no GGUF file"
        raise HubError(f"{repo}: it has no file {file}; it has {others}")
    lfs = files[file].lfs
    licence = getattr(found.card_data, "license", None) if found.card_data else None
    return HubFile(
        repo=repo,
        file=file,
        commit=found.sha,
        bytes=files[file].size or 0,
        sha256=lfs.sha256 if lfs else None,
        licence=licence if isinstance(licence, str) else "unknown",
    )


def download_hub_file(
    repo: str, file: str, folder: Path, revision: str | None = None, on_bytes: Callable[[int], None] = lambda _: None
) -> Path:
    """Download a file into the folder and return its path; `on_bytes` gets the bytes so far, and may raise to give up.

    Raises:
        HubError: it could not be downloaded.

    """
    hub = _hub()
    try:
        path = hub.hf_hub_download(
            repo_id=repo, filename=file, revision=revision, local_dir=folder, tqdm_class=_reporting(on_bytes)
        )
    except Exception as error:
        raise HubError(f"{repo}: {_line(error)}") from error
    return Path(path)


def _reporting(on_bytes: Callable[[int], None]) -> type:
    """Make a progress bar that draws nothing and hands on how far it is."""

    class Reporting(importlib.import_module("tqdm").tqdm):  # type: ignore[misc]
        def __init__(self, *arguments: Any, **options: Any) -> None:
            options.pop("name", None)  # of huggingface_hub's own bars
            super().__init__(*arguments, **{**options, "disable": True})
            self.n = options.get("initial", 0)

        def update(self, count: float | None = 1) -> None:
            self.n += count or 0
            on_bytes(int(self.n))

    return Reporting


def _hub() -> Any:
    try:
        return importlib.import_module("huggingface_hub")
    except ImportError as error:
        raise HubError("huggingface_hub is not installed: pip install 'dellm[hub]'") from error


def _line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else repr(error)
