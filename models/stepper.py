"""One model's generations, step by step: plan, run, sample.

It knows the model by the narrow `Runner` only, so that a fake one may stand behind it.
"""

from __future__ import annotations

import logging
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from models.backend import DecodeError
from models.engine import EngineClosed, Finish, GrammarError, PromptTooLong, Request, Stats
from models.pace import Pace
from models.sampling import LogitsError, sample
from models.scheduler import Chunk, Scheduler
from models.sequence import Caller, Sequence
from models.slots import Share, Slots

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from collections.abc import Sequence as Values

    from numpy.typing import NDArray

    from models.backend import Runner
    from models.engine import Turn

_log = logging.getLogger(__name__)

MAX_DRAWS = 16  # of one token: a text from which everything likely is left out is not worth more time
LONE_SPARE_S = 10.0  # who has less time than this should not wait for the end of a long step


@dataclass(slots=True)
class _Counters:
    requests: int = 0
    prefill_tokens_asked: int = 0
    prefill_tokens_computed: int = 0
    generated_tokens: int = 0
    steps: int = 0
    python_s: float = 0.0


class Stepper:
    """Runs the sequences of one model together; `clock` gives Unix seconds."""

    def __init__(self, runner: Runner, clock: Callable[[], float] = time.time) -> None:
        self._runner = runner
        self._clock = clock
        self._slots = Slots(runner.slots, runner.cache_tokens, sharing=runner.sharing)
        self._scheduler = Scheduler(self._slots, runner.batch_tokens, runner.lone_tokens, runner.sequences)
        self._pace = Pace()
        self._counters = _Counters()
        self.used_at = time.monotonic()

    @property
    def busy(self) -> bool:
        """Whether anything runs or waits."""
        return bool(self._scheduler.num_running or self._scheduler.num_waiting)

    @property
    def urgent(self) -> bool:
        """Whether anyone of high priority runs or waits."""
        return self._scheduler.urgent

    def stats(self) -> Stats:
        """Return what was done so far; may be called from any thread."""
        runner, scheduler, count = self._runner, self._scheduler, self._counters
        return Stats(
            threads=runner.threads,
            sequences=runner.sequences,
            context_tokens=runner.context_tokens,
            cache_tokens=runner.cache_tokens,
            used_tokens=self._slots.num_used,
            weight_bytes=runner.weight_bytes,
            cache_bytes=runner.cache_bytes,
            kept_prefixes=self._slots.num_kept,
            reused_prefixes=self._slots.reused,
            evicted_prefixes=self._slots.evicted,
            gpu_layers=runner.gpu_layers,
            running=scheduler.num_running,
            waiting=scheduler.num_waiting,
            decode_s=runner.decode_s,
            **{name: getattr(count, name) for name in _Counters.__slots__},
        )

    def add(self, request: Request, caller: Caller) -> None:
        """Queue a request.

        Raises:
            PromptTooLong: its prompt does not fit a slot.
            GrammarError: its grammar is not valid.

        """
        with self._timed():
            prompt = self._runner.prompt(request.messages)
            if len(prompt) >= self._runner.context_tokens:
                room = self._runner.context_tokens
                told = f"the prompt has {len(prompt)} tokens, {request.model} takes {room - 1}"
                raise PromptTooLong(told, len(prompt), room)
            grammar = None if request.grammar is None else self._runner.grammar(request.grammar)
            opening = self._runner.tokens(request.opening) if request.opening else ()
            room = self._runner.context_tokens
            self._scheduler.add(Sequence(request, caller, prompt, room, grammar, opening=opening))

    def count_tokens(self, messages: Values[Turn]) -> int:
        """Return how many tokens a conversation's prompt has."""
        with self._timed():
            return len(self._runner.prompt(messages))

    def step(self, *, alone: bool = False) -> None:
        """Drop what nobody waits for, compute one batch, and sample from it.

        `alone` tells that no other model works.
        """
        with self._timed():
            now = self._clock()
            for sequence in list(self._scheduler):
                if sequence.caller.cancelled:
                    self._drop(sequence, EngineClosed("the request was cancelled"))
                elif sequence.expired(now):
                    self._finish(sequence, "deadline")
            in_haste = any(sequence.expired(now + LONE_SPARE_S) for sequence in self._scheduler)
            plan = self._scheduler.plan(self._pace, alone=alone and not in_haste)
            self._share(plan.shares)
            if plan.chunks:
                self._run_timed(plan.chunks)
                self._counters.steps += 1
        self.used_at = time.monotonic()

    def abandon(self, cause: Exception) -> None:
        """End everything with an error: all are told before anything else can fail."""
        sequences = list(self._scheduler)
        for sequence in sequences:
            sequence.caller.end(cause)
        for sequence in sequences:
            self._remove(sequence)

    def close(self) -> None:
        """Free the model."""
        self._runner.close()

    @contextmanager
    def _timed(self) -> Iterator[None]:
        """Count the time that the body takes without the model's own."""
        began, decode_s = time.perf_counter(), self._runner.decode_s
        try:
            yield
        finally:
            self._counters.python_s += time.perf_counter() - began - (self._runner.decode_s - decode_s)

    def _run_timed(self, chunks: Values[Chunk]) -> None:
        """Run a batch; where someone reads what comes, learn how long it took."""
        reading = sum(chunk.count for chunk in chunks if not chunk.sequence.decoding)
        is_read = any(chunk.sequence.decoding and chunk.sequence.request.priority == "high" for chunk in chunks)
        decode_s = self._runner.decode_s
        self._run(chunks)
        if is_read:
            self._pace.took(reading, self._runner.decode_s - decode_s)

    def _run(self, chunks: Values[Chunk]) -> None:
        try:
            self._compute(chunks)
        except DecodeError as error:
            if self._slots.sharing:
                _log.warning("a batch of %d failed, each is now tried alone: %s", len(chunks), error)
                self._run_each(chunks)
            else:
                _log.warning("a batch of %d failed, which ends them all: %s", len(chunks), error)
                for chunk in chunks:
                    self._lose(chunk, 0, error)

    def _run_each(self, chunks: Values[Chunk]) -> None:
        """Compute alone what failed together."""
        self._share([Share(chunk.slot, chunk.slot, chunk.start) for chunk in chunks])
        self._share(self._slots.evict())
        for chunk in chunks:
            try:
                self._compute([chunk])
            except DecodeError as error:
                self._lose(chunk, chunk.start, error)

    def _lose(self, chunk: Chunk, tokens: int, cause: Exception) -> None:
        """End a sequence, of whose cells only those of its first `tokens` can be known and kept."""
        self._share([Share(chunk.slot, chunk.slot, tokens)])
        chunk.sequence.computed = tokens
        self._drop(chunk.sequence, cause)

    def _share(self, shares: Values[Share]) -> None:
        for share in shares:
            self._runner.share(share)

    def _compute(self, chunks: Values[Chunk]) -> None:
        logits = self._runner.run(chunks)
        for chunk in chunks:
            self._account(chunk)
            chunk.sequence.computed += chunk.count
        ready = [chunk.sequence for chunk in chunks if chunk.last]
        for sequence, row in zip(ready, logits, strict=True):
            try:
                self._sample(sequence, row)
            except GrammarError as error:
                self._drop(sequence, error)
            except LogitsError as error:
                self._drop(sequence, error)
                self._share(self._slots.evict())  # nobody may begin with its cells

    def _sample(self, sequence: Sequence, logits: NDArray[np.float32]) -> None:
        token, logprob = self._choose(sequence, logits)
        sequence.accept(token, logprob, self._runner.piece(token))
        self._counters.generated_tokens += 1
        if sequence.finish:
            self._finish(sequence, sequence.finish)

    def _choose(self, sequence: Sequence, logits: NDArray[np.float32]) -> tuple[int, float]:
        """Take the token that was given, else draw one; where it would not do, it is ruled out and another is drawn."""
        steering, recent = sequence.steering, sequence.tokens[: sequence.length]
        before = sequence.tail(steering.longest) if steering.avoids else ""
        must_go_on = False
        for _ in range(MAX_DRAWS):
            given = sequence.given.popleft() if sequence.given else None
            token, logprob = sample(logits, sequence.request, sequence.random, recent, sequence.grammar, given=given)
            if given is not None:
                break
            piece = self._runner.piece(token)
            if piece is None and not must_go_on:
                more = steering.at_end(sequence.text)
                if more is None:
                    break
                must_go_on = True
                sequence.given.extend(self._runner.tokens(more) if more else ())
            elif (piece or not must_go_on) and not steering.refuses(before, piece or b""):
                break
            logits = logits.copy()
            logits[token] = -np.inf
        return token, logprob

    def _account(self, chunk: Chunk) -> None:
        if chunk.start < chunk.sequence.prompt_tokens:
            self._counters.prefill_tokens_computed += chunk.count
            if chunk.first:
                self._counters.requests += 1
                self._counters.prefill_tokens_asked += chunk.sequence.prompt_tokens

    def _finish(self, sequence: Sequence, finish: Finish) -> None:
        self._remove(sequence)
        sequence.end(finish)

    def _drop(self, sequence: Sequence, cause: Exception) -> None:
        self._remove(sequence)
        sequence.caller.end(cause)

    def _remove(self, sequence: Sequence) -> None:
        self._scheduler.remove(sequence)
        if sequence.grammar is not None:
            sequence.grammar.close()
