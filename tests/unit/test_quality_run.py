"""Which configurations `make eval` runs, and what they may be compared with."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.topology import load
from tests.quality.run import chosen, claim, configurations, origin, without_b

ROOT = Path(__file__).parents[2]
TOPOLOGY = ROOT / "topology.json"


def test_the_pipeline_its_ablations_and_each_model_alone(tmp_path: Path) -> None:
    found = {
        configuration.name: configuration.options
        for configuration in configurations(load(TOPOLOGY), TOPOLOGY, tmp_path)
    }
    assert list(found) == [
        *("full", "join", "no-checks", "no-votes", "all-nodes", "no-b"),
        *("alone-qwen2.5-coder-1.5b", "alone-qwen2.5-coder-0.5b"),
    ]
    assert found["join"][:2] == ["--wording", "join"]
    assert found["all-nodes"][:2] == ["--replicas", "all"]
    assert "--embedded" not in found["alone-qwen2.5-coder-0.5b"]
    stores = [options[options.index("--data") + 1] for options in found.values() if "--data" in options]
    assert len(set(stores)) == len(stores) == 6


def test_without_b_is_a_topology_that_may_stand_anywhere() -> None:
    topology = without_b(load(TOPOLOGY), ROOT)
    assert not any(node.model_b_path for node in topology.nodes)
    assert all(Path(node.model_a_path or "").is_absolute() for node in topology.nodes)
    assert len(topology.nodes) == 5


def test_only_takes_names_that_there_are(tmp_path: Path) -> None:
    found = configurations(load(TOPOLOGY), TOPOLOGY, tmp_path)
    assert [configuration.name for configuration in chosen(found, "no-b, full")] == ["full", "no-b"]
    assert chosen(found, None) == found
    with pytest.raises(SystemExit, match="no configuration 'fast'; there are full, join"):
        chosen(found, "fast")


def test_answers_of_another_origin_are_not_gone_on_with(tmp_path: Path) -> None:
    questions = tmp_path / "set.jsonl"
    questions.write_text("1")
    folder = tmp_path / "out"
    claim(folder, origin(questions, TOPOLOGY))
    claim(folder, origin(questions, TOPOLOGY))
    questions.write_text("2")
    with pytest.raises(SystemExit, match="come from other questions; remove it"):
        claim(folder, origin(questions, TOPOLOGY))
