"""Figures that are read when they are asked for: what engines did, and what is known of nodes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from statistics import fmean

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from models.engine import Engine, Stats
from models.reference import model_name
from schemas.records import Fitness

ALL_KINDS = "all"


class EngineReadings(Collector):
    """What the engines of this process did and hold, by model."""

    def __init__(self) -> None:
        self._engines: list[Engine] = []

    def watch(self, engine: Engine) -> None:
        """Read an engine, too."""
        if not any(known is engine for known in self._engines):
            self._engines.append(engine)

    def collect(self) -> Iterator[Metric]:
        """Read them all."""
        found: dict[str, Stats] = {}
        for engine in self._engines:
            found |= {model_name(model): stats for model, stats in engine.stats().items()}
        return engine_families(found)


def engine_families(found: Mapping[str, Stats]) -> Iterator[Metric]:
    """Write what models did as families of figures."""
    requests = CounterMetricFamily("dellm_engine_requests", "Requests that were computed.", labels=("model",))
    prompts = CounterMetricFamily(
        "dellm_engine_prompt_tokens",
        "Tokens of prompts: computed, or saved because their cells were there.",
        labels=("model", "source"),
    )
    generated = CounterMetricFamily("dellm_engine_generated_tokens", "Tokens that were drawn.", labels=("model",))
    steps = CounterMetricFamily("dellm_engine_steps", "Batches that were computed.", labels=("model",))
    compute = CounterMetricFamily("dellm_engine_compute_seconds", "Time in the model.", labels=("model",))
    overhead = CounterMetricFamily("dellm_engine_overhead_seconds", "Time around the model.", labels=("model",))
    sequences = GaugeMetricFamily("dellm_engine_sequences", "Requests that run and wait.", labels=("model", "state"))
    cells = GaugeMetricFamily("dellm_engine_cache_tokens", "Room of the KV cache.", labels=("model",))
    used = GaugeMetricFamily("dellm_engine_cache_used_tokens", "Cells of it in use.", labels=("model",))
    memory = GaugeMetricFamily("dellm_engine_memory_bytes", "What a model takes.", labels=("model", "of"))
    for model, stats in found.items():
        requests.add_metric((model,), stats.requests)
        prompts.add_metric((model, "computed"), stats.prefill_tokens_computed)
        prompts.add_metric((model, "saved"), max(0, stats.prefill_tokens_asked - stats.prefill_tokens_computed))
        generated.add_metric((model,), stats.generated_tokens)
        steps.add_metric((model,), stats.steps)
        compute.add_metric((model,), stats.decode_s)
        overhead.add_metric((model,), stats.python_s)
        sequences.add_metric((model, "running"), stats.running)
        sequences.add_metric((model, "waiting"), stats.waiting)
        cells.add_metric((model,), stats.cache_tokens)
        used.add_metric((model,), stats.used_tokens)
        memory.add_metric((model, "weights"), stats.weight_bytes)
        memory.add_metric((model, "cache"), stats.cache_bytes)
    yield from (requests, prompts, generated, steps, compute, overhead, sequences, cells, used, memory)


class FitnessReadings(Collector):
    """The fitness of the nodes by kind: how low, how high, and on average."""

    def __init__(self) -> None:
        self._read: Callable[[], Iterable[Fitness]] = tuple
        self._kinds: Collection[str] = ()

    def watch(self, read: Callable[[], Iterable[Fitness]], kinds: Collection[str]) -> None:
        """Ask this from now on, about these kinds; others, such as a newer trainer's, are no label."""
        self._read, self._kinds = read, kinds

    def collect(self) -> Iterator[Metric]:
        """Read it."""
        family = GaugeMetricFamily("dellm_node_fitness", "Fitness of the nodes.", labels=("kind", "of"))
        by_kind: dict[str, list[float]] = {}
        for node in list(self._read()):
            for kind, record in [(ALL_KINDS, node.overall), *node.kinds.items()]:
                by_kind.setdefault(kind, []).append(record.fitness)
        for kind in (ALL_KINDS, *self._kinds):
            if values := by_kind.get(kind):
                family.add_metric((kind, "lowest"), min(values))
                family.add_metric((kind, "mean"), fmean(values))
                family.add_metric((kind, "highest"), max(values))
        yield family
