"""What a process says of itself when it hosts services."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.topology import load
from services.hosting import build
from tests.support import ScriptedEngine

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("gpu_layers", "said"),
    [(0, "(3 threads, 0 GPU layers)"), (20, "(3 threads, 20 GPU layers)"), (-1, "(3 threads, all GPU layers)")],
)
def test_services_with_models_say_what_the_engine_really_uses(gpu_layers: int, said: str) -> None:
    engine = ScriptedEngine(threads=3, gpu_layers=gpu_layers)
    services = build(load(ROOT / "topology.json"), ROOT, engine, names=["node", "synthesizer", "assembler"])
    assert {service.metadata.get("compute") for service in services if service.name != "assembler"} == {said}
