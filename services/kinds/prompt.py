"""What is said to a model, whichever service says it."""

from __future__ import annotations

from dataclasses import dataclass

PLAIN = "You are a helpful assistant."


@dataclass(frozen=True, slots=True)
class Prompt:
    """One exchange with an instruct model: it ends after `max_tokens` (> 0) or before the first `stop` string.

    `examples` are such exchanges, what was asked and what was answered, that are shown before it.  They are the same
    for all questions, so that their tokens are computed once.
    """

    system: str
    user: str
    max_tokens: int
    stop: tuple[str, ...] = ()
    examples: tuple[tuple[str, str], ...] = ()
