"""Choosing the next token from the model's logits.  Pure: the same logits and generator state give the same token."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.engine import Request

PENALIZED_TOKENS = 64
_FOLD = 64
_NO_TOKENS: NDArray[np.int32] = np.empty(0, np.int32)


def sample(
    logits: NDArray[np.float32], request: Request, random: np.random.Generator, recent: NDArray[np.int32] = _NO_TOKENS
) -> tuple[int, float]:
    """Choose a token.

    As in llama.cpp, the repeat penalty comes first, then `top_k`, `top_p` and `min_p` cut the untempered distribution
    in this order, then the temperature shapes what is left.

    Args:
        logits: shape (vocabulary,), not changed.
        request: its sampling parameters; temperature 0 takes the likeliest token and draws nothing.
        random: the request's own generator.
        recent: the tokens so far, the last of which the repeat penalty concerns.

    Returns:
        The token, and its natural-log probability under the model's own distribution: untempered and unpenalized.

    """
    best = int(np.argmax(logits))
    weights = logits - logits[best]
    np.exp(weights, out=weights)
    log_total = float(np.log(np.sum(weights))) + float(logits[best])
    wanted = logits if request.repeat_penalty == 1 else _penalize(logits, request, recent)
    if request.temperature > 0:
        token = _draw(wanted, request, random)
    else:
        token = best if wanted is logits else int(np.argmax(wanted))
    return token, min(0.0, float(logits[token]) - log_total)


def _penalize(logits: NDArray[np.float32], request: Request, recent: NDArray[np.int32]) -> NDArray[np.float32]:
    penalized = logits.copy()
    tokens = np.unique(recent[-PENALIZED_TOKENS:])
    values = penalized[tokens]
    penalized[tokens] = np.where(values > 0, values / request.repeat_penalty, values * request.repeat_penalty)
    return penalized


def _draw(logits: NDArray[np.float32], request: Request, random: np.random.Generator) -> int:
    kept = _candidates(logits, request.top_k)
    kept = kept[np.lexsort((kept, -logits[kept]))]  # likeliest first; ties by token, so that the order is defined
    kept = kept[: request.top_k or None]
    weights = np.exp((logits[kept] - logits[kept[0]]).astype(np.float64))
    mass = np.cumsum(weights) / np.sum(weights)
    nucleus = int(np.searchsorted(mass, request.top_p)) + 1  # the fewest tokens that hold top_p
    weights = weights[:nucleus]
    weights = weights[weights >= request.min_p] ** (1.0 / request.temperature)  # the likeliest has weight 1
    mass = np.cumsum(weights)
    return int(kept[np.searchsorted(mass, random.random() * mass[-1], side="right")])


def _candidates(logits: NDArray[np.float32], top_k: int) -> NDArray[np.intp]:
    """Return tokens, the `top_k` (0: all) likeliest among them and few others.

    Sorting a vocabulary of 150,000 takes long beside a small model's step.  So it is folded into columns: where `top_k`
    columns have a maximum of some value or more, the `top_k` likeliest tokens have no less.
    """
    columns = logits.size // _FOLD
    if not 0 < top_k < columns:
        return np.arange(logits.size)
    maxima = logits[: columns * _FOLD].reshape(_FOLD, columns).max(axis=0)
    return np.flatnonzero(logits >= np.partition(maxima, -top_k)[-top_k])
