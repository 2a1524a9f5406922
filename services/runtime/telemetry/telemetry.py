"""What is wrapped around each handler: its figures, its span, and the ids in its log lines.

Traces are recorded where `tracing` is given.  Without it a message's trace context is passed on, and that is all.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import Token
from typing import Any, Literal, Protocol

import structlog

from schemas.subjects import NODE_DURABLE, Subject
from services.runtime.telemetry.carried import carried, carry, context_of, put_back, trace_id
from services.runtime.telemetry.metrics import Metrics
from services.runtime.telemetry.readings import EngineReadings, FitnessReadings

NODES = "node"
Role = Literal["server", "consumer", "internal"]
Value = str | int | float | bool | list[str]


class Span(Protocol):
    """One step of a trace, while it is recorded."""

    def note(self, attributes: Mapping[str, Value]) -> None:
        """Say more of it."""

    def name(self, name: str) -> None:
        """Call it by another name."""

    def mark(self, event: str, at: float) -> None:
        """Say what happened at a time (Unix seconds)."""

    def fail(self, error: str) -> None:
        """Say that it failed, and with what kind of error."""


class Tracing(Protocol):
    """Records traces."""

    def span(self, name: str, role: Role, *, begins: bool) -> AbstractContextManager[Span | None]:
        """Record a step while the body runs; None where it is not to be recorded.

        It belongs to the trace that is carried.  Where there is none it begins one, if it may.
        """


class Handling:
    """A handler at work.  `outcome` is set before it ends."""

    def __init__(self, meter: _Meter) -> None:
        self.outcome = "failed"
        self.span: Span | None = None
        self._meter = meter
        self._bound: dict[str, Token[Any]] = {}

    def about(self, **ids: Any) -> None:
        """Name what is handled, in the log lines that follow and in the span."""
        for name, token in structlog.contextvars.bind_contextvars(**ids).items():
            self._bound.setdefault(name, token)
        if self.span is not None:
            self.span.note({f"dellm.{name}": value for name, value in ids.items()})

    def came_again(self) -> None:
        """Count a message that had been delivered before."""
        self._meter.redeliveries.inc()

    def buried(self) -> None:
        """Count a dead letter."""
        self._meter.dead_letters.inc()

    def end(self) -> None:
        """Take the ids out of the log lines."""
        structlog.contextvars.reset_contextvars(**self._bound)


class _Meter:
    """The figures of one handler, found once."""

    def __init__(self, metrics: Metrics, service: str, subject: str) -> None:
        self.in_progress = metrics.messages_in_progress.labels(service, subject)
        self.seconds = metrics.message_seconds.labels(service, subject)
        self.redeliveries = metrics.redeliveries.labels(service, subject)
        self.dead_letters = metrics.dead_letters.labels(service, subject)
        self._messages = metrics.messages
        self._labels = (service, subject)
        self._outcomes: dict[str, Any] = {}

    def count(self, outcome: str) -> None:
        if outcome not in self._outcomes:
            self._outcomes[outcome] = self._messages.labels(*self._labels, outcome)
        self._outcomes[outcome].inc()


class Telemetry:
    """The telemetry of one process."""

    def __init__(self, tracing: Tracing | None = None) -> None:
        self.metrics = Metrics()
        self.engines = EngineReadings()
        self.fitness = FitnessReadings()
        self.metrics.registry.register(self.engines)
        self.metrics.registry.register(self.fitness)
        self._tracing = tracing
        self._meters: dict[tuple[str, str], _Meter] = {}
        self._waiting: dict[str, int] = {}

    @contextmanager
    def handling(
        self, service: str, row: Subject[Any], headers: Mapping[str, str] | None, *, begins: bool = False
    ) -> Iterator[Handling]:
        """Measure and trace one handler of a message while the body runs.

        The message's trace context is carried meanwhile.  With `begins` a message without one begins a trace.
        """
        subject, service = family(row), kind_of(service)
        meter = self._meter(service, subject)
        handled = Handling(meter)
        token = carry(context_of(headers))
        meter.in_progress.inc()
        started = time.perf_counter()
        try:
            with self.span(f"{service} {subject}", "server" if begins else "consumer", begins=begins) as span:
                if (trace := trace_id(carried())) is not None:
                    handled.about(trace=trace)
                handled.span = span
                try:
                    yield handled
                finally:
                    if span is not None:
                        span.note({"messaging.system": "nats", "dellm.outcome": handled.outcome})
        finally:
            meter.in_progress.dec()
            meter.seconds.observe(time.perf_counter() - started)
            meter.count(handled.outcome)
            handled.end()
            put_back(token)

    def span(self, name: str, role: Role, *, begins: bool = False) -> AbstractContextManager[Span | None]:
        """Record a step of the trace that is carried while the body runs, see `Tracing.span`."""
        return self._tracing.span(name, role, begins=begins) if self._tracing is not None else nullcontext()

    def heard_waiting(self, durable: str, num: int) -> None:
        """Note how many messages wait for a consumer; those of all nodes are one figure."""
        before = self._waiting.get(durable, 0)
        if num != before or durable not in self._waiting:
            self._waiting[durable] = num
            queue = NODES if durable.startswith(NODE_DURABLE) else durable
            self.metrics.queue.labels(queue).inc(num - before)

    def _meter(self, service: str, subject: str) -> _Meter:
        found = self._meters.get((service, subject))
        if found is None:
            found = self._meters[service, subject] = _Meter(self.metrics, service, subject)
        return found


def family(row: Subject[Any]) -> str:
    """Give the name of a row: the first word of its pattern."""
    return row.pattern.partition(".")[0]


def kind_of(service: str) -> str:
    """Give the kind of a service, which may have an id after it."""
    return service.partition(".")[0]
