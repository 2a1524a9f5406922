"""Build services from a topology file, for one process each or all in one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from msgspec import structs

from models.catalogue import check_gguf
from models.dispatch import DispatchEngine
from models.engine import Engine
from models.reference import ModelReference, model_name, parse_reference
from models.shared import SharedEngine
from schemas.topology import Inference, Node, Topology, TopologyError
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
    """Give a node its place and its models; paths are relative to the topology's folder."""
    models = (
        _reference(folder, reference, path)
        for reference, path in ((spec.model_a, spec.model_a_path), (spec.model_b, spec.model_b_path))
    )
    return NodeConfig(
        id=spec.id,
        cluster=spec.cluster,
        supercluster=topology.supercluster(spec),
        models=tuple(model for model in models if model is not None),
        fitness=spec.fitness,
        slots=spec.slots,
    )


def models_of(
    topology: Topology, folder: Path, names: Collection[str], nodes: Collection[str] = ()
) -> list[ModelReference]:
    """List the models that some services need, each once."""
    found: list[ModelReference] = []
    if "node" in names:
        chosen = (spec for spec in topology.nodes if not nodes or spec.id in nodes)
        found += [model for spec in chosen for model in node_config(topology, folder, spec).models]
    if "synthesizer" in names:
        found.append(_superllm(topology, folder))
    return list(dict.fromkeys(found))


def files_of(topology: Topology, folder: Path, names: Collection[str], nodes: Collection[str] = ()) -> list[Path]:
    """List those of them that are files."""
    return [model for model in models_of(topology, folder, names, nodes) if isinstance(model, Path)]


def check_files(models: Collection[ModelReference]) -> None:
    """Find at once what is most often wrong with model files.  Raises ModelError."""
    for model in models:
        if isinstance(model, Path):
            check_gguf(model)


def _superllm(topology: Topology, folder: Path) -> ModelReference:
    model = _reference(folder, topology.superllm.model, topology.superllm.model_path)
    assert model is not None, "checked when loaded"
    return model


def _reference(folder: Path, reference: str | None, path: str | None) -> ModelReference | None:
    if path is not None:
        return folder / path
    return None if reference is None else parse_reference(reference, folder)


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
        config, metadata = _decomposing(limits or Limits())
        services.append(Service("decomposer", partial(decomposer, config=config), metadata))
    if "trainer" in names:
        metadata = {"canaries": f"canaries={canary_rate:g}"} if canary_rate else {}
        services.append(Service("trainer", partial(trainer, config=TrainerConfig(canary_rate=canary_rate)), metadata))
    if WITH_MODELS & set(names):
        assert topology is not None
        assert engine is not None
        services += _build_with_models(topology, folder, engine, names, nodes, run_code=run_code)
    return services


def _decomposing(limits: Limits) -> tuple[DecomposerConfig, dict[str, str]]:
    """Give the configuration of a decomposer, and what it tells of its limits."""
    config = DecomposerConfig(max_tokens=limits.max_tokens, max_per_client=limits.max_per_client)
    if limits.max_fan_out is not None:
        config = structs.replace(config, max_fan_out=limits.max_fan_out)
    if limits.min_confidence is not None:
        config = structs.replace(config, min_confidence=limits.min_confidence)
    told = {
        "fan_out": f"at most {config.max_fan_out} nodes a chunk",
        "tokens": f"at most {config.max_tokens} tokens a generation" if config.max_tokens else "",
        "clients": f"at most {config.max_per_client} queries of a client" if config.max_per_client else "",
    }
    return config, {name: text for name, text in told.items() if text}


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
    compute = f"({engine.threads} threads, {layers} GPU layers)" if engine.threads else "(on servers elsewhere)"
    for spec in topology.nodes if "node" in names else ():
        if not nodes or spec.id in nodes:
            config = structs.replace(node_config(topology, folder, spec), run_code=run_code)
            metadata = {"node": config.id, "models": ",".join(map(model_name, config.models)), "compute": compute}
            yield Service(f"node.{config.id}", partial(node, config=config, engine=engine), metadata)
    if "synthesizer" in names:
        model = _superllm(topology, folder)
        metadata = {"model": model_name(model), "compute": compute}
        writing = SynthesizerConfig(model=model)
        yield Service("synthesizer", partial(synthesizer, config=writing, engine=engine), metadata)


@asynccontextmanager
async def inference(topology: Topology, models: Collection[ModelReference]) -> AsyncIterator[Engine]:
    """Run the engines that these models need while the body runs, as the topology's `inference` says.

    Equal requests are shared.
    """
    engine = SharedEngine(_engine(topology.inference, models))
    try:
        yield engine
    finally:
        await engine.close()


def _engine(settings: Inference, models: Collection[ModelReference]) -> Engine:
    """Make what the models need; llama.cpp and the HTTP client are loaded only where something needs them."""
    num_files = sum(isinstance(model, Path) for model in models)
    if num_files == 0:
        return _remote_engine(settings)
    if num_files == len(models):
        return _llama_engine(settings)
    return DispatchEngine(_llama_engine(settings), _remote_engine(settings))


def _llama_engine(settings: Inference) -> Engine:
    from models.llama import LlamaEngine  # noqa: PLC0415

    return LlamaEngine(
        threads=settings.threads,
        context_tokens=settings.context_tokens,
        sequences=settings.sequences,
        cache_tokens=settings.cache_tokens,
        cache_type=settings.cache_type,
        gpu_layers=settings.gpu_layers,
        unload_after_s=settings.unload_after_s,
    )


def _remote_engine(settings: Inference) -> Engine:
    from models.remote import RemoteEngine  # noqa: PLC0415

    return RemoteEngine(settings.context_tokens)
