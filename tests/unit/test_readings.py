from __future__ import annotations

from pathlib import Path

import pytest

from models.engine import Stats
from models.reference import ModelReference
from schemas.records import Fitness, Record
from services.runtime.telemetry.exposition import MetricsError, address_of
from services.runtime.telemetry.readings import engine_families
from services.runtime.telemetry.telemetry import Telemetry
from tests.support import ScriptedEngine

STATS = Stats(
    threads=2,
    sequences=8,
    context_tokens=4096,
    cache_tokens=16384,
    used_tokens=700,
    gpu_layers=0,
    weight_bytes=10,
    cache_bytes=20,
    kept_prefixes=1,
    reused_prefixes=2,
    evicted_prefixes=0,
    running=3,
    waiting=4,
    requests=9,
    prefill_tokens_asked=1000,
    prefill_tokens_computed=400,
    generated_tokens=250,
    steps=50,
    decode_s=12.5,
    python_s=0.5,
)


def test_fitness_is_shown_by_kind_and_never_by_node() -> None:
    telemetry = Telemetry()
    nodes = [
        Fitness(
            node=name, overall=Record(fitness=value), kinds={"fact": Record(fitness=value), "odd": Record(fitness=0)}
        )
        for name, value in (("n1", 0.2), ("n2", 0.8))
    ]
    telemetry.fitness.watch(lambda: nodes, ["fact", "sum"])
    figures = telemetry.metrics.render().decode()
    assert 'dellm_node_fitness{kind="fact",of="lowest"} 0.2' in figures
    assert 'dellm_node_fitness{kind="all",of="mean"} 0.5' in figures
    assert "n1" not in figures
    assert "odd" not in figures


def test_what_engines_did_is_read_by_model() -> None:
    samples = {
        (sample.name, *sample.labels.values()): sample.value
        for family in engine_families({"m": STATS})
        for sample in family.samples
    }
    assert samples["dellm_engine_prompt_tokens_total", "m", "saved"] == 600
    assert samples["dellm_engine_generated_tokens_total", "m"] == 250
    assert samples["dellm_engine_cache_used_tokens", "m"] == 700
    assert samples["dellm_engine_sequences", "m", "waiting"] == 4


def test_an_engine_that_many_nodes_share_is_read_once() -> None:
    telemetry = Telemetry()

    class Counting(ScriptedEngine):
        def stats(self) -> dict[ModelReference, Stats]:
            return {Path("models/m.gguf"): STATS}

    engine = Counting()
    for _ in range(3):
        telemetry.engines.watch(engine)
    assert telemetry.metrics.render().decode().count("\ndellm_engine_steps_total{") == 1


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("9464", ("127.0.0.1", 9464)),
        (":9464", ("127.0.0.1", 9464)),
        ("0.0.0.0:9464", ("0.0.0.0", 9464)),
        ("[::1]:9464", ("::1", 9464)),
    ],
)
def test_a_port_alone_is_one_of_loopback(text: str, address: tuple[str, int]) -> None:
    assert address_of(text) == address


@pytest.mark.parametrize("text", ["", "here", "127.0.0.1:http", "127.0.0.1:", "127.0.0.1:99999"])
def test_an_address_that_is_none(text: str) -> None:
    with pytest.raises(MetricsError, match="--metrics"):
        address_of(text)
