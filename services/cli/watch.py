"""`dellm watch`: every committed step of every query, as it happens."""

from __future__ import annotations

import click
import msgspec

from services.cli.options import Target, bus_options, out, run
from services.cli.progress import excerpt
from services.runtime.wire import decode

SHOWN = ("status", "query", "error", "final", "latency_s", "deadline_at", "kind")


@click.command()
@click.argument("id_", metavar="[ID]", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print each event as one JSON object.")
@bus_options
def watch(id_: str | None, as_json: bool, target: Target) -> None:
    """Print the events of all queries, or of the query ID, until interrupted."""
    run(_watch(id_, target, as_json=as_json))


async def _watch(id_: str | None, target: Target, *, as_json: bool) -> None:
    console = out()
    async with target.open() as bus, bus.tap(bus.space.event(">")) as heard:
        while True:
            address, payload = await heard.get()
            subject = address.removeprefix(bus.space.event(""))
            if id_ is not None and id_ not in subject.split("."):
                continue
            try:
                body = decode(payload, dict) if payload else {}
            except msgspec.DecodeError as error:
                body = {"undecodable": str(error)}
            if as_json:
                click.echo(msgspec.json.encode({"subject": subject, "message": body}))
                continue
            kind, _, rest = subject.partition(".")
            told = "  ".join(f"{key}={excerpt(str(body[key]))}" for key in SHOWN if body.get(key) is not None)
            console.print(f"[cyan]{kind:<10}[/] [dim]{rest}[/]", end="  ")
            console.print(told, markup=False)
