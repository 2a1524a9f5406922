"""What is said to a model, whichever service says it."""

from __future__ import annotations

from dataclasses import dataclass

PLAIN = "You are a helpful assistant."


@dataclass(frozen=True, slots=True)
class Prompt:
    """One exchange with an instruct model: it ends after `max_tokens` (> 0) or before the first `stop` string."""

    system: str
    user: str
    max_tokens: int
    stop: tuple[str, ...] = ()
