"""`dellm history`: what was asked, how it was answered, and what was said of that; days later, too."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from statistics import fmean

import click
from rich.markup import escape
from rich.table import Table

from schemas.messages import ChunkOutcome
from schemas.terms import Status
from services.cli.options import Target, bus_options, err, out, run
from services.cli.progress import excerpt, shorten
from services.cli.reply import plural
from services.cli.since import find_kept, since_option, start_of
from services.kinds.table import KINDS
from services.ledger.export import export, line
from services.ledger.judged import told
from services.ledger.kept import Kept, Wanted

SHOWN = 50
COLUMNS = ("when", "id", "status", "kinds", "sure", "said of it")
MIN_TEXT_CHARS = 20
STYLES = {Status.COMPLETE: "green", Status.PARTIAL: "yellow", Status.FAILED: "red"}


@click.command()
@click.argument("id_", metavar="[ID]", default="")
@since_option
@click.option("--status", "statuses", multiple=True, type=click.Choice([status.value for status in Status]))
@click.option("--kind", "kinds", multiple=True, type=click.Choice([kind.name for kind in KINDS]))
@click.option("--contains", "text", default="", metavar="TEXT", help="Only where the request or the answer holds it.")
@click.option("--failed-checks", is_flag=True, help="Only where a demand of the request is not met.")
@click.option("--with-feedback", is_flag=True, help="Only where somebody said how good the answer was.")
@click.option("--canaries", is_flag=True, help="Also the questions that the trainer asked.")
@click.option("--limit", type=click.IntRange(min=1), help=f"The latest so many.  [default: {SHOWN} in the table]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON Lines.")
@click.option(
    "--export",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write FILE.jsonl or FILE.parquet.",
)
@bus_options
def history(
    id_: str,
    since_s: float | None,
    statuses: tuple[str, ...],
    kinds: tuple[str, ...],
    text: str,
    failed_checks: bool,
    with_feedback: bool,
    canaries: bool,
    limit: int | None,
    as_json: bool,
    file: Path | None,
    target: Target,
) -> None:
    """List the queries on record, the latest last; the one whose id begins with ID in full."""
    wanted = Wanted(
        since=start_of(since_s),
        statuses=frozenset(statuses),
        kinds=frozenset(kinds),
        text=text,
        prefix=id_,
        failed_checks=failed_checks,
        feedback=with_feedback,
        canaries=canaries or bool(id_),
    )
    found = run(find_kept(target, wanted))
    shown = found[-(limit or len(found)) :] if found else []
    if file is not None:
        export(shown, file)
        err().print(f"{plural(len(shown), 'query')} in {file}".replace("querys", "queries"), markup=False)
    elif as_json:
        for kept in shown:
            click.echo(line(kept))
    elif id_ and len(found) == 1:
        _show(found[0])
    elif not found:
        err().print("there is no such query on record", markup=False)
    else:
        _list(shown if limit else shown[-SHOWN:], len(found))


def _list(shown: Sequence[Kept], num_found: int) -> None:
    console = out()
    rows = [_cells(kept) for kept in shown]
    taken = sum(max(len(name), *map(len, column)) + 2 for name, *column in zip(COLUMNS, *rows, strict=True))
    room = max(MIN_TEXT_CHARS, (console.width - taken - 2) // 2)
    table = Table(box=None, pad_edge=False)
    for name in (*COLUMNS, "request", "answer"):
        table.add_column(name, header_style="dim", no_wrap=True)
    for kept, cells in zip(shown, rows, strict=True):
        texts = (kept.query, kept.answer or (kept.error.code.value if kept.error is not None else ""))
        plain = [escape(cell) for cell in (*cells, *(shorten(text, room) for text in texts))]
        plain[2] = f"[{STYLES.get(kept.status, 'default')}]{plain[2]}[/]"
        table.add_row(*plain)
    console.print(table)
    if len(shown) < num_found:
        err().print(f"the latest {len(shown)} of {num_found}; --limit and --since say otherwise", style="dim")


def _cells(kept: Kept) -> tuple[str, ...]:
    """Give what stands before the texts, one for each of COLUMNS."""
    return (
        _when(kept.asked_at),
        kept.id,
        kept.status.value,
        ", ".join(kept.kinds),
        f"{fmean(chunk.confidence for chunk in kept.chunks):.2f}" if kept.chunks else "",
        excerpt("; ".join(map(told, kept.feedback))),
    )


def _when(at: float) -> str:
    return f"{datetime.fromtimestamp(at).astimezone():%Y-%m-%d %H:%M}"


def _show(kept: Kept) -> None:
    """Print all of a query that people read; --json has the rest."""
    console = out()
    console.print(
        f"[bold]{kept.id}[/]  {_when(kept.asked_at)}  [{STYLES.get(kept.status, 'default')}]{kept.status.value}[/]"
    )
    console.print(kept.query, markup=False)
    for chunk in kept.chunks:
        console.print()
        for part in _chunk(chunk):
            console.print(part, markup=False)
        if chunk.votes:
            console.print(_votes(chunk))
    console.print()
    if kept.error is not None:
        console.print(f"{kept.error.code.value}: {kept.error.message}", style="red", markup=False)
    console.print(kept.answer, markup=False)
    for note in kept.notes:
        console.print(note, style="yellow", markup=False)
    for said in kept.feedback:
        console.print(f"said of it: {told(said)}", style="cyan", markup=False)
    if kept.hashed:
        console.print("its texts are not on record, their hashes are", style="dim")


def _chunk(chunk: ChunkOutcome) -> Iterator[str]:
    yield f"{chunk.index + 1}. {chunk.text}"
    decided = f"{chunk.kind}, {chunk.decided}, confidence {chunk.confidence:.2f}"
    yield f"   {chunk.final or chunk.winner or 'no answer'}  ({decided})"
    for check in chunk.checks:
        yield f"   {'not met' if check.reason else 'met'}: {check.demand}{f' ({check.reason})' if check.reason else ''}"
    for missing in chunk.missing:
        yield f"   without {missing.node}: {missing.reason}"


def _votes(chunk: ChunkOutcome) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in ("  ", "node", "model", "said", "weight", "confidence", "fitness", "seconds"):
        table.add_column(column, header_style="dim")
    for vote in chunk.votes:
        figures = (vote.weight, vote.confidence, vote.fitness, vote.latency_s)
        table.add_row(
            "  *" if vote.won else "",
            str(vote.node),
            vote.model,
            escape(excerpt(vote.final)),
            *(f"{value:.2f}" for value in figures),
        )
    return table
