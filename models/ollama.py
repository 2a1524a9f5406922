"""Ollama's store of models on this machine: a manifest names the blob that is the GGUF file.  Ollama need not run.

The store is where OLLAMA_MODELS says, else in the user's folder, else where the service that Ollama's installer makes
keeps it.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

import msgspec
from msgspec import Struct

from models.engine import ModelError

REGISTRY, OWNER, TAG = "registry.ollama.ai", "library", "latest"
SERVICE_STORE = Path("/usr/share/ollama/.ollama/models")
_MODEL = "application/vnd.ollama.image.model"
_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")
_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")


class OllamaError(ModelError):
    """Ollama's store has not the model."""


@dataclass(frozen=True, slots=True)
class OllamaModel:
    """A model of the store: what it is called, its GGUF file, and what that must hash to."""

    name: str
    blob: Path
    sha256: str

    @property
    def file(self) -> str:
        """What to call the file elsewhere."""
        return re.sub(r"[^A-Za-z0-9._-]", "-", self.name) + ".gguf"


class _Layer(Struct, rename="camel"):
    media_type: str
    digest: str


class _Manifest(Struct):
    layers: list[_Layer]


def find_ollama_model(name: str) -> OllamaModel:
    """Find a model by the name that `ollama list` shows, such as llama3.2:3b; without a tag it is the latest.

    Raises:
        OllamaError: it is not there, and the line says what is.

    """
    stores = list_stores()
    path = _manifest_path(name)
    for store in stores:
        manifest = store / "manifests" / path
        if manifest.is_file():
            sha256 = _digest(manifest)
            blob = store / "blobs" / f"sha256-{sha256}"
            if not blob.is_file():
                raise OllamaError(f"ollama:{name}: {blob} is missing; run: ollama pull {name}")
            return OllamaModel(name, blob, sha256)
    there = ", ".join(sorted({found for store in stores for found in list_ollama_models(store)}))
    if not stores:
        raise OllamaError(f"ollama:{name}: Ollama has no models here; OLLAMA_MODELS names the folder of another place")
    where = " or ".join(map(str, stores))
    raise OllamaError(f"ollama:{name}: not in {where}" + (f"; there are {there}" if there else ""))


def list_stores() -> list[Path]:
    """Return the stores that there are."""
    named = os.environ.get("OLLAMA_MODELS")
    places = [Path(named)] if named else [Path.home() / ".ollama" / "models", SERVICE_STORE]
    return [place for place in places if (place / "manifests").is_dir()]


def list_ollama_models(store: Path) -> list[str]:
    """Return the names of a store's models, as `ollama list` shows them."""
    manifests = store / "manifests"
    found = (path.relative_to(manifests).parts for path in manifests.rglob("*") if path.is_file())
    return sorted(_shown(parts) for parts in found if len(parts) > 2)  # noqa: PLR2004  host, owner or name, tag


def _shown(parts: tuple[str, ...]) -> str:
    *where, tag = parts
    if where[:1] == [REGISTRY]:
        where = where[1:]
        if where[:1] == [OWNER]:
            where = where[1:]
    return f"{'/'.join(where)}:{tag}"


def _manifest_path(name: str) -> Path:
    where, _, tag = name.partition(":")
    parts = where.split("/")
    if not all(_PART.fullmatch(part) for part in [*parts, tag or TAG]):
        raise OllamaError(f"ollama:{name}: not a name as `ollama list` shows them")
    if len(parts) == 1:
        parts = [OWNER, *parts]
    if len(parts) == 2:  # noqa: PLR2004  owner and name
        parts = [REGISTRY, *parts]
    return Path(*parts, tag or TAG)


def _digest(manifest: Path) -> str:
    try:
        layers = msgspec.json.decode(manifest.read_bytes(), type=_Manifest).layers
    except (OSError, msgspec.MsgspecError) as error:
        raise OllamaError(f"{manifest}: {error}") from error
    for layer in layers:
        if layer.media_type == _MODEL and (found := _DIGEST.fullmatch(layer.digest)):
            return found[1]
    raise OllamaError(f"{manifest}: it names no model file")
