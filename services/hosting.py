"""Build services from a topology file, for one process each or all in one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from msgspec import structs

from models.engine import Engine
from models.shared import SharedEngine
from schemas.topology import Node, Topology, TopologyError
from services.assembler.config import AssemblerConfig
from services.assembler.service import assembler
from services.decomposer.config import DecomposerConfig
from services.decomposer.service import decomposer
from services.node.config import NodeConfig
from services.node.service import node
from services.runtime.lifecycle import Service
from services.runtime.limits import Limits
from services.synthesizer.config import SynthesizerConfig
from services.synthesizer.service import synthesizer
from services.trainer.config import TrainerConfig
from services.trainer.service import trainer

NAMES = ("decomposer", "node", "assembler", "synthesizer", "trainer")
WITH_MODELS = frozenset({"node", "synthesizer"})


def node_config(topology: Topology, folder: Path, spec: Node) -> NodeConfig:
    """Give a node its place and its model files; their paths are relative to the topology's folder."""
    paths = [path for path in (spec.model_a_path, spec.model_b_path) if path is not None]
    return NodeConfig(
        id=spec.id,
        cluster=spec.cluster,
        supercluster=topology.supercluster(spec),
        models=tuple(folder / path for path in paths),
        fitness=spec.fitness,
        slots=spec.slots,
    )


def model_paths(topology: Topology, folder: Path, names: Collection[str], nodes: Collection[str] = ()) -> list[Path]:
    """List the model files that some services need, each once."""
    paths = []
    if "node" in names:
        chosen = (spec for spec in topology.nodes if not nodes or spec.id in nodes)
        paths += [path for spec in chosen for path in node_config(topology, folder, spec).models]
    if "synthesizer" in names:
        paths.append(folder / topology.superllm.model_path)
    return list(dict.fromkeys(paths))


def build(
    topology: Topology | None,
    folder: Path,
    engine: Engine | None,
    *,
    names: Collection[str],
    nodes: Collection[str] = (),
    canary_rate: float = 0.0,
    run_code: bool = False,
    limits: Limits | None = None,
    node_keys: Path | None = None,
) -> list[Service]:
    """Build services by name; `nodes` narrows the nodes.  Those WITH_MODELS need topology and engine.

    The trainer asks `canary_rate` known-answer questions for each query; with `run_code` nodes run the examples of a
    request for code.  With `node_keys`, a file, only votes count that are signed with its keys.  Raises TopologyError
    for a node that the topology does not have.
    """
    services = []
    if "assembler" in names:
        metadata = {"votes": "only signed ones count"} if node_keys is not None else {}
        counting = AssemblerConfig(node_keys=node_keys)
        services.append(Service("assembler", partial(assembler, config=counting), metadata))
    if "decomposer" in names:
        config = DecomposerConfig()
        if limits is not None and limits.max_fan_out is not None:
            config = structs.replace(config, max_fan_out=limits.max_fan_out)
        if limits is not None and limits.min_confidence is not None:
            config = structs.replace(config, min_confidence=limits.min_confidence)
        metadata = {"fan_out": f"at most {config.max_fan_out} nodes a chunk"}
        services.append(Service("decomposer", partial(decomposer, config=config), metadata))
    if "trainer" in names:
        metadata = {"canaries": f"canaries={canary_rate:g}"} if canary_rate else {}
        services.append(Service("trainer", partial(trainer, config=TrainerConfig(canary_rate=canary_rate)), metadata))
    if WITH_MODELS & set(names):
        assert topology is not None
        assert engine is not None
        services += _build_with_models(topology, folder, engine, names, nodes, run_code=run_code)
    return services


def _build_with_models(
    topology: Topology,
    folder: Path,
    engine: Engine,
    names: Collection[str],
    nodes: Collection[str],
    *,
    run_code: bool,
) -> Iterator[Service]:
    strangers = set(nodes) - {spec.id for spec in topology.nodes}
    if strangers:
        raise TopologyError(f"the topology has no node {min(strangers)!r}")
    layers = "all" if engine.gpu_layers < 0 else engine.gpu_layers
    compute = f"({engine.threads} threads, {layers} GPU layers)"
    for spec in topology.nodes if "node" in names else ():
        if not nodes or spec.id in nodes:
            config = structs.replace(node_config(topology, folder, spec), run_code=run_code)
            stems = ",".join(model.stem for model in config.models)
            metadata = {"node": config.id, "models": stems, "compute": compute}
            yield Service(f"node.{config.id}", partial(node, config=config, engine=engine), metadata)
    if "synthesizer" in names:
        model = folder / topology.superllm.model_path
        metadata = {"model": model.stem, "compute": compute}
        writing = SynthesizerConfig(model=model)
        yield Service("synthesizer", partial(synthesizer, config=writing, engine=engine), metadata)


@asynccontextmanager
async def llama_engine(topology: Topology) -> AsyncIterator[Engine]:
    """Run the llama.cpp engine while the body runs, as the topology's `inference` says; equal requests are shared."""
    from models.llama import LlamaEngine  # noqa: PLC0415  # loads the native library, which not every service needs

    settings = topology.inference
    engine = SharedEngine(
        LlamaEngine(
            threads=settings.threads,
            context_tokens=settings.context_tokens,
            sequences=settings.sequences,
            cache_tokens=settings.cache_tokens,
            cache_type=settings.cache_type,
            gpu_layers=settings.gpu_layers,
            unload_after_s=settings.unload_after_s,
        )
    )
    try:
        yield engine
    finally:
        await engine.close()
