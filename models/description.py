"""What a GGUF file says of itself, in one line for those who add it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import asdict

from models.advice import sampling_of
from models.catalogue import Sampling
from models.engine import ModelError
from models.metadata import read_metadata, read_template

if TYPE_CHECKING:
    from pathlib import Path


def summarise_gguf(path: Path) -> str:
    """Return its architecture, context, whether it has a chat template, and how its makers advise to sample.

    Raises:
        ModelError: the file is damaged.

    """
    try:
        values, template = read_metadata(path), read_template(path)
        sampling = sampling_of(values)
    except (OSError, ValueError) as error:
        raise ModelError(f"{path}: {error}") from error
    architecture = values.get("general.architecture", "unknown")
    context = values.get(f"{architecture}.context_length")
    advised = {key: value for key, value in asdict(sampling).items() if value != getattr(Sampling(), key)}
    told = [str(values.get("general.name", architecture)), f"architecture {architecture}"]
    told.append(f"trained for {context} tokens" if context else "of unknown context")
    told.append("a chat template" if template else "NO chat template: it cannot be asked")
    if advised:
        told.append("advised " + " ".join(f"{key} {value:.3g}" for key, value in advised.items()))
    return ", ".join(told)
