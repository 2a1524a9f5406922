"""Choosing the next token from the model's logits.  Pure: the same logits and generator state give the same token."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.engine import Request


def sample(logits: NDArray[np.float32], request: Request, random: np.random.Generator) -> tuple[int, float]:
    """Choose a token.

    As in llama.cpp, `top_k`, `top_p` and `min_p` cut the untempered distribution in this order, then the temperature
    shapes what is left.

    Args:
        logits: shape (vocabulary,), not changed.
        request: its sampling parameters; temperature 0 takes the likeliest token and draws nothing.
        random: the request's own generator.

    Returns:
        The token, and its natural-log probability under the untempered distribution.

    """
    best = int(np.argmax(logits))
    log_total = np.log(np.sum(np.exp(logits - logits[best]), dtype=np.float64)) + float(logits[best])
    token = best if request.temperature == 0 else _draw(logits, request, random)
    return token, min(0.0, float(logits[token] - log_total))


def _draw(logits: NDArray[np.float32], request: Request, random: np.random.Generator) -> int:
    kept = np.arange(logits.size)
    if 0 < request.top_k < logits.size:
        kept = np.argpartition(logits, -request.top_k)[-request.top_k :]
    kept = kept[np.lexsort((kept, -logits[kept]))]  # likeliest first; ties by token, so that the order is defined
    weights = np.exp((logits[kept] - logits[kept[0]]).astype(np.float64))
    mass = np.cumsum(weights) / np.sum(weights)
    nucleus = int(np.searchsorted(mass, request.top_p)) + 1  # the fewest tokens that hold top_p
    weights = weights[:nucleus]
    weights = weights[weights >= request.min_p] ** (1.0 / request.temperature)  # the likeliest has weight 1
    mass = np.cumsum(weights)
    return int(kept[np.searchsorted(mass, random.random() * mass[-1], side="right")])
