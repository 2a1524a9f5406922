"""`dellm plan`: how a query would be cut and routed, without asking it.

A chunk that is split into stages counts as one in the JSON's `chunks`; `stages` and the table show its parts.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
import msgspec
from rich.markup import escape
from rich.table import Table

from models.reference import model_name
from schemas.plans import Assignment, Chunk
from schemas.records import Presence
from schemas.terms import Policy
from schemas.topology import load
from services.checks.verdict import demands
from services.cli.options import Target, bus_options, out, run, topology_option
from services.decomposer.candidate import Candidate
from services.decomposer.conversation import parts_of, stages_of
from services.decomposer.roster import read_candidates
from services.decomposer.route import route
from services.hosting import node_config


class Row(msgspec.Struct):
    """A row of --file; other fields pass through unread."""

    query: str


@click.command()
@click.argument("query", required=False)
@click.option("--file", "file", type=click.Path(path_type=Path, dir_okay=False), help="JSON Lines with a `query` each.")
@click.option("--offline", is_flag=True, help="Use the topology's nodes instead of the live ones; needs no bus.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@bus_options
@topology_option
def plan(
    query: str | None,
    file: Path | None,
    offline: bool,
    as_json: bool,
    target: Target,
    topology_path: Path,
) -> None:
    """Show how QUERY, or each row of --file, would be cut into chunks and routed to nodes.

    That is by the default policy, with nothing cached and every node idle; of nodes that are as good any may be asked.
    """
    if (query is None) == (file is None):
        raise click.UsageError("give either QUERY or --file")
    queries = [query] if query is not None else list(_rows(file)) if file is not None else []
    candidates = _planned(topology_path) if offline else run(_live(target))
    for text in queries:
        chunks = parts_of(text)
        stages = stages_of(chunks)
        assignments = _routed([stage for group in stages for stage in group], candidates)
        if as_json or file is not None:
            click.echo(msgspec.json.encode(_row(text, chunks, stages, assignments)))
        else:
            out().print(_table(stages, assignments))


def _rows(file: Path) -> Iterator[str]:
    try:
        lines = file.read_bytes().splitlines()
    except OSError as error:
        raise click.ClickException(f"{file}: {error.strerror}") from None
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                yield msgspec.json.decode(line, type=Row).query
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise click.ClickException(f"{file}:{number}: {error}") from None


def _planned(path: Path) -> list[Candidate]:
    topology = load(path)
    configs = [node_config(topology, path.parent, node) for node in topology.nodes]
    return [
        Candidate(
            Presence(
                node=config.id,
                cluster=config.cluster,
                supercluster=config.supercluster,
                models=[model_name(model) for model in config.models],
                slots=config.slots,
                fitness=config.fitness,
                started_at=time.time(),
            )
        )
        for config in configs
    ]


async def _live(target: Target) -> list[Candidate]:
    async with target.open() as bus:
        return await read_candidates(bus)


def _routed(stages: Sequence[Chunk], candidates: Sequence[Candidate]) -> list[Assignment]:
    """Route what can begin; a later stage is routed when its turn comes."""
    first = [chunk for chunk in stages if not chunk.depends_on]
    return route(first, candidates, Policy().replicas) if candidates and first else []


def _row(
    query: str, chunks: Sequence[str], stages: Sequence[Sequence[Chunk]], assignments: Sequence[Assignment]
) -> dict[str, object]:
    return {
        "query": query,
        "chunks": chunks,
        "kinds": [group[-1].kind for group in stages],
        "checks": [demand.told for demand in demands(query)] if len(stages) == len(chunks) == 1 else [],
        "stages": [
            [
                {
                    "index": chunk.index,
                    "text": chunk.text,
                    "kind": chunk.kind,
                    "depends_on": chunk.depends_on,
                    "context": chunk.context,
                    "nodes": _nodes(chunk, assignments),
                }
                for chunk in group
            ]
            for group in stages
        ],
        "nodes": [
            list(dict.fromkeys(node for chunk in group for node in _nodes(chunk, assignments))) for group in stages
        ],
    }


def _nodes(chunk: Chunk, assignments: Sequence[Assignment]) -> list[str]:
    return [assignment.node for assignment in assignments if assignment.chunk == chunk.index]


def _table(stages: Sequence[Sequence[Chunk]], assignments: Sequence[Assignment]) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in ("#", "kind", "chunk", "nodes"):
        table.add_column(column, header_style="dim")
    for chunk in (chunk for group in stages for chunk in group):
        text = f"{chunk.context}: {chunk.text}" if chunk.context else chunk.text
        where = " ".join(_nodes(chunk, assignments)) or "(no live node)"
        if chunk.depends_on:
            where = f"(after {', '.join(str(index + 1) for index in chunk.depends_on)})"
        table.add_row(str(chunk.index + 1), chunk.kind, escape(text), where)
    return table
