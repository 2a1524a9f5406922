"""The sampling parameters that a model's makers advise for free text."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from models.catalogue import Sampling, list_models
from models.metadata import read_metadata
from models.quantize import untyped
from models.reference import model_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from models.metadata import Value
    from models.reference import ModelReference

_KEYS = {  # of the GGUF, as llama.cpp's converter writes them from a `generation_config.json`
    "general.sampling.temp": "temperature",
    "general.sampling.top_p": "top_p",
    "general.sampling.top_k": "top_k",
    "general.sampling.min_p": "min_p",
    "general.sampling.penalty_repeat": "repeat_penalty",
}


def advice(reference: ModelReference) -> Sampling:
    """Return what the catalogue says of a model of this name, whatever its type, else what the file says.

    What is not said has its default, and so has all of a remote model that the catalogue does not know, and of a file
    that cannot be read: loading it will tell what is wrong.
    """
    known = untyped(f"{model_name(reference)}.gguf")
    for model in list_models():
        if model.sampling and untyped(model.file) == known:
            return model.sampling
    if not isinstance(reference, Path):
        return Sampling()
    try:
        return sampling_of(read_metadata(reference))
    except (OSError, ValueError):
        return Sampling()


def sampling_of(metadata: Mapping[str, Value]) -> Sampling:
    """Return what a file's metadata advise, and defaults for what they do not.  Raises ValueError for nonsense."""
    return msgspec.convert({ours: metadata[key] for key, ours in _KEYS.items() if key in metadata}, Sampling)
