"""One request on its way: its tokens, how many of them the KV cache holds, and the text that they make.

It does not know llama.cpp, threads or the event loop.
"""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from models.engine import Completion, Finish, Request
from models.loops import LoopWatch
from models.steering import Steering
from models.text import TextStream, mean_logprob

if TYPE_CHECKING:
    from collections.abc import Sequence as Values

    from models.sampling import Grammar

Tokens: TypeAlias = NDArray[np.int32]


class Caller(Protocol):
    """Who asked.  `cancelled` is set by the caller; the rest is called by the compute thread."""

    cancelled: bool

    def start(self) -> None:
        """Learn that the request's turn has come."""

    def say(self, text: str) -> None:
        """Take a piece of the text."""

    def end(self, outcome: Completion | Exception) -> None:
        """Take the outcome; called exactly once."""


class Sequence:
    """A request's tokens: `tokens[:computed]` have cells in the KV cache, `tokens[computed:length]` wait for theirs.

    The prompt is read while more than one token waits, or none was sampled yet; afterwards there is always one, the
    last sampled.  `finish` is set once it has nothing more to do.
    """

    def __init__(
        self,
        request: Request,
        caller: Caller,
        prompt: Values[int],
        context_tokens: int,
        grammar: Grammar | None = None,
        *,
        opening: Values[int] = (),
    ) -> None:
        assert 0 < len(prompt) < context_tokens
        self.request = request
        self.caller = caller
        self.grammar = grammar
        self.prompt_tokens = len(prompt)
        self.length = len(prompt)
        self.computed = 0
        self.shared = 0  # so many of its first tokens were computed by others
        self.begun = False  # a token of its own was or is being computed: its prefix is settled
        self.finish: Finish | None = None
        self.random = np.random.default_rng(request.seed)
        limit = min(request.max_tokens, context_tokens - len(prompt))
        self.tokens: Tokens = np.empty(len(prompt) + limit, np.int32)
        self.tokens[: len(prompt)] = prompt
        self.given = deque(opening)  # tokens that come next, whatever is likely
        self.steering = Steering(request)
        self._stream = TextStream(request.stop)
        self._loops = None if request.may_loop else LoopWatch()
        self._texts: list[str] = []
        self._logprobs: list[float] = []
        self._started_at: float | None = None
        self._prefill_s = 0.0

    @property
    def prompt(self) -> Tokens:
        """Its prompt's tokens."""
        return self.tokens[: self.prompt_tokens]

    @property
    def text(self) -> str:
        """What was generated."""
        return "".join(self._texts) + self._stream.held

    def tail(self, length: int) -> str:
        """Return the last characters of the text, at least so many if there are."""
        tail, place = self._stream.held, len(self._texts)
        while len(tail) < length and place:
            place -= 1
            tail = self._texts[place] + tail
        return tail

    @property
    def pending(self) -> int:
        """How many of its tokens have no cell yet."""
        return self.length - self.computed

    @property
    def decoding(self) -> bool:
        """Whether its whole prompt is read and it generates."""
        return self.length > self.prompt_tokens

    def start(self) -> None:
        """Note that its turn has come."""
        self._started_at = time.monotonic()
        self.caller.start()

    def expired(self, now: float) -> bool:
        """Tell whether its deadline has passed; `now` is in Unix seconds."""
        return self.request.deadline_at is not None and now >= self.request.deadline_at

    def accept(self, token: int, logprob: float, piece: bytes | None) -> None:
        """Take a sampled token and its bytes, None for an end token; say what text is now certain."""
        assert self.finish is None
        if not self.decoding and self._started_at is not None:
            self._prefill_s = time.monotonic() - self._started_at
        self.tokens[self.length] = token
        self.length += 1
        self._logprobs.append(logprob)
        if self.grammar is not None:
            self.grammar.accept(token)
        self._say(self._stream.feed(piece or b""))
        if piece is None or self._stream.stopped:
            self.finish = "stop"
        elif self._loops and self._loops.looping:
            self.finish = "loop"
        elif self.length == len(self.tokens):
            self.finish = "length"

    def end(self, finish: Finish) -> None:
        """Give the caller the completion."""
        self.finish = finish
        self._say(self._stream.finish())
        started_at = self._started_at
        self.caller.end(
            Completion(
                text="".join(self._texts),
                logprob=mean_logprob(self._logprobs),
                prompt_tokens=self.prompt_tokens,
                completion_tokens=len(self._logprobs),
                latency_s=0.0 if started_at is None else time.monotonic() - started_at,
                finish=finish,
                prefill_s=self._prefill_s,
            )
        )

    def _say(self, text: str) -> None:
        if text:
            self._texts.append(text)
            if self._loops:
                self._loops.feed(text)
            self.caller.say(text)
