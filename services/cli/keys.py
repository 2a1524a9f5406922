"""`dellm keys`: who may ask at the gateway where it serves more than loopback."""

from __future__ import annotations

import time
from datetime import datetime

import click
import msgspec
from msgspec import structs
from rich.table import Table

from schemas.keys import hash_key, new_key
from schemas.records import ApiKey
from schemas.subjects import KEY, check_token
from services.cli.options import Target, bus_options, err, out, run
from services.runtime.bus import Bus
from services.runtime.wire import BusError, Conflict, Entry, Stored

DEFAULT_PER_MINUTE = 120
DEFAULT_CONCURRENT = 16


@click.group()
def keys() -> None:
    """Make, list and revoke the keys that clients of the gateway show.

    From the first key on, nobody is let in without one.
    """


@keys.command()
@click.argument("name")
@click.option(
    "--per-minute",
    type=click.IntRange(min=0),
    default=DEFAULT_PER_MINUTE,
    show_default=True,
    help="Requests that may begin in a minute, at each gateway; 0 is any number.",
)
@click.option(
    "--concurrent",
    type=click.IntRange(min=0),
    default=DEFAULT_CONCURRENT,
    show_default=True,
    help="Requests that may run at a time, likewise.",
)
@bus_options
def add(name: str, per_minute: int, concurrent: int, target: Target) -> None:
    """Make a key for NAME and print it, once: only its hash is kept."""
    key = new_key()
    record = ApiKey(
        name=_checked(name),
        sha256=hash_key(key),
        created_at=time.time(),
        per_minute=per_minute,
        concurrent=concurrent,
    )
    run(_add(record, target))
    err().print("This key is shown once. Clients send it as `Authorization: Bearer KEY`.", style="dim", markup=False)
    click.echo(key)


async def _add(record: ApiKey, target: Target) -> None:
    async with target.open() as bus:
        stored = await bus.last(KEY, name=record.name)
        if stored is not None and stored.message.revoked_at is None:
            raise click.ClickException(f"there is a key {record.name!r} already; revoke it first, or take another name")
        await _write(bus, record, stored)


@keys.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@bus_options
def list_(as_json: bool, target: Target) -> None:
    """List the keys: their names, limits and ages, never the keys themselves."""
    records = run(_list(target))
    if as_json:
        shown = [{field: value for field, value in structs.asdict(key).items() if field != "sha256"} for key in records]
        click.echo(msgspec.json.encode(shown))
        return
    if not records:
        click.echo("there is no key: the gateway serves loopback only, to anybody there")
        return
    table = Table(box=None, pad_edge=False)
    for title in ("name", "made", "a minute", "at a time", "revoked"):
        table.add_column(title, header_style="dim")
    for key in records:
        revoked = _day(key.revoked_at) if key.revoked_at is not None else "-"
        table.add_row(key.name, _day(key.created_at), _limit(key.per_minute), _limit(key.concurrent), revoked)
    out().print(table)


async def _list(target: Target) -> list[ApiKey]:
    async with target.open() as bus:
        stored = (await bus.read((KEY, KEY.at())))[KEY]
        return sorted((record.message for record in stored), key=lambda key: (key.revoked_at is not None, key.name))


@keys.command()
@click.argument("name")
@bus_options
def revoke(name: str, target: Target) -> None:
    """Revoke the key of NAME: within two seconds no gateway takes it, and what it asked is cancelled."""
    run(_revoke(_checked(name), target))
    click.echo(f"key {name} is revoked")


async def _revoke(name: str, target: Target) -> None:
    async with target.open() as bus:
        stored = await bus.last(KEY, name=name)
        if stored is None or stored.message.revoked_at is not None:
            raise click.ClickException(f"there is no key {name!r} in force; `dellm keys list` shows them")
        await _write(bus, structs.replace(stored.message, revoked_at=time.time()), stored)


async def _write(bus: Bus, record: ApiKey, before: Stored[ApiKey] | None) -> None:
    try:
        await bus.commit(Entry(KEY, record, expect=before.sequence if before else 0))
    except Conflict:
        raise BusError(
            f"somebody else changed key {record.name!r} at the same time; look with `dellm keys list`"
        ) from None


def _checked(name: str) -> str:
    try:
        return check_token(name, "NAME")
    except ValueError as error:
        raise click.UsageError(str(error)) from None


def _limit(number: int) -> str:
    return str(number) if number else "any"


def _day(unix_s: float) -> str:
    return datetime.fromtimestamp(unix_s).astimezone().strftime("%Y-%m-%d %H:%M")
