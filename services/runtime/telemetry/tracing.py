"""Record traces by OpenTelemetry, and send them and the figures by OTLP over HTTP.

The environment configures it, by the names of OpenTelemetry.  Where `OTEL_TRACES_SAMPLER` says nothing, a process
begins MAX_TRACES_PER_S traces at most, and records all of a trace that a client has begun.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version

from opentelemetry.context import Context
from opentelemetry.sdk.resources import SERVICE_INSTANCE_ID, SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import Decision, ParentBased, Sampler, SamplingResult
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
    use_span,
)
from opentelemetry.trace import Span as OtelSpan
from opentelemetry.trace.span import TraceState
from opentelemetry.util.types import Attributes

from services.runtime.telemetry.carried import PARENT, STATE, carried, carrying, is_sampled
from services.runtime.telemetry.telemetry import Role, Span, Value

SCOPE = "dellm"
VERSION = version(SCOPE)
SAMPLER = "OTEL_TRACES_SAMPLER"
MAX_TRACES_PER_S = 10.0
NS = 1_000_000_000

_KINDS: Mapping[Role, SpanKind] = {
    "server": SpanKind.SERVER,
    "consumer": SpanKind.CONSUMER,
    "internal": SpanKind.INTERNAL,
}


class AtMost(Sampler):
    """Begins so many traces a second at most, so that what tracing costs is bounded however much is asked."""

    def __init__(self, per_s: float) -> None:
        self._per_s = per_s
        self._left = per_s
        self._at = time.monotonic()

    def should_sample(  # noqa: PLR0917  # the library's signature
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        """Decide on one."""
        del parent_context, trace_id, name, kind, links
        now = time.monotonic()
        self._left = min(self._per_s, self._left + (now - self._at) * self._per_s)
        self._at = now
        if self._left < 1:
            return SamplingResult(Decision.DROP)
        self._left -= 1
        return SamplingResult(Decision.RECORD_AND_SAMPLE, attributes, trace_state)

    def get_description(self) -> str:
        """Name it."""
        return f"AtMost{{{self._per_s:g}/s}}"


class RecordedSpan:
    """`Span` of OpenTelemetry."""

    def __init__(self, span: OtelSpan) -> None:
        self._span = span

    def note(self, attributes: Mapping[str, Value]) -> None:
        """See `Span.note`."""
        self._span.set_attributes(attributes)

    def name(self, name: str) -> None:
        """See `Span.name`."""
        self._span.update_name(name)

    def mark(self, event: str, at: float) -> None:
        """See `Span.mark`."""
        self._span.add_event(event, timestamp=int(at * NS))

    def fail(self, error: str) -> None:
        """See `Span.fail`."""
        self._span.set_attribute("error.type", error)
        self._span.set_status(Status(StatusCode.ERROR))


class Traces:
    """`Tracing` by a provider of OpenTelemetry."""

    def __init__(self, provider: TracerProvider) -> None:
        self._tracer = provider.get_tracer(SCOPE)

    @contextmanager
    def span(self, name: str, role: Role, *, begins: bool) -> Iterator[Span | None]:
        """See `Tracing.span`; what is not sampled costs next to nothing."""
        context = carried()
        if not (is_sampled(context) if context else begins):
            yield None
            return
        span = self._tracer.start_span(name, _parent(context), _KINDS[role])
        if not span.is_recording():
            yield None
            return
        with carrying(_as_headers(span.get_span_context())), use_span(span, end_on_exit=True):
            yield RecordedSpan(span)


def new_provider(service: str) -> TracerProvider:
    """Make a provider that exports nothing yet."""
    resource = resource_of(service)
    if os.environ.get(SAMPLER):
        return TracerProvider(resource=resource, shutdown_on_exit=False)
    return TracerProvider(ParentBased(AtMost(MAX_TRACES_PER_S)), resource, shutdown_on_exit=False)


def resource_of(service: str) -> Resource:
    """Say which process this is; the environment may say more, and otherwise."""
    instance = f"{platform.node()}:{os.getpid()}"
    named = {} if os.environ.get("OTEL_SERVICE_NAME") else {SERVICE_NAME: service}
    told = Resource.create({SERVICE_INSTANCE_ID: instance, SERVICE_VERSION: VERSION})
    return told.merge(Resource(named))


def _parent(context: Mapping[str, str]) -> Context:
    """Give the context that a span belongs to; an empty one makes it the first."""
    if not context:
        return Context()
    _, trace, span, flags = context[PARENT].split("-")
    state = TraceState.from_header([context[STATE]]) if STATE in context else None
    remote = SpanContext(
        int(trace, 16), int(span, 16), is_remote=True, trace_flags=TraceFlags(int(flags, 16)), trace_state=state
    )
    return set_span_in_context(NonRecordingSpan(remote), Context())


def _as_headers(context: SpanContext) -> dict[str, str]:
    parent = f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"
    return {PARENT: parent, STATE: context.trace_state.to_header()} if context.trace_state else {PARENT: parent}
