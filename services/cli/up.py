"""`dellm up`: everything in one process, on a private nats-server."""

from __future__ import annotations

import socket
import time
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

import click

from models.engine import Engine
from models.reference import ModelReference, model_name
from schemas.actors import Actor
from schemas.topology import load
from services.cli.options import (
    HTTP_FILE,
    URL_FILE,
    Target,
    bus_options,
    err,
    limits_options,
    run,
    run_code_option,
    topology_option,
)
from services.gateway.service import ANY_PORT, gateway, listen, url_of
from services.hosting import NAMES, WITH_MODELS, build, check_files, inference, models_of
from services.receipts.keys import NODES_FILE
from services.runtime.connection import Connection
from services.runtime.lifecycle import Deployment, Service, hosted, operator, stopping
from services.runtime.limits import Limits
from services.runtime.logging import configure
from services.runtime.private import write_private
from services.runtime.server import KEYS, embedded_server
from services.runtime.supervision import beside
from services.runtime.telemetry.process import observing
from services.runtime.telemetry.telemetry import Telemetry


@click.command()
@topology_option
@bus_options
@click.option("--service", "names", multiple=True, type=click.Choice(NAMES), help="Only these; may be repeated.")
@click.option("--node", "nodes", multiple=True, help="Only these nodes; may be repeated.")
@click.option(
    "--canaries",
    "canary_rate",
    type=click.FloatRange(0, 1),
    default=0.0,
    show_default=True,
    metavar="RATE",
    help="Known-answer questions that the trainer asks for each query, when all is idle; such as 0.02.",
)
@click.option(
    "--http",
    default=ANY_PORT,
    show_default=True,
    metavar="HOST:PORT",
    help="Where the gateway serves HTTP; port 0 takes a free one.  Beyond loopback it wants keys, see `dellm keys`.",
)
@click.option("--cors-origin", "origins", multiple=True, metavar="URL", help="Whose pages may ask, too; repeatable.")
@run_code_option
@click.option(
    "--only-signed", is_flag=True, help="Count only votes that are signed with a node's key: `dellm verify` says whose."
)
@limits_options
@click.option("--metrics", metavar="HOST:PORT", help="Where Prometheus finds the figures; a port alone: loopback.")
@click.option("--otel", is_flag=True, help="Send traces and metrics by OTLP, as the OTEL_* variables say.")
@click.option("--verbose", "-v", is_flag=True, help="Log a line for each message; `DELLM_LOG` sets any level.")
def up(
    topology_path: Path,
    target: Target,
    names: tuple[str, ...],
    nodes: tuple[str, ...],
    canary_rate: float,
    http: str,
    origins: tuple[str, ...],
    run_code: bool,
    only_signed: bool,
    metrics: str | None,
    otel: bool,
    verbose: bool,
    limits: Limits,
) -> None:
    """Start all services in this process, on a private nats-server unless --nats names one, until interrupted."""
    configure(default_level="info" if verbose else "warning", for_good=True)
    say = partial(err().print, style="dim", markup=False)
    with observing("dellm", metrics=metrics, otel=otel) as telemetry, listen(http) as listening:
        everything = hosting(
            target,
            topology_path,
            names=names or NAMES,
            nodes=nodes,
            canary_rate=canary_rate,
            run_code=run_code,
            only_signed=only_signed,
            limits=limits,
            more=[Service("gateway", partial(gateway, listening=listening, origins=origins))],
            telemetry=telemetry,
            say=say,
        )
        run(_up(everything, target, listening))


async def _up(everything: AbstractAsyncContextManager[Connection], target: Target, listening: socket.socket) -> None:
    console = err()
    with stopping() as stop:
        async with everything as address:
            url, address_file = url_of(listening), target.data / HTTP_FILE
            asking = target.data / URL_FILE  # the guest's address: who has it may ask
            shown = asking.read_text() if target.asked is None else str(address)
            address_file.write_text(url)
            console.print(f"HTTP at {url}, for OpenAI clients {url}/v1")
            console.print(f"ready at {shown}  -  ask with: [bold]dellm ask 'What is 2+2?'[/]  -  stop with Ctrl-C")
            try:
                await stop.wait()
            finally:
                address_file.unlink(missing_ok=True)
            console.print("stopping", style="dim")


@asynccontextmanager
async def hosting(
    target: Target,
    topology_path: Path,
    *,
    names: Collection[str] = NAMES,
    nodes: Collection[str] = (),
    canary_rate: float = 0.0,
    run_code: bool = False,
    only_signed: bool = False,
    limits: Limits | None = None,
    more: Sequence[Service] = (),
    telemetry: Telemetry | None = None,
    say: Callable[[str], object],
) -> AsyncIterator[Connection]:
    """Run services in this process while the body runs, and `more` after them; give the way to the server.

    The server and the services start while the models are loaded, for which tasks wait.
    """
    topology = load(topology_path)
    folder = topology_path.parent
    target.make_folder()
    async with AsyncExitStack() as stack:
        engine = None
        if WITH_MODELS & set(names):
            models = models_of(topology, folder, names, nodes)
            engine = await stack.enter_async_context(inference(topology, models))
            check_files(models)  # before anything is started
            await stack.enter_async_context(beside(*(_load(engine, model, say) for model in models)))
        services = build(
            topology,
            folder,
            engine,
            names=names,
            nodes=nodes,
            canary_rate=canary_rate,
            run_code=run_code,
            limits=limits,
            node_keys=_keys_folder(target) / NODES_FILE if only_signed else None,
        )
        services += more
        connection = target.asked
        node_ids = tuple(node.id for node in topology.nodes)
        if connection is None:
            server = await stack.enter_async_context(embedded_server(target.data, target.space, node_ids))
            connection = server.connection
            address_file = server.folder / URL_FILE
            write_private(address_file, server.guest)
            stack.callback(address_file.unlink, missing_ok=True)
            services.insert(0, Service(Actor.OPERATOR, operator))
            say(f"nats-server at {connection}, its store in {target.data}")
        deployment = Deployment(
            url=connection,
            space=target.space,
            limits=limits or Limits(),
            nodes=node_ids,
            telemetry=telemetry or Telemetry(),
        )
        await stack.enter_async_context(hosted(services, deployment))
        say(f"{len(services)} services are ready")
        yield connection


def _keys_folder(target: Target) -> Path:
    """Name the folder with the nodes' keys: that of the private server, or the one that is given."""
    if target.asked is None:
        return target.data / KEYS
    if target.asked.keys is None:
        raise click.UsageError("--only-signed needs the folder of keys of a server of your own: --keys DIR")
    return target.asked.keys


async def _load(engine: Engine, model: ModelReference, say: Callable[[str], object]) -> None:
    started = time.monotonic()
    await engine.load(model)
    why = engine.down().get(model)
    seconds = time.monotonic() - started
    say(f"loaded {model_name(model)} in {seconds:.1f} s" if why is None else f"{model} is down: {why}")
