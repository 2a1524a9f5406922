"""Choosing the next token from the model's logits.  Pure: the same logits and generator state give the same token."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Protocol

import numpy as np

from models.engine import GrammarError, ModelError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.engine import Request

PENALIZED_TOKENS = 64
_FOLD = 64
_NO_TOKENS: NDArray[np.int32] = np.empty(0, np.int32)


class LogitsError(ModelError):
    """A model's logits are not numbers, and what its KV cache holds of the sequence may not be either."""


class Grammar(Protocol):
    """What a text may go on with, after the tokens that were accepted."""

    def allows(self, token: int) -> bool:
        """Tell whether a token may be next; an end token may where the text is whole."""

    def mask(self, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return logits, shape (vocabulary,), with minus infinity for every token that may not be next."""

    def accept(self, token: int) -> None:
        """Go on by a token, which must be allowed."""

    def close(self) -> None:
        """Free it."""


def sample(
    logits: NDArray[np.float32],
    request: Request,
    random: np.random.Generator,
    recent: NDArray[np.int32] = _NO_TOKENS,
    grammar: Grammar | None = None,
    *,
    given: int | None = None,
) -> tuple[int, float]:
    """Choose a token.

    As in llama.cpp, the repeat penalty comes first, then `top_k`, `top_p` and `min_p` cut the untempered distribution
    in this order, then the temperature shapes what is left.  As there, the grammar is asked about the token that was
    chosen, and about all others only if that one is not allowed: asking about a vocabulary takes longer than a step.

    Args:
        logits: shape (vocabulary,), not changed.
        request: its sampling parameters; temperature 0 takes the likeliest token and draws nothing.
        random: the request's own generator.
        recent: the tokens so far, the last of which the repeat penalty concerns.
        grammar: what may be next; it is asked, and not told what was chosen.
        given: the token to take, whatever is likely.

    Returns:
        The token, and its natural-log probability under the model's own distribution: untempered, unpenalized, and
        without a grammar.

    Raises:
        GrammarError: the grammar allows no token.
        LogitsError: a logit is NaN or positive infinity, or none is finite.

    """
    best = int(np.argmax(logits))  # a NaN's, if there is one
    if not math.isfinite(logits[best]):
        raise LogitsError(f"{request.model}: its logits are not numbers")
    weights = logits - logits[best]
    np.exp(weights, out=weights)
    log_total = float(np.log(np.sum(weights))) + float(logits[best])
    if given is not None:
        return given, min(0.0, float(logits[given]) - log_total)
    wanted = logits if request.repeat_penalty == 1 else _penalize(logits, request, recent)
    token = best if wanted is logits and not request.temperature else _choose(wanted, request, random)
    if grammar is not None and not grammar.allows(token):
        wanted = grammar.mask(wanted)
        if np.isneginf(wanted.max()):
            raise GrammarError("the grammar allows none of the model's tokens after what was said")
        token = _choose(wanted, request, random)
    return token, min(0.0, float(logits[token]) - log_total)


def _penalize(logits: NDArray[np.float32], request: Request, recent: NDArray[np.int32]) -> NDArray[np.float32]:
    penalized = logits.copy()
    tokens = np.unique(recent[-PENALIZED_TOKENS:])
    values = penalized[tokens]
    penalized[tokens] = np.where(values > 0, values / request.repeat_penalty, values * request.repeat_penalty)
    return penalized


def _choose(logits: NDArray[np.float32], request: Request, random: np.random.Generator) -> int:
    return _draw(logits, request, random) if request.temperature > 0 else int(np.argmax(logits))


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
