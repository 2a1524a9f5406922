"""`dellm up`: everything in one process, on a private nats-server."""

from __future__ import annotations

import socket
import time
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

import click

from schemas.topology import load
from services.cli.options import HTTP_FILE, URL_FILE, Target, bus_options, err, run, topology_option
from services.gateway.service import ANY_PORT, gateway, listen, url_of
from services.hosting import NAMES, WITH_MODELS, build, llama_engine, model_paths
from services.runtime.bus import Bus
from services.runtime.lifecycle import Deployment, Service, running, stopping, until
from services.runtime.logging import configure
from services.runtime.server import embedded_server


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
    help="Where the gateway serves HTTP; port 0 takes a free one.",
)
def up(
    topology_path: Path,
    target: Target,
    names: tuple[str, ...],
    nodes: tuple[str, ...],
    canary_rate: float,
    http: str,
) -> None:
    """Start all services in this process, on a private nats-server unless --nats names one, until interrupted."""
    configure(for_good=True)
    run(_up(topology_path, target, names or NAMES, nodes, canary_rate, http))


async def _up(
    topology_path: Path, target: Target, names: Collection[str], nodes: Collection[str], canary_rate: float, http: str
) -> None:
    console = err()
    with listen(http) as listening, stopping() as stop:
        say = partial(console.print, style="dim", markup=False)
        hosted = hosting(target, topology_path, names=names, nodes=nodes, canary_rate=canary_rate, say=say)
        async with hosted as (address, buses), _door(target, address, listening, say) as bus:
            console.print(f"ready at {address}  -  ask with: [bold]dellm ask 'What is 2+2?'[/]  -  stop with Ctrl-C")
            await until(stop, [*buses, bus])
            console.print("stopping", style="dim")


@asynccontextmanager
async def _door(target: Target, url: str, listening: socket.socket, say: Callable[[str], object]) -> AsyncIterator[Bus]:
    """Serve HTTP while the body runs; its address is kept beside that of NATS."""
    address_file, address = target.data / HTTP_FILE, url_of(listening)
    service = Service("gateway", partial(gateway, listening=listening))
    async with running(service, Deployment(url=url, space=target.space)) as bus:
        target.data.mkdir(parents=True, exist_ok=True)
        address_file.write_text(address)
        say(f"HTTP at {address}, for OpenAI clients {address}/v1")
        try:
            yield bus
        finally:
            address_file.unlink(missing_ok=True)


@asynccontextmanager
async def hosting(
    target: Target,
    topology_path: Path,
    *,
    names: Collection[str] = NAMES,
    nodes: Collection[str] = (),
    canary_rate: float = 0.0,
    say: Callable[[str], object],
) -> AsyncIterator[tuple[str, list[Bus]]]:
    """Run services in this process while the body runs; give the server's address and a bus for each service."""
    topology = load(topology_path)
    folder = topology_path.parent
    async with AsyncExitStack() as stack:
        engine = None
        if WITH_MODELS & set(names):
            engine = await stack.enter_async_context(llama_engine(topology))
            for path in model_paths(topology, folder, names, nodes):
                started = time.monotonic()
                await engine.load(path)
                say(f"loaded {path.name} in {time.monotonic() - started:.1f} s")
        services = build(topology, folder, engine, names=names, nodes=nodes, canary_rate=canary_rate)
        url = target.url
        if url is None:
            server = await stack.enter_async_context(embedded_server(target.data))
            url = server.url
            address_file = server.folder / URL_FILE
            address_file.write_text(url)
            stack.callback(address_file.unlink, missing_ok=True)
            say(f"nats-server at {url}, its store in {target.data}")
        deployment = Deployment(url=url, space=target.space)
        buses = [await stack.enter_async_context(running(each, deployment)) for each in services]
        say(f"{len(services)} services are ready")
        yield url, buses
