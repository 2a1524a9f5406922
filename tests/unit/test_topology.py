from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from schemas.topology import TopologyError, load

ROOT = Path(__file__).parents[2]


def minimal() -> dict[str, Any]:
    return {
        "superllm": {"model_path": "big.gguf"},
        "superclusters": [{"id": "sc"}],
        "clusters": [{"id": "c1", "parent": "sc"}],
        "nodes": [{"id": "n1", "cluster": "c1", "model_a_path": "a.gguf"}],
    }


def write(folder: Path, content: object) -> Path:
    path = folder / "topology.json"
    path.write_bytes(content if isinstance(content, bytes) else msgspec.json.encode(content))
    return path


@pytest.mark.parametrize("file", ["topology.json", "deploy/topology-tiny.json"])
def test_the_files_that_come_with_the_project(file: str) -> None:
    topology = load(ROOT / file)
    assert {topology.supercluster(node) for node in topology.nodes} == {"sc-main"}


def test_the_default_has_four_clustered_nodes_and_one_direct() -> None:
    clusters = [node.cluster for node in load(ROOT / "topology.json").nodes]
    assert clusters == ["cluster-1"] * 4 + ["sc-main"]


def test_clusters_nest(tmp_path: Path) -> None:
    content = minimal()
    content["clusters"] += [{"id": "c2", "parent": "c1"}]
    content["nodes"][0]["cluster"] = "c2"
    topology = load(write(tmp_path, content))
    assert topology.supercluster(topology.nodes[0]) == "sc"


def change(path: str, value: object) -> dict[str, Any]:
    content: Any = minimal()
    *way, last = [int(part) if part.isdigit() else part for part in path.split("/")]
    place = content
    for key in way:
        place = place[key]
    if value is None:
        del place[last]
    elif isinstance(place, list) and last == len(place):
        place.append(value)
    else:
        place[last] = value
    return content  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"\xff", "malformed"),
        (b"{", "truncated"),
        (b"[]", "Expected `object`"),
        (change("superllm", None), "missing required field `superllm`"),
        (change("nodes", []), "length >= 1"),
        (change("nodes/0/model_a_path", None), "$.nodes[0].model_a: no model is named"),
        (change("nodes/0/model_a", "b.gguf"), "$.nodes[0].model_a: the model is named by model_a_path, too"),
        (change("nodes/0/model_b", "openai:host#m"), "$.nodes[0].model_b: 'openai:host#m' must be openai:http://"),
        (change("nodes/0/model_b", "openai:http://a:b@h/v1#m"), "without a key in it"),
        (change("superllm/model_path", None), "$.superllm.model: no model is named"),
        (change("nodes/0/model_a_path", ""), "$.nodes[0].model_a_path"),
        (change("nodes/0/fitness", 1.5), "$.nodes[0].fitness"),
        (change("nodes/0/id", "a.b"), "$.nodes[0].id"),
        (change("nodes/0/slots", 0), "$.nodes[0].slots"),
        (change("nodes/0/colour", "red"), "unknown field `colour` - at `$.nodes[0]`"),
        (change("nodes/0/cluster", "c9"), "$.nodes[0].cluster: no cluster or supercluster is called 'c9'"),
        (change("nodes/1", minimal()["nodes"][0]), "$.nodes: id 'n1' is used 2 times"),
        (change("clusters/1", {"id": "sc", "parent": "sc"}), "id 'sc' is used 2 times"),
        (change("clusters/0/parent", "c9"), "$.clusters[0].parent: no cluster or supercluster is called 'c9'"),
        (change("superclusters/0/parent", "c1"), "$.superclusters[0].parent: no supercluster is called 'c1'"),
        (change("clusters/0/parent", "c1"), "$.clusters[0].parent: the parents of 'c1' form a cycle"),
        (change("superclusters/0/parent", "sc"), "$.superclusters[0].parent: the parents of 'sc' form a cycle"),
        (
            change("inference", {"cache_tokens": 2048}),
            "$.inference.cache_tokens: must be at least context_tokens (4096)",
        ),
        (change("inference", {"cache_type": "q4"}), "$.inference.cache_type"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(tmp_path: Path, content: object, says: str) -> None:
    path = write(tmp_path, content)
    with pytest.raises(TopologyError) as caught:
        load(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert says in message
    assert "\n" not in message


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(TopologyError, match="No such file"):
        load(tmp_path / "none.json")


def test_a_longer_cycle(tmp_path: Path) -> None:
    content = minimal()
    content["clusters"] = [{"id": "c1", "parent": "c2"}, {"id": "c2", "parent": "c1"}]
    with pytest.raises(TopologyError, match="cycle"):
        load(write(tmp_path, content))


@pytest.mark.parametrize(("sequences", "valid"), [(1, True), (64, True), (0, False), (65, False)])
def test_sequences_are_bounded(tmp_path: Path, sequences: int, valid: bool) -> None:  # noqa: FBT001
    path = write(tmp_path, {**minimal(), "inference": {"sequences": sequences}})
    if valid:
        assert load(path).inference.sequences == sequences
    else:
        with pytest.raises(TopologyError, match=r"\$\.inference\.sequences"):
            load(path)
