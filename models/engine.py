"""The narrow interface of inference: what a node asks of a model and what it gets back.

It does not know llama.cpp, so that an engine may be replaced, or faked in a test, behind `Engine`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from models.reference import ModelReference

Role = Literal["system", "user", "assistant"]
Priority = Literal["high", "normal"]
CacheType = Literal["f16", "q8_0"]
Finish = Literal["stop", "length", "deadline", "loop"]


class ModelError(Exception):
    """A model file is missing, damaged, or not usable.  The message is one line, fit for a user."""


class PromptTooLong(ValueError):  # noqa: N818  the name says the cause
    """The rendered prompt, of `prompt_tokens`, leaves no room in `context_tokens` for one generated token.

    The numbers are None where a server refused the prompt without them.
    """

    def __init__(self, told: str, prompt_tokens: int | None = None, context_tokens: int | None = None) -> None:
        super().__init__(told)
        self.prompt_tokens, self.context_tokens = prompt_tokens, context_tokens


class GrammarError(ModelError):
    """A grammar is no valid GBNF, or came to where it allows none of the model's tokens."""


class EngineBusy(ModelError):  # noqa: N818  the name says the cause
    """So many requests run and wait that the engine takes no more of them."""


class EngineClosed(RuntimeError):  # noqa: N818  the name says the cause
    """The engine was closed before the request was answered."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What one said in a conversation."""

    role: Role
    content: str


def turns(system: str, user: str) -> tuple[Turn, ...]:
    """Make a conversation of one question; an empty `system` leaves it to the model's chat template."""
    return (Turn("system", system), Turn("user", user)) if system else (Turn("user", user),)


