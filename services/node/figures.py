"""What a node tells of the models that its process has loaded."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path

from models.engine import Stats
from schemas.records import ModelUse

PROCESS = f"{platform.node()}:{os.getpid()}"


def model_use(models: Sequence[Path], stats: Mapping[Path, Stats]) -> dict[str, ModelUse]:
    """Give the figures of a node's models, as far as they are loaded, by name."""
    known = {model.stem: stats.get(model.resolve()) for model in models}
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
