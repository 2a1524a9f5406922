"""What a node tells of its models: what those that its process has loaded did, and which can call tools."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from models.engine import Stats
from models.metadata import read_template
from models.reference import ModelReference, model_name, resolved
from schemas.records import ModelUse
from services.kinds.tools import knows_tools

PROCESS = f"{platform.node()}:{os.getpid()}"


def model_use(models: Sequence[ModelReference], stats: Mapping[ModelReference, Stats]) -> dict[str, ModelUse]:
    """Give the figures of a node's models, as far as they are loaded, by name."""
    known = {model_name(model): stats.get(resolved(model)) for model in models}
    return {
        name: ModelUse(
            requests=found.requests,
            prompt_tokens=found.prefill_tokens_asked,
            computed_tokens=found.prefill_tokens_computed,
            generated_tokens=found.generated_tokens,
            kept_prefixes=found.kept_prefixes,
            reused_prefixes=found.reused_prefixes,
            evicted_prefixes=found.evicted_prefixes,
            compute_s=found.decode_s,
            weight_bytes=found.weight_bytes,
            cache_bytes=found.cache_bytes,
        )
        for name, found in known.items()
        if found is not None
    }


def callers_among(models: Sequence[ModelReference]) -> list[str]:
    """Name the models whose chat templates know tools; reads their files.  A server's template cannot be read."""
    return [model_name(model) for model in models if isinstance(model, Path) and _calls_tools(model)]


@cache
def _calls_tools(model: Path) -> bool:
    try:
        return knows_tools(read_template(model))
    except (OSError, ValueError):
        return False  # loading it will tell what is wrong
