"""`dellm calibrate`: confidence fitted to what people said of answers, and kept where it holds on other days."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
import msgspec
from rich.table import Table

from schemas.records import Calibration, Fitness
from schemas.subjects import CALIBRATION, FITNESS
from services.cli.options import Target, bus_options, err, out, run
from services.cli.since import since_option, start_of
from services.evaluation.reliability import picture, plot_reliability, side_by_side
from services.ledger.calibrating import MIN_HELD_OUT, Calibrated, Fitted, calibrate, known, split
from services.ledger.kept import put_together
from services.runtime.bus import Bus
from services.runtime.calibrated import OWN
from services.runtime.ledger import read_ledger
from services.runtime.wire import Conflict, Entry
from services.trainer.refit import Refit, refit
from services.voting.calibration import Curves, as_curves
from services.voting.curves import MIN_ANSWERS

NOT_BETTER = 3


class Found(msgspec.Struct, frozen=True):
    """What confidence and what fitness come to."""

    confidence: Calibrated
    fitness: list[Refit]

    @property
    def is_better(self) -> bool:
        """Whether there is something worth writing."""
        return self.confidence.is_better or any(node.is_better for node in self.fitness)


@click.command("calibrate")
@since_option
@click.option(
    "--plot",
    "plot_path",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Also draw it, as .svg or .png.",
)
@click.option("--dry-run", is_flag=True, help="Write nothing.")
@click.option("--reset", is_flag=True, help="Go back to the calibration that comes with DELLM.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@bus_options
def calibrate_(
    since_s: float | None, plot_path: Path | None, dry_run: bool, reset: bool, as_json: bool, target: Target
) -> None:
    """Fit confidence and fitness to feedback, and keep what is better on days that it was not fitted to.

    The exit code is 3 where it is not, and then nothing is changed.
    """
    if reset:
        run(_reset(target))
        click.echo("the calibration is the one that comes with DELLM")
        return
    found = run(_calibrate(target, start_of(since_s), dry_run=dry_run))
    if plot_path is not None:
        curves = {"before": found.confidence.before, "after": found.confidence.after}
        plot_reliability("held-out answers", {name: of for name, of in curves.items() if of is not None}, plot_path)
    if as_json:
        click.echo(msgspec.json.encode(found))
    else:
        _show(found, dry_run=dry_run)
    sys.exit(0 if found.is_better else NOT_BETTER)


async def _calibrate(target: Target, since: float, *, dry_run: bool) -> Found:
    async with target.open() as bus:
        kept = put_together([stored.message async for _, stored in read_ledger(bus, since)])
        stored = await bus.last(CALIBRATION, name=OWN)
        own = as_curves(stored.message.curves) if stored is not None else {}
        asked = [one for one in kept if one.sealed_at >= since]
        nodes = {record.message.node: record for record in (await bus.read((FITNESS, FITNESS.at())))[FITNESS]}
        early, late, _ = split(known(asked))
        found = Found(calibrate(asked, own), refit(early, late, {name: of.message for name, of in nodes.items()}))
        if found.confidence.is_better and not dry_run:
            await _write(bus, found.confidence.curves)
        for node in found.fitness if not dry_run else ():
            if node.is_better:
                before = nodes[node.node]
                await _write_fitness(bus, Entry(FITNESS, node.fitted, expect=before.sequence, over=before))
        return found


async def _reset(target: Target) -> None:
    async with target.open() as bus:
        await _write(bus, {})


async def _write(bus: Bus, curves: Curves) -> None:
    mapped = {name: {method: list(curve) for method, curve in by.items()} for name, by in curves.items()}
    await bus.commit(Entry(CALIBRATION, Calibration(name=OWN, fitted_at=time.time(), curves=mapped)))


async def _write_fitness(bus: Bus, entry: Entry[Fitness]) -> None:
    try:
        await bus.commit(entry)
    except Conflict:
        err().print(f"{entry.message.node} was just learned of; run it again", style="yellow", markup=False)


def _show(found: Found, *, dry_run: bool) -> None:
    _show_confidence(found.confidence)
    if any(node.before is not None for node in found.fitness):
        out().print(_nodes(found.fitness))
    if not found.confidence.tried:
        err().print("nobody said of any answer on record what is right: see `dellm feedback`", style="yellow")
    elif not found.is_better:
        err().print("not better on what it was not fitted to: nothing is changed", style="yellow")
    elif dry_run:
        err().print("better; nothing is changed, as you asked", style="yellow")
    else:
        err().print("what is better is written: services count with it from now on", style="green")


def _nodes(fitted: Sequence[Refit]) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in ("node", "fitted to", "tried on", "surprise before", "after", "fitness"):
        table.add_column(column, header_style="dim")
    for node in fitted:
        if node.before is None or node.after is None:
            continue
        told = f"{node.known.overall.fitness:.3f} -> {node.fitted.overall.fitness:.3f}"
        figures = (str(node.fitted_to), str(node.tried_on), f"{node.before:.3f}", f"{node.after:.3f}")
        table.add_row(node.node, *figures, told if node.is_better else "no better")
    return table


def _show_confidence(found: Calibrated) -> None:
    console = out()
    table = Table(box=None, pad_edge=False)
    for column in ("model", "method", "fitted to", "tried on", "surprise before", "after", "curve"):
        table.add_column(column, header_style="dim")
    for tried in found.tried:
        table.add_row(
            tried.model or "others", tried.method, str(tried.fitted_to), str(tried.tried_on), *_figures(tried)
        )
    console.print(table)
    for line in _pictures(found):
        console.print(line, markup=False)
    console.print(found.split, style="dim", markup=False)


def _figures(tried: Fitted) -> tuple[str, str, str]:
    if tried.curve is None or tried.before is None or tried.after is None:
        return "", "", f"too few: {MIN_ANSWERS} to fit to and {MIN_HELD_OUT} to try on are needed"
    told = f"{tried.curve.at_zero:g} {tried.curve.slope:+g} x log-probability"
    return f"{tried.before:.3f}", f"{tried.after:.3f}", told if tried.is_better else "no better"


def _pictures(found: Calibrated) -> Iterator[str]:
    if found.before is not None and found.after is not None:
        yield ""
        yield from side_by_side(picture("before", found.before), picture("after", found.after))
        yield ""
