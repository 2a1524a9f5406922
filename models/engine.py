"""The narrow interface of inference: what a node asks of a model and what it gets back.

It does not know llama.cpp, so that an engine may be replaced, or faked in a test, behind `Engine`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Finish = Literal["stop", "length", "deadline"]


class ModelError(Exception):
    """A model file is missing, damaged, or not usable.  The message is one line, fit for a user."""


class PromptTooLong(ValueError):  # noqa: N818  the name says the cause
    """The rendered prompt leaves no room in the context for one generated token."""


class EngineClosed(RuntimeError):  # noqa: N818  the name says the cause
    """The engine was closed before the request was answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One generation.

    `temperature` 0 is greedy and ignores `top_p`, `top_k` (0: all), `min_p` and `seed`.  An empty `system` leaves it to
    the model's chat template.  `deadline_at` is in Unix seconds.

    Raises:
        ValueError: a value is out of its range.

    """

    model: Path
    system: str
    user: str
    max_tokens: int
    temperature: float = 0.0
    top_p: float = 0.95
    top_k: int = 40
    min_p: float = 0.05
    seed: int = 0
    stop: tuple[str, ...] = ()
    deadline_at: float | None = None

    def __post_init__(self) -> None:
        valid = {
            "max_tokens >= 1": self.max_tokens >= 1,
            "temperature >= 0": self.temperature >= 0,
            "0 < top_p <= 1": 0 < self.top_p <= 1,
            "top_k >= 0": self.top_k >= 0,
            "0 <= min_p <= 1": 0 <= self.min_p <= 1,
            "seed >= 0": self.seed >= 0,
            "no empty stop string": all(self.stop),
        }
        if broken := [rule for rule, holds in valid.items() if not holds]:
            raise ValueError(f"a request must have {', '.join(broken)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """What a model said.

    `logprob` is the mean natural-log probability of the sampled tokens under the model's untempered distribution, the
    end token included; `min_logprob` is the lowest mean over any window of eight of them (over all, if fewer).  With no
    token sampled both are `text.NO_EVIDENCE`.  `completion_tokens` counts the sampled tokens.  `latency_s` starts when
    the request's turn comes: waiting and loading are not in it.  `finish` is stop (an end token or a stop string),
    length (`max_tokens`, or the context is full) or deadline.
    """

    text: str
    logprob: float
    min_logprob: float
    prompt_tokens: int
    completion_tokens: int
    latency_s: float
    finish: Finish


class Engine(Protocol):
    """Runs generations.  Requests are answered in the order in which they came, whatever their model."""

    async def complete(self, request: Request, on_text: Callable[[str], None] | None = None) -> Completion:
        """Generate.

        `on_text` is called on the event loop's thread with pieces that are whole characters, hold no part of a stop
        string, and join to the completion's text.  Cancelling the awaiting task stops the work within one token or
        one block of the prompt.  A deadline that passes is no error: what there is by then is returned.

        Raises:
            ModelError: the model cannot be loaded or run.
            PromptTooLong: the prompt does not fit the context.
            EngineClosed: `close` was called.

        """
        ...

    async def load(self, model: Path) -> None:
        """Load a model ahead of its first request; does nothing if it is loaded.

        Raises:
            ModelError: the model cannot be loaded.
            EngineClosed: `close` was called.

        """
        ...

    async def close(self) -> None:
        """Stop all work and free the models.  May be called twice."""
        ...
