"""What passes between tests.bench.engine and the contenders that it starts, each in a process of its own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from msgspec import Struct

SYSTEM = "You are a helpful assistant."
Name = Literal["engine", "locked", "locked-cold", "raw", "raw-shared", "llama-server", "engine-8", "llama-server-8"]


class Job(Struct, frozen=True, kw_only=True):
    """What one contender has to do: answer the prompts in order, `concurrency` at a time.

    With `seeds`, one per prompt, it samples at temperature 0.8, else it is greedy.  `slots` are computed at once, each
    with `context_tokens`.
    """

    contender: Name
    model: str
    threads: int
    max_tokens: int
    concurrency: int
    slots: int
    context_tokens: int
    prompts: list[str]
    warm_up: str
    seeds: list[int] | None = None
    llama_server: str | None = None


class Answer(Struct, frozen=True, kw_only=True):
    """One request: seconds from asking to the first text and to the end, and true token counts."""

    first_s: float
    latency_s: float
    prompt_tokens: int
    completion_tokens: int


class Outcome(Struct, frozen=True, kw_only=True):
    """What came of a job.

    `core_s` are the seconds of core time that it took, `others_share` the part of the machine's cores that other
    processes used meanwhile; `counted` is by how much each number that the contender counts has grown.
    """

    answers: list[Answer]
    wall_s: float
    core_s: float
    peak_rss_bytes: int
    others_share: float
    counted: dict[str, float]


Ask = Callable[[str, int | None], Awaitable[Answer]]


@dataclass(frozen=True, kw_only=True)
class Contender:
    """A started contender: how to ask it, or to give it all at once, and numbers that it counts."""

    ask: Ask | None = None
    run_all: Callable[[list[str]], list[Answer]] | None = None
    counters: Callable[[], dict[str, float]] = dict


def temperature(seed: int | None) -> float:
    """Greedy without a seed."""
    return 0.0 if seed is None else 0.8