class GoesOn(Protocol):
    """Decides what becomes of a text that its model would end.  Those that decide alike are equal, and hash alike."""

    def __call__(self, text: str) -> str | None:
        """Return what the text goes on with, "" for what the model likes, or None where it may end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One generation.

    `messages` is the conversation so far: a system turn, if any, is the first, and the last is the user's.  Without a
    system turn, or with an empty one, the model's chat template may write one of its own.

    `temperature` 0 is greedy and ignores `top_p`, `top_k` (0: all), `min_p` and `seed`.  `repeat_penalty` (1: none)
    makes tokens among the last 64 of prompt and answer less likely, as in llama.cpp.  `deadline_at` is in Unix seconds.
    `caller` names who asks, which changes no answer: requests of different callers take turns.  Nor does `priority`:
    high is for what a person reads as it comes, and goes before the rest without starving it.

    `grammar` is in llama.cpp's GBNF and begins at the rule `root`: the text is one that it derives, or, where the
    tokens or the time did not suffice, the beginning of one.  It only rules tokens out: a draw that it allows stands,
    else the draw is repeated among what it allows.  `json_schema` is what the grammar was made of, where it was, as
    JSON; `{}` is any object.  Servers take it in the grammar's place.

    Without a grammar a text may be led: it begins with `opening`, says none of the words and signs in `avoid`, and
    where the model would end it `goes_on` may have more of it.  An engine that draws no tokens itself may leave that
    out.

    A text that runs in circles is ended, unless it `may_loop`: see `models.loops`.

    The same request, asked alone of an engine that was just made, gives the same answer bit by bit.  Next to others, or
    where a part of its prompt was computed before, llama.cpp computes in batches of other shapes, which changes the
    last bits of the logits: log-probabilities move by about 0.01, and where two tokens are as likely, so may the text.

    Raises:
        ValueError: a value is out of its range.

    """

    model: ModelReference
    messages: tuple[Turn, ...]
    max_tokens: int
    temperature: float = 0.0
    top_p: float = 0.95
    top_k: int = 40
    min_p: float = 0.05
    repeat_penalty: float = 1.0
    seed: int = 0
    stop: tuple[str, ...] = ()
    grammar: str | None = None
    json_schema: str | None = None
    opening: str = ""
    avoid: tuple[str, ...] = ()
    goes_on: GoesOn | None = None
    may_loop: bool = False
    deadline_at: float | None = None
    caller: str = ""
    priority: Priority = "normal"

    def __post_init__(self) -> None:
        roles = [turn.role for turn in self.messages]
        valid = {
            "messages, of which the last is the user's": roles[-1:] == ["user"],
            "a system turn at the beginning only": "system" not in roles[1:],
            "max_tokens >= 1": self.max_tokens >= 1,
            "temperature >= 0": self.temperature >= 0,
            "0 < top_p <= 1": 0 < self.top_p <= 1,
            "top_k >= 0": self.top_k >= 0,
            "0 <= min_p <= 1": 0 <= self.min_p <= 1,
            "repeat_penalty > 0": self.repeat_penalty > 0,
            "seed >= 0": self.seed >= 0,
            "no empty stop string": all(self.stop),
            "a grammar that is neither blank nor holds NUL": self.grammar is None
            or bool(self.grammar.strip() and "\0" not in self.grammar),
            "no empty word to avoid": all(map(str.strip, self.avoid)),
            "a grammar or what else leads the text": self.grammar is None
            or not (self.opening or self.avoid or self.goes_on),
        }
        if broken := [rule for rule, holds in valid.items() if not holds]:
            raise ValueError(f"a request must have {', '.join(broken)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """What a model said.

    `logprob` is the mean natural-log probability of the sampled tokens under the model's untempered distribution (that
    without a grammar), the end token included, and `text.NO_EVIDENCE` with no token sampled; None where a server does
    not tell.  `completion_tokens` counts the sampled tokens.  `latency_s` starts when the request gets a slot, or is
    sent to a server: waiting for a slot and loading are not in it.  `prefill_s` of it had passed when the first token
    was sampled.
    `finish` is stop (an end token or a stop string), length (`max_tokens`, or the context is full), loop (it repeats
    itself, see `models.loops`) or deadline.
    """

    text: str
    logprob: float | None
    prompt_tokens: int
    completion_tokens: int
    latency_s: float
    finish: Finish
    prefill_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """What a loaded model has done since it was loaded, and does now.

    `requests` counts those of whose prompt anything was computed, `prefill_tokens_asked` their prompts' tokens, and
    `prefill_tokens_computed` those of them that were computed, not shared.  The KV cache holds `cache_tokens`, of those
    that run and of those that ended; `used_tokens` are in use.  Of those that ended `kept_prefixes` are there,
    `reused_prefixes` counts the requests that began with one of them, and `evicted_prefixes` those that gave way to
    others.  `steps` counts batches, whose computation took `decode_s`; `python_s` went into all else: tokenizing
    prompts, planning, filling batches, sampling and text.  `weight_bytes` and `cache_bytes` are what the weights and
    the KV cache take.
    """

    threads: int
    sequences: int
    context_tokens: int
    cache_tokens: int
    used_tokens: int
    gpu_layers: int
    weight_bytes: int
    cache_bytes: int
    kept_prefixes: int
    reused_prefixes: int
    evicted_prefixes: int
    running: int
    waiting: int
    requests: int
    prefill_tokens_asked: int
    prefill_tokens_computed: int
    generated_tokens: int
    steps: int
    decode_s: float
    python_s: float


class Engine(Protocol):
    """Runs generations.

    Of a model, callers take turns, and requests of one caller and priority get theirs in the order they came in.

    `library` is what computes, with its version; `threads` are the cores, and `gpu_layers` each model's layers on a
    GPU (-1: all), that it really computes with.  `context_tokens` is the room for prompt and answer; a model that was
    trained for fewer has fewer.
    """

    library: str
    threads: int
    gpu_layers: int
    context_tokens: int

    async def complete(self, request: Request, on_text: Callable[[str], None] | None = None) -> Completion:
        """Generate.

        `on_text` is called on the event loop's thread with pieces that are whole characters, hold no part of a stop
        string, and join to the completion's text.  Cancelling the awaiting task stops the work within one step.  A
        deadline that passes is no error: what there is by then is returned.

        Raises:
            ModelError: the model cannot be loaded or run.
            GrammarError: the grammar cannot be used.
            EngineBusy: too many requests run and wait.
            PromptTooLong: the prompt does not fit the context.
            EngineClosed: `close` was called.

        """
        ...

    async def count_tokens(self, model: ModelReference, messages: Sequence[Turn]) -> int:
        """Return how many tokens a conversation's prompt has; the model is loaded for it if it is not.

        Raises:
            ModelError: the model cannot be loaded.
            EngineClosed: `close` was called.

        """
        ...

    async def load(self, model: ModelReference) -> None:
        """Load a model ahead of its first request; does nothing if it is loaded.

        A remote model is looked for; that its server is down now is no error, see `down`.  Several files are loaded one
        after another, in the order asked for; one that a request needs is loaded at once.

        Raises:
            ModelError: the model cannot be loaded.
            EngineClosed: `close` was called.

        """
        ...

    def stats(self) -> Mapping[ModelReference, Stats]:
        """Return what each loaded model has done since it was loaded, a file by its real path."""
        ...

    def down(self) -> Mapping[ModelReference, str]:
        """Return the remote models whose servers do not answer now, and why.  Requests to them fail at once."""
        ...

    async def close(self) -> None:
        """Stop all work and free the models.  May be called twice."""
        ...
