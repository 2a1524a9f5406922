"""What a decomposer is made with."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from schemas.terms import MAX_TOKENS, Probability
from services.runtime.config import Config


class DecomposerConfig(Config, frozen=True, kw_only=True):
    """The limits of one decomposer.

    `max_fan_out` nodes are asked for one chunk at most, whatever a client wants, and a generation has `max_tokens` at
    most.  A client with an account of its own has `max_per_client` queries in flight here at most.  Answers that
    are voted on have `min_confidence` where a client does not say which.  A text that is not
    cut within `max_cut_s` is asked whole.  It takes in `concurrency` queries at once, and looks for nodes that left,
    late clients and lost queries every `look_s`.
    """

    max_tokens: Annotated[int, Meta(ge=1, le=MAX_TOKENS)] | None = None
    max_per_client: Annotated[int, Meta(ge=1)] | None = None
    max_fan_out: Annotated[int, Meta(ge=1, le=256)] = 16
    min_confidence: Probability = 0.0
    max_cut_s: Annotated[float, Meta(ge=0.0, le=60.0)] = 1.0
    concurrency: Annotated[int, Meta(ge=1)] = 64
    look_s: Annotated[float, Meta(gt=0.0, le=10.0)] = 0.5
