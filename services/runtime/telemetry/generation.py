"""Measure and trace each generation of an engine.  What was asked and said is not recorded."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence

from models.engine import Completion, Engine, Request, Stats, Turn
from models.reference import ModelReference, RemoteModel, model_name
from services.runtime.telemetry.telemetry import Span, Telemetry

LOCAL, REMOTE = "llama_cpp", "openai"


class ObservedEngine:
    """`Engine` over another."""

    def __init__(self, engine: Engine, telemetry: Telemetry) -> None:
        self.threads, self.gpu_layers = engine.threads, engine.gpu_layers
        self.context_tokens, self.library = engine.context_tokens, engine.library
        self._engine = engine
        self._telemetry = telemetry
        telemetry.engines.watch(engine)

    async def complete(self, request: Request, on_text: Callable[[str], None] | None = None) -> Completion:
        """See `Engine.complete`."""
        model, metrics = model_name(request.model), self._telemetry.metrics
        finish = "failed"
        with self._telemetry.span(f"chat {model}", "internal") as span:
            if span is not None:
                _describe(span, request, model)
            asked_at = time.time()
            try:
                done = await self._engine.complete(request, on_text)
                finish = done.finish
            except asyncio.CancelledError:
                finish = "cancelled"
                raise
            except Exception as error:
                if span is not None:
                    span.fail(type(error).__name__)
                raise
            finally:
                metrics.generations.labels(model, finish).inc()
            self._measure(done, model, time.time() - asked_at)
            if span is not None:
                _tell(span, done, asked_at)
        return done

    def _measure(self, done: Completion, model: str, took_s: float) -> None:
        metrics = self._telemetry.metrics
        metrics.tokens.labels(model, "in").inc(done.prompt_tokens)
        metrics.tokens.labels(model, "out").inc(done.completion_tokens)
        seconds = metrics.generation_seconds
        seconds.labels(model, "queued").observe(max(0.0, took_s - done.latency_s))
        seconds.labels(model, "prefill").observe(done.prefill_s)
        seconds.labels(model, "decode").observe(max(0.0, done.latency_s - done.prefill_s))

    async def count_tokens(self, model: ModelReference, messages: Sequence[Turn]) -> int:
        """See `Engine.count_tokens`."""
        return await self._engine.count_tokens(model, messages)

    async def load(self, model: ModelReference) -> None:
        """See `Engine.load`."""
        await self._engine.load(model)

    def stats(self) -> Mapping[ModelReference, Stats]:
        """See `Engine.stats`."""
        return self._engine.stats()

    def down(self) -> Mapping[ModelReference, str]:
        """See `Engine.down`."""
        return self._engine.down()

    async def close(self) -> None:
        """See `Engine.close`."""
        await self._engine.close()


def _describe(span: Span, request: Request, model: str) -> None:
    """Say what is asked, by the names of the conventions for generative AI."""
    span.note(
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": REMOTE if isinstance(request.model, RemoteModel) else LOCAL,
            "gen_ai.request.model": model,
            "gen_ai.request.max_tokens": request.max_tokens,
            "gen_ai.request.temperature": request.temperature,
        }
    )


def _tell(span: Span, done: Completion, asked_at: float) -> None:
    """Say what came of it, and when its stages began."""
    began_at = max(asked_at, time.time() - done.latency_s)
    span.mark("queued", asked_at)
    span.mark("prefill", began_at)
    if done.completion_tokens:
        span.mark("decode", began_at + done.prefill_s)
    span.note(
        {
            "gen_ai.response.finish_reasons": [done.finish],
            "gen_ai.usage.input_tokens": done.prompt_tokens,
            "gen_ai.usage.output_tokens": done.completion_tokens,
        }
    )
