"""The sampling parameters that a model's makers advise for free text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from models.catalogue import Sampling, list_models
from models.metadata import read_metadata
from models.quantize import untyped

if TYPE_CHECKING:
    from pathlib import Path

_KEYS = {  # of the GGUF, as llama.cpp's converter writes them from a `generation_config.json`
    "general.sampling.temp": "temperature",
    "general.sampling.top_p": "top_p",
    "general.sampling.top_k": "top_k",
    "general.sampling.min_p": "min_p",
    "general.sampling.penalty_repeat": "repeat_penalty",
}


def advice(path: Path) -> Sampling:
    """Return what the catalogue says of this file, whatever its type, else what the file says, else the defaults.

    A file that cannot be read gets the defaults: loading it will tell what is wrong.
    """
    known = untyped(path.name)
    for model in list_models():
        if model.sampling and untyped(model.file) == known:
            return model.sampling
    try:
        metadata = read_metadata(path)
        return msgspec.convert({ours: metadata[key] for key, ours in _KEYS.items() if key in metadata}, Sampling)
    except (OSError, ValueError):
        return Sampling()
