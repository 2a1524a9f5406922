"""Send the figures of a process by OTLP: the same that Prometheus reads, so that nothing is counted twice."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import groupby, pairwise

import structlog
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricExporter,
    MetricExportResult,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric as Family
from prometheus_client.samples import Sample

log = structlog.get_logger(__name__)

NS = 1_000_000_000
SCOPE = InstrumentationScope("dellm")
INTERVAL = "OTEL_METRIC_EXPORT_INTERVAL"
DEFAULT_INTERVAL_MS = 60_000


def to_metrics(families: Iterable[Family], began_ns: int, now_ns: int) -> list[Metric]:
    """Write families of Prometheus as metrics of OpenTelemetry.  What has no samples is left out."""
    found = []
    for family in families:
        data: Sum | Gauge | Histogram
        match family.type:
            case "counter":
                numbers = [_number(sample, began_ns, now_ns) for sample in _named(family, "_total")]
                data = Sum(numbers, AggregationTemporality.CUMULATIVE, is_monotonic=True)
            case "histogram":
                data = Histogram(list(_histograms(family, began_ns, now_ns)), AggregationTemporality.CUMULATIVE)
            case _:
                data = Gauge([_number(sample, 0, now_ns) for sample in _named(family, "")])
        if data.data_points:
            found.append(
                Metric(family.name, family.documentation, "s" if family.name.endswith("_seconds") else "", data)
            )
    return found


def _named(family: Family, suffix: str) -> list[Sample]:
    return [sample for sample in family.samples if sample.name == family.name + suffix]


def _number(sample: Sample, began_ns: int, now_ns: int) -> NumberDataPoint:
    return NumberDataPoint(sample.labels, began_ns, now_ns, sample.value)


def _histograms(family: Family, began_ns: int, now_ns: int) -> Iterator[HistogramDataPoint]:
    def labels(sample: Sample) -> list[tuple[str, str]]:
        return sorted((name, value) for name, value in sample.labels.items() if name != "le")

    for own, samples in groupby(sorted(family.samples, key=labels), key=labels):
        parts = list(samples)
        total = next(sample.value for sample in parts if sample.name.endswith("_sum"))
        buckets = [sample for sample in parts if sample.name.endswith("_bucket")]
        upto = sorted((float(sample.labels["le"]), int(sample.value)) for sample in buckets)
        counts = [0, *(count for _, count in upto)]
        yield HistogramDataPoint(
            attributes=dict(own),
            start_time_unix_nano=began_ns,
            time_unix_nano=now_ns,
            count=counts[-1],
            sum=total,
            bucket_counts=[after - before for before, after in pairwise(counts)],
            explicit_bounds=[bound for bound, _ in upto[:-1]],
            min=None,  # type: ignore[arg-type]  # not known, which the protocol allows
            max=None,  # type: ignore[arg-type]
        )


@contextmanager
def exporting(registry: CollectorRegistry, resource: Resource, exporter: MetricExporter) -> Iterator[None]:
    """Send the figures now and then, in a thread of their own, while the body runs, and once more at the end."""
    interval_s = int(os.environ.get(INTERVAL, DEFAULT_INTERVAL_MS)) / 1e3
    began_ns, ended = time.time_ns(), threading.Event()

    def send() -> None:
        metrics = to_metrics(registry.collect(), began_ns, time.time_ns())
        told = MetricsData([ResourceMetrics(resource, [ScopeMetrics(SCOPE, metrics, "")], "")])
        if exporter.export(told) is not MetricExportResult.SUCCESS:
            log.warning("metrics.unsent")

    def send_on() -> None:
        while not ended.wait(interval_s):
            send()
        send()

    thread = threading.Thread(target=send_on, name="metrics", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        exporter.shutdown()
