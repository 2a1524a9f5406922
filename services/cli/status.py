"""`dellm status`: who is there, what they have learned, and how much work waits."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import click
import msgspec
from rich.table import Table

from schemas.records import Presence, Record
from schemas.subjects import ADMIT
from services.cli.options import Target, bus_options, out, run
from services.decomposer.candidate import Candidate
from services.decomposer.roster import read_candidates
from services.runtime.bus import Bus
from services.runtime.ledger import LedgerState, find_ledger
from services.runtime.limits import Limits
from services.runtime.survey import Depth, Found, find_depths, find_limits, find_services


class Overview(msgspec.Struct):
    """The state of a deployment."""

    services: list[Found]
    nodes: list[Candidate]
    consumers: list[Depth]
    in_flight: int
    limits: Limits
    ledger: LedgerState | None


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@bus_options
def status(as_json: bool, target: Target) -> None:
    """Show services, nodes with their fitness, and queue depths."""
    overview = run(_status(target))
    if as_json:
        click.echo(msgspec.json.encode(overview))
        return
    console = out()
    for table in (_services(overview), _nodes(overview), _models(overview), _consumers(overview)):
        console.print(table)
        console.print()
    for line in _memory(overview):
        console.print(line)
    limits = overview.limits
    console.print(f"{overview.in_flight} of {limits.max_in_flight} queries in flight")
    console.print(f"the stream keeps {limits.stream_max_bytes:,} bytes for {limits.stream_max_age_s:g} s")
    console.print(_ledger(overview.ledger))


async def _status(target: Target) -> Overview:
    async with target.open() as bus:
        depths = await find_depths(bus)  # says so where no service has ever run
        services, nodes, in_flight, limits, ledger = await asyncio.gather(
            find_services(bus), read_candidates(bus), _in_flight(bus), find_limits(bus), find_ledger(bus)
        )
        return Overview(services, nodes, depths, in_flight, limits, ledger)


async def _in_flight(bus: Bus) -> int:
    return len((await bus.read((ADMIT, ADMIT.at())))[ADMIT])


def _grid(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, header_style="dim")
    return table


def _services(overview: Overview) -> Table:
    table = _grid("service", "version", "runs")
    for service in overview.services:
        runs = " ".join(value for key, value in service.metadata.items() if key != "prefix")
        table.add_row(service.name, service.version, runs)
    return table


def _nodes(overview: Overview) -> Table:
    table = _grid("node", "cluster", "loading", "down", "slots", "fitness", "right", "seen", "latency", "by kind")
    for node in overview.nodes:
        known = node.fitness
        overall = known.overall if known else Record(fitness=node.presence.fitness)
        kinds = known.kinds if known else {}
        table.add_row(
            node.presence.node,
            f"{node.presence.supercluster}/{node.presence.cluster}",
            ", ".join(node.presence.loading) or "-",
            "; ".join(f"{model}: {why}" for model, why in node.presence.down.items()) or "-",
            str(node.presence.slots),
            f"{overall.fitness:.3f}",
            _right(overall),
            str(overall.count),
            f"{overall.latency_s:.2f} s" if overall.latency_s is not None else "-",
            "  ".join(f"{key} {of.fitness:.2f} ({_right(of)})" for key, of in kinds.items()),
        )
    return table


def _processes(overview: Overview) -> dict[str, Presence]:
    """Give one node of each process, with all models of the process: its nodes tell the same figures."""
    found: dict[str, Presence] = {}
    for candidate in overview.nodes:
        presence = candidate.presence
        known = found.get(presence.process)
        found[presence.process] = msgspec.structs.replace(presence, use=(known.use if known else {}) | presence.use)
    return found


def _models(overview: Overview) -> Table:
    table = _grid("model", "process", "requests", "prompt tokens", "computed", "prefixes", "generated", "per second")
    for process, presence in _processes(overview).items():
        for name, use in presence.use.items():
            table.add_row(
                name,
                process,
                str(use.requests),
                str(use.prompt_tokens),
                str(use.computed_tokens),
                f"{use.kept_prefixes} kept, {use.reused_prefixes} reused, {use.evicted_prefixes} gone",
                str(use.generated_tokens),
                f"{use.generated_tokens / use.compute_s:.1f}" if use.compute_s else "-",
            )
    return table


def _memory(overview: Overview) -> Iterator[str]:
    """Tell what each process with models holds, by part."""
    for process, presence in _processes(overview).items():
        if not presence.use or presence.resident_bytes is None:
            continue
        weights = sum(use.weight_bytes for use in presence.use.values())
        cache = sum(use.cache_bytes for use in presence.use.values())
        rest = max(0, presence.resident_bytes - weights - cache)
        parts = f"weights {_gib(weights)}, KV cells {_gib(cache)}, buffers, Python and libraries {_gib(rest)}"
        yield f"{process} holds {_gib(presence.resident_bytes)} GiB: {parts}"


def _ledger(ledger: LedgerState | None) -> str:
    """Tell what is on record, and for how long."""
    if ledger is None or not ledger.days:
        return "the ledger is off: queries are not on record"
    what = "with their texts" if ledger.text else "without texts"
    bounds = f"for {ledger.days:g} days, in {ledger.max_bytes:,} bytes at most"
    return f"the ledger keeps queries {what} {bounds}: {ledger.messages:,} messages of {ledger.bytes:,} bytes"


def _gib(size: int) -> str:
    return f"{size / 2**30:.2f}"


def _right(record: Record) -> str:
    return f"{record.right} of {record.judged}"


def _consumers(overview: Overview) -> Table:
    table = _grid("queue", "waiting", "in hand")
    for depth in overview.consumers:
        table.add_row(depth.durable, str(depth.waiting), str(depth.in_hand))
    return table
