"""The telemetry of this process, as flags and environment ask for it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import structlog

from services.runtime.telemetry.exposition import exposed
from services.runtime.telemetry.telemetry import Telemetry
from services.runtime.wire import BusError

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

log = structlog.get_logger(__name__)

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
TRACES_ENDPOINT = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
METRICS_ENDPOINT = "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"
DISABLED = "OTEL_SDK_DISABLED"
NO_EXTRA = "OpenTelemetry is not installed: pip install 'dellm[telemetry]'"


class TelemetryError(BusError):
    """What is asked for can't be had, such as traces without the library."""


def wants_otel(environment: Mapping[str, str] = os.environ) -> bool:
    """Tell whether the environment says where traces or metrics go."""
    is_off = environment.get(DISABLED, "").strip().lower() == "true"
    return not is_off and any(environment.get(name) for name in (ENDPOINT, TRACES_ENDPOINT, METRICS_ENDPOINT))


@contextmanager
def observing(service: str, *, metrics: str | None = None, otel: bool = False) -> Iterator[Telemetry]:
    """Give the telemetry of a process while the body runs.

    `metrics` is where Prometheus finds it, HOST:PORT.  With `otel`, or where the environment says where to, traces and
    metrics are sent by OTLP.  Raises MetricsError or TelemetryError.
    """
    with ExitStack() as stack:
        telemetry = Telemetry()
        if otel or wants_otel():
            try:
                telemetry = stack.enter_context(_sending(service))
            except ModuleNotFoundError:
                if otel:
                    raise TelemetryError(NO_EXTRA) from None
                log.warning("telemetry.missing", reason=NO_EXTRA)  # the variables may be meant for others
        if metrics is not None:
            stack.enter_context(exposed(telemetry.metrics.registry, metrics))
        yield telemetry


@contextmanager
def _sending(service: str) -> Iterator[Telemetry]:
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter  # noqa: PLC0415
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    from services.runtime.telemetry.export import exporting  # noqa: PLC0415
    from services.runtime.telemetry.tracing import Traces, new_provider, resource_of  # noqa: PLC0415

    with ExitStack() as stack:
        telemetry = Telemetry()
        if _is_wanted("OTEL_TRACES_EXPORTER"):
            provider: TracerProvider = new_provider(service)
            provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
            stack.callback(provider.shutdown)
            telemetry = Telemetry(Traces(provider))
        if _is_wanted("OTEL_METRICS_EXPORTER"):
            stack.enter_context(exporting(telemetry.metrics.registry, resource_of(service), OTLPMetricExporter()))
        yield telemetry


def _is_wanted(variable: str) -> bool:
    """Tell whether a kind of telemetry is to be sent.  Raises TelemetryError where it is to go another way."""
    match os.environ.get(variable, "otlp").strip().lower():
        case "otlp" | "":
            return True
        case "none":
            return False
        case other:
            raise TelemetryError(f"{variable}={other}: use otlp or none")
