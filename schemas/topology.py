"""The topology file: which nodes run which models, how they are grouped, and which model writes the answer.

It is checked as a whole.  Every error is one line that names the file and the path inside it.  This module knows the
shape, not whether a model file exists or can be loaded: that is `models`' to say.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from schemas.line import one_line
from schemas.terms import CALCULATOR, Probability, Token

ModelPath = Annotated[str, Meta(min_length=1, description="a GGUF file, relative to the topology file's folder")]
Reference = Annotated[
    str,
    Meta(min_length=1, description="such a file, or a server's model, as openai:http://HOST:PORT/v1#NAME"),
]

_SERVER, _WHOLE = "openai:", re.compile(r"openai:https?://[^\s@?#]+#\S.*")


class TopologyError(ValueError):
    """The topology file can't be used: it can't be read, is no JSON, has the wrong shape, or contradicts itself."""


class SuperLLM(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The larger model that words the final answer: `model`, or as a file `model_path`."""

    model: Reference | None = None
    model_path: ModelPath | None = None
    id: Token = "superllm"


class SuperCluster(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A group of clusters, such as a site; `parent` may name a supercluster above it."""

    id: Token
    parent: Token | None = None


class Cluster(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A group of nodes that fail together, such as a machine; `parent` names a cluster or a supercluster."""

    id: Token
    parent: Token


class Node(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A worker with two models, each a reference or, in the key with `_path`, a file.

    `cluster` names a cluster or, for a direct node, a supercluster.
    """

    id: Token
    cluster: Token
    model_a: Reference | None = None
    model_b: Reference | None = None
    model_a_path: ModelPath | None = None
    model_b_path: ModelPath | None = None
    fitness: Probability = 0.5
    slots: Annotated[int, Meta(ge=1, le=64)] = 1


class Inference(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How models run in one process.

    `threads` None takes every core that the process may use.  `sequences` is how many requests a model computes at
    once, each with up to `context_tokens` of prompt and answer.  A model's KV cache holds `cache_tokens` of all of them
    together, and of conversations that may go on; None: half of what `sequences` of full length would take.  With fewer
    there is less memory, and long requests wait for one another.  `cache_type` q8_0 takes little more than half.  A
    model that was idle for `unload_after_s` is freed; None: never.
    """

    threads: Annotated[int, Meta(ge=1)] | None = None
    context_tokens: Annotated[int, Meta(ge=256)] = 4096
    sequences: Annotated[int, Meta(ge=1, le=64)] = 8
    cache_tokens: Annotated[int, Meta(ge=256)] | None = None
    cache_type: Literal["f16", "q8_0"] = "f16"
    gpu_layers: Annotated[int, Meta(ge=-1)] = 0
    unload_after_s: Annotated[float, Meta(gt=0)] | None = None


class Topology(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file."""

    superllm: SuperLLM
    superclusters: Annotated[list[SuperCluster], Meta(min_length=1)]
    clusters: list[Cluster] = []
    nodes: Annotated[list[Node], Meta(min_length=1)]
    inference: Inference = Inference()

    def groups(self) -> list[Cluster | SuperCluster]:
        """List all groups, clusters first."""
        return [*self.clusters, *self.superclusters]

    def parent(self, group: str) -> str | None:
        """Give the group above a cluster or supercluster, None at the top."""
        return next((above.parent for above in self.groups() if above.id == group), None)

    def supercluster(self, node: Node) -> str:
        """Give the nearest supercluster above a node."""
        tops = {top.id for top in self.superclusters}
        group = node.cluster
        while group not in tops:
            parent = self.parent(group)
            assert parent is not None, "checked when loaded"
            group = parent
        return group


def load(path: Path) -> Topology:
    """Read and check a topology file.  Raises TopologyError."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise TopologyError(f"{path}: {error.strerror or error}") from None
    try:
        topology = msgspec.json.decode(raw, type=Topology)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise TopologyError(f"{path}: {one_line(error)}") from None
    for problem in _contradictions(topology):
        raise TopologyError(f"{path}: {one_line(problem)}")
    return topology


def _contradictions(topology: Topology) -> list[str]:
    """List what the shape alone can't forbid, worst first."""
    groups = {
        **{cluster.id: f"$.clusters[{i}]" for i, cluster in enumerate(topology.clusters)},
        **{top.id: f"$.superclusters[{i}]" for i, top in enumerate(topology.superclusters)},
    }
    tops = {top.id for top in topology.superclusters}
    problems = [
        f"{kind} id {name!r} is used {count} times"
        for kind, ids in (
            ("$.nodes:", [node.id for node in topology.nodes]),
            ("$.clusters and $.superclusters:", [group.id for group in topology.groups()]),
        )
        for name, count in Counter(ids).items()
        if count > 1
    ]
    problems += [
        f"$.nodes[{i}].id: {CALCULATOR!r} is the name of a voter that is no node"
        for i, node in enumerate(topology.nodes)
        if node.id == CALCULATOR
    ]
    problems += [
        f"$.nodes[{i}].cluster: no cluster or supercluster is called {node.cluster!r}"
        for i, node in enumerate(topology.nodes)
        if node.cluster not in groups
    ]
    problems += [
        f"{groups[cluster.id]}.parent: no cluster or supercluster is called {cluster.parent!r}"
        for cluster in topology.clusters
        if cluster.parent not in groups
    ]
    problems += [
        f"{groups[top.id]}.parent: no supercluster is called {top.parent!r}"
        for top in topology.superclusters
        if top.parent is not None and top.parent not in tops
    ]
    problems += _wrong_models(topology)
    inference = topology.inference
    if inference.cache_tokens is not None and inference.cache_tokens < inference.context_tokens:
        problems.append(f"$.inference.cache_tokens: must be at least context_tokens ({inference.context_tokens})")
    return problems or [
        f"{where}.parent: the parents of {name!r} form a cycle"
        for name, where in groups.items()
        if _loops(topology, name)
    ]


def _wrong_models(topology: Topology) -> list[str]:
    """List models that are named twice or not at all, and references that cannot be read."""
    top = topology.superllm
    named = [("$.superllm.model", top.model, top.model_path, True)]
    for i, node in enumerate(topology.nodes):
        named.append((f"$.nodes[{i}].model_a", node.model_a, node.model_a_path, True))
        named.append((f"$.nodes[{i}].model_b", node.model_b, node.model_b_path, False))
    problems = []
    for where, reference, path, needed in named:
        if reference is not None and path is not None:
            problems.append(f"{where}: the model is named by {where.rpartition('.')[2]}_path, too")
        elif needed and reference is None and path is None:
            problems.append(f"{where}: no model is named")
        elif reference is not None and reference.startswith(_SERVER) and not _WHOLE.fullmatch(reference):
            problems.append(f"{where}: {reference!r} must be openai:http://HOST:PORT/v1#NAME, without a key in it")
    return problems


def _loops(topology: Topology, group: str) -> bool:
    """Tell whether walking up from a group comes back to it."""
    seen: set[str] = set()
    above = topology.parent(group)
    while above is not None and above not in seen:
        seen.add(above)
        above = topology.parent(above)
    return group in seen
