"""`dellm doctor` looks at this machine and its deployment; `dellm init` writes a topology that fits."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import click
import msgspec

import models as catalogue
from models.cores import free_bytes, usable_cores
from models.engine import Engine, ModelError
from models.gpu import can_offload, has_gpu
from models.reference import ModelReference, RemoteModel
from schemas.subjects import Store
from schemas.topology import Topology, TopologyError, load
from services.cli.findings import Finding, of_clock, of_cores, of_disk, of_gpu, of_memory
from services.cli.home import default_models
from services.cli.options import NothingRuns, Target, bus_options, out, run, topology_option
from services.cli.proposal import Offer, Proposal, propose
from services.hosting import NAMES, check_files, inference, models_of
from services.runtime.bus import Bus
from services.runtime.server import ServerError, find_binary
from services.runtime.wire import BusError

UNHEALTHY = 1


class Health(msgspec.Struct):
    """All that was found, and what would fit this machine."""

    findings: list[Finding]
    proposal: str | None


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@topology_option
@bus_options
def doctor(as_json: bool, topology_path: Path, target: Target) -> None:
    """Look at cores, memory, disk, GPU, NATS, clock and models, and say what to do; exits with 1 on a problem."""
    findings, topology = [of_cores(usable_cores())], None
    try:
        topology = load(topology_path)
        needed = models_of(topology, topology_path.parent, NAMES)
    except (TopologyError, ModelError) as error:
        findings.append(Finding("topology", "problem", str(error), "mend it, or let `dellm init` write one"))
    else:
        findings += _of_topology(topology, topology_path, needed)
    for folder in dict.fromkeys((_existing(default_models()), _existing(target.data))):
        findings.append(of_disk(str(folder), shutil.disk_usage(folder).free))
    findings += run(_of_servers(target, topology, needed if topology is not None else []))
    fitting = _proposal(default_models(), topology_path.parent)
    health = Health(findings, None if fitting is None else fitting.told)
    if as_json:
        click.echo(msgspec.json.encode(health))
    else:
        for finding in findings:
            out().print(str(finding), markup=False)
        out().print(f"fits this machine: {health.proposal or 'no model of the catalogue'}", markup=False)
    if any(finding.level == "problem" for finding in findings):
        sys.exit(UNHEALTHY)


@click.command()
@topology_option
@click.option("--force", is_flag=True, help="Write in the place of one that is there.")
def init(topology_path: Path, force: bool) -> None:
    """Write a topology that fits this machine's memory: of the models that are here, else of those to be fetched."""
    fitting = _proposal(default_models(), topology_path.parent)
    if fitting is None:
        raise click.ClickException("no model of the catalogue fits the memory that is free; see `dellm doctor`")
    text = json.dumps(fitting.topology(), indent=2) + "\n"
    try:
        topology_path.parent.mkdir(parents=True, exist_ok=True)
        with topology_path.open("w" if force else "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise click.ClickException(f"{topology_path} is there; --force writes in its place") from None
    except OSError as error:
        raise click.ClickException(f"{topology_path}: {error.strerror or error}") from None
    load(topology_path)
    out().print(f"{topology_path}: {fitting.told}", markup=False)
    if missing := [offer.name for offer in fitting.models if not offer.here]:
        out().print(f"not here yet: dellm models fetch {' '.join(missing)}", markup=False)


def _of_topology(topology: Topology, path: Path, needed: Sequence[ModelReference]) -> list[Finding]:
    """Look at the files that a topology names, and whether they fit."""
    findings = [Finding("topology", "ok", f"{path}: {len(topology.nodes)} nodes")]
    sizes = []
    for model in needed:
        if isinstance(model, Path):
            try:
                check_files([model])
                findings.append(Finding("model", "ok", f"{model}: {catalogue.summarise_gguf(model)}"))
                sizes.append(model.stat().st_size)
            except ModelError as error:
                findings.append(Finding("model", "problem", str(error)))
    settings = topology.inference
    tokens = settings.cache_tokens or settings.context_tokens * settings.sequences // 2
    findings.append(of_memory(free_bytes(), sizes, tokens))
    findings.append(of_gpu(there=has_gpu(), usable=can_offload(), wanted=bool(settings.gpu_layers)))
    return findings


async def _of_servers(target: Target, topology: Topology | None, needed: Sequence[ModelReference]) -> list[Finding]:
    """Ask the servers of models, and NATS."""
    findings = []
    remote = [model for model in needed if isinstance(model, RemoteModel)]
    if topology is not None and remote:
        async with inference(topology, remote) as engine:
            findings = [await _of_remote(engine, model) for model in remote]
    return [*findings, *await _of_nats(target)]


async def _of_remote(engine: Engine, model: RemoteModel) -> Finding:
    try:
        await engine.load(model)
    except ModelError as error:
        return Finding("model", "problem", str(error))
    why = engine.down().get(model)
    if why is not None:
        return Finding("model", "problem", f"{model}: {why}", "start the server")
    return Finding("model", "ok", f"{model.name} at {model.url} answers")


async def _of_nats(target: Target) -> list[Finding]:
    """Ask the server that is named, or that of a running `dellm up`; where none runs, see that one could be started."""
    try:
        async with target.open() as bus:
            version = bus.client.connected_server_version
            told = f"{target.known()} answers, version {version.major}.{version.minor}.{version.patch}"
            return [Finding("nats", "ok", told), await _of_clock(bus)]
    except NothingRuns as error:
        if target.known() is not None:
            return [Finding("nats", "problem", str(error), "start it, or give --nats URL")]
        try:
            return [Finding("nats", "ok", f"none runs; `dellm up` would start {find_binary()}")]
        except ServerError as missing:
            return [Finding("nats", "problem", str(missing))]
    except BusError as error:
        return [Finding("nats", "problem", str(error), "start it, or give another --nats URL")]


async def _of_clock(bus: Bus) -> Finding:
    """Compare this clock with the server's, which every look at a stream tells."""
    asked_at = time.time()
    try:
        raw = await bus.ask_jetstream(f"STREAM.INFO.{bus.space.stream(Store.STREAM)}")
    except BusError as error:
        return Finding("clock", "warning", f"not compared with the server's: {error}")
    answered_at = time.time()
    told = msgspec.json.decode(raw, type=_Told).ts
    if told is None:
        return Finding("clock", "warning", "the server does not tell its own")
    return of_clock((asked_at + answered_at) / 2 - told.timestamp())


class _Told(msgspec.Struct):
    ts: datetime | None = None


def _proposal(models_folder: Path, topology_folder: Path) -> Proposal | None:
    """Propose of what is here and of what the package index has."""
    known = {model.file: model for model in catalogue.list_models()}
    known |= {made.model.file: made.model for made in catalogue.list_quantized(models_folder)}
    known |= {model.file: model for model, _ in catalogue.list_added(models_folder)}
    offers = []
    for file, model in known.items():
        path = models_folder / file
        named = os.path.relpath(path, topology_folder)
        offers.append(Offer(model.name, named, model.bytes, path.is_file()))
    here = [offer for offer in offers if offer.here]
    return propose(here, free_bytes(), usable_cores()) or propose(offers, free_bytes(), usable_cores())


def _existing(folder: Path) -> Path:
    """Give the folder, or the nearest one above it that is there."""
    folder = folder.resolve()
    return next(place for place in (folder, *folder.parents) if place.is_dir())
