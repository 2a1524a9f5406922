"""A loaded model as the stepper sees it, so that a fake one may stand in its place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from models.engine import ModelError

if TYPE_CHECKING:
    from collections.abc import Sequence as Values

    import numpy as np
    from numpy.typing import NDArray

    from models.engine import Turn
    from models.sampling import Grammar
    from models.scheduler import Chunk
    from models.slots import Share


class DecodeError(ModelError):
    """The model could not compute a batch; what its KV cache holds beyond the cells from before is unknown."""


class Runner(Protocol):
    """A loaded model with a KV cache of `slots`, which hold `cache_tokens` in all.  Used by one thread.

    `sequences` of them run at once, with up to `context_tokens` each, and up to `scheduler.HIGH_EXTRA` of high priority
    more.  A batch has up to `batch_tokens`, which are more than those, and one that delays nobody up to `lone_tokens`,
    which are no fewer.  `sharing` tells whether a slot's state can be
    cut at any token; else it can only be forgotten whole.  `decode_s` is how long the model has computed so far;
    `weight_bytes` and `cache_bytes` are what its weights and its KV cache take.
    """

    sequences: int
    slots: int
    context_tokens: int
    cache_tokens: int
    batch_tokens: int
    lone_tokens: int
    threads: int
    gpu_layers: int
    sharing: bool
    weight_bytes: int
    cache_bytes: int
    decode_s: float

    def prompt(self, messages: Values[Turn]) -> list[int]:
        """Render and tokenize a conversation."""

    def share(self, share: Share) -> None:
        """Let a slot hold the first tokens of another, or of itself."""

    def run(self, chunks: Values[Chunk]) -> NDArray[np.float32]:
        """Compute a batch; return the logits after each chunk that is a last one, shape (those, vocabulary).

        They are valid until the next call.

        Raises:
            DecodeError: it could not be computed.

        """

    def piece(self, token: int) -> bytes | None:
        """Return the token's bytes, none for a control token, None for an end token."""

    def tokens(self, text: str) -> list[int]:
        """Tokenize a text as it stands; there is no control token in it."""

    def grammar(self, text: str) -> Grammar:
        """Compile GBNF for one sequence, which closes it.

        Raises:
            GrammarError: it is not valid.

        """

    def close(self) -> None:
        """Free the model."""
