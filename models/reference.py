"""What names a model: a GGUF file of this machine, or a model that an OpenAI-compatible server runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias
from urllib.parse import urlsplit

from models.engine import ModelError

SCHEME = "openai:"


@dataclass(frozen=True, slots=True)
class RemoteModel:
    """The model `name` of the server whose interface begins at `url`, such as http://host:8080/v1."""

    url: str
    name: str

    def __str__(self) -> str:
        return f"{SCHEME}{self.url}#{self.name}"


ModelReference: TypeAlias = Path | RemoteModel


def parse_reference(text: str, folder: Path = Path()) -> ModelReference:
    """Read `openai:URL#NAME`, or the path of a GGUF file, relative to the folder.

    Raises:
        ModelError: it begins with `openai:` and does not go on as it must.

    """
    if not text.startswith(SCHEME):
        return folder / text
    url, _, name = text.removeprefix(SCHEME).partition("#")
    try:
        parts = urlsplit(url)
        found = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        found = False
    if not found or not name.strip() or not name.isprintable() or "?" in url:
        raise ModelError(f"{text!r} must be {SCHEME}http://HOST:PORT/v1#NAME")
    if "@" in parts.netloc:
        raise ModelError(f"{SCHEME}...@{parts.hostname}: a server's key belongs into the variable {key_variable(url)}")
    return RemoteModel(url.rstrip("/"), name)


def model_name(reference: ModelReference) -> str:
    """Return what the model is called in votes, figures and requests."""
    return reference.stem if isinstance(reference, Path) else reference.name


def resolved(reference: ModelReference) -> ModelReference:
    """Return what is the same for all references to one model: of a file the path without links."""
    return reference.resolve() if isinstance(reference, Path) else reference


def file_of(reference: ModelReference) -> Path:
    """Return the file, where nothing but a file can be meant."""
    assert isinstance(reference, Path), f"{reference} is no file"
    return reference


def key_variable(url: str) -> str:
    """Name the environment variable that holds a server's key: DELLM_KEY_ and host and port in capitals."""
    parts = urlsplit(url)
    where = parts.hostname or ""
    if parts.port is not None:
        where += f"_{parts.port}"
    return "DELLM_KEY_" + "".join(letter if letter.isalnum() else "_" for letter in where).upper()
