"""`dellm auth`: keys for the users of a server, the configuration that knows them, and the streams that they need."""

from __future__ import annotations

from pathlib import Path

import click

from schemas.actors import Actor
from schemas.subjects import Space
from schemas.topology import load
from services.cli.options import CONNECT_S, Target, bus_options, limits_options, run, topology_option
from services.runtime.bus import connect
from services.runtime.connection import Connection
from services.runtime.keyring import CONFIG_FILE, KeyringError, make_keyring, make_leaf, names_in
from services.runtime.limits import Limits
from services.runtime.provision import provision
from services.runtime.wire import BusError


@click.group()
def auth() -> None:
    """Make keys and permissions, and the streams of a secured server: each user may do what its role needs."""


@auth.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--node",
    "nodes",
    multiple=True,
    metavar="ID",
    help="A node; may be repeated. Default: the topology's.",
)
@click.option("--client", "clients", multiple=True, metavar="NAME", help="Who asks; may be repeated. Default: client.")
@topology_option
@click.option("--prefix", default="dellm", show_default=True, help="First token of every subject.")
def init(folder: Path, nodes: tuple[str, ...], clients: tuple[str, ...], topology_path: Path, prefix: str) -> None:
    """Make a key for each user in DIR, and the configuration of nats-server that says what each may do.

    Keys that are there are kept, and so are those of nodes and clients made before; so it may be run again for more.
    """
    try:
        space = Space(prefix)
        known = names_in(folder, Actor.NODE) + list(nodes or [node.id for node in load(topology_path).nodes])
        asking = names_in(folder, Actor.CLIENT) + list(clients)
        users = make_keyring(folder, space, nodes=known, clients=asking or ["client"])
    except OSError as error:
        raise click.ClickException(f"{folder}: {error.strerror or error}") from None
    except (KeyringError, ValueError) as error:
        raise click.ClickException(str(error)) from None
    config = folder / CONFIG_FILE
    click.echo(f"{len(users)} users have keys in {folder}; their permissions are in {config}")
    click.echo(
        f"let nats-server read it: include {config.name} in its configuration, then `nats-server --signal reload`"
    )
    click.echo(f"make the streams:       dellm auth provision --nats URL --keys {folder}")
    click.echo(f"start a service:        python -m services NAME --nats URL --nkey {folder}/NAME.nk")


@auth.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@click.option("--node", "nodes", multiple=True, metavar="ID", help="A node at the site; may be repeated.")
@click.option("--client", "clients", multiple=True, metavar="NAME", help="A client there; may be repeated.")
@click.option("--prefix", default="dellm", show_default=True, help="First token of every subject.")
def leaf(folder: Path, nodes: tuple[str, ...], clients: tuple[str, ...], prefix: str) -> None:
    """Write what the nats-server of another site must know of its nodes and clients, whose keys are in DIR.

    The file holds their keys, and no others.
    """
    users = [*((Actor.NODE, node) for node in nodes), *((Actor.CLIENT, client) for client in clients)]
    if not users:
        raise click.UsageError("name who is at the site: --node ID, --client NAME")
    try:
        config = make_leaf(folder, Space(prefix), users)
    except OSError as error:
        raise click.ClickException(f"{folder}: {error.strerror or error}") from None
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"{config} is for the nats-server there: DELLM_HUB=nats://HOST:7422 nats-server -c nats-leaf-nodes.conf")


@auth.command("provision")
@bus_options
@limits_options
@click.option("--replicas", type=click.IntRange(1, 5), help="Copies of each stream in a cluster.")
def provision_(target: Target, limits: Limits, replicas: int | None) -> None:
    """Make the streams and the consumers, which takes the operator's key (--keys DIR, or --nkey).

    Consumers are made for the nodes that have keys in --keys.
    """
    if target.asked is None:
        raise click.UsageError("give --nats URL and --keys DIR")
    run(_provision(target, target.asked, limits, replicas))
    click.echo("the streams and consumers are as they should be")


async def _provision(target: Target, asked: Connection, limits: Limits, replicas: int | None) -> None:
    nodes = names_in(asked.keys, Actor.NODE) if asked.keys is not None else []
    connection = asked.for_user(Actor.OPERATOR)
    identity = connection.identity()
    if identity is not None and identity.actor is not Actor.OPERATOR:
        raise BusError(f"{connection.nkey} is the key of a {identity.actor}; the operator's is needed")
    async with connect(connection, space=target.space, name="dellm-auth", patience_s=CONNECT_S) as bus:
        await provision(bus, limits, replicas=replicas, nodes=nodes, in_files=True)
