"""Show what rules would have made of the queries on record, and say by the exit code whether they are worse."""

from __future__ import annotations

from collections.abc import Sequence

import click
import msgspec
from rich.markup import escape
from rich.table import Table

from services.cli.options import err, out
from services.cli.progress import excerpt
from services.ledger.again import Effect, Verdict

NO_WORSE, WORSE, NOTHING_KNOWN = 0, 2, 3
STYLES = {Verdict.BETTER: "green", Verdict.WORSE: "red"}


def show_effects(effects: Sequence[Effect], *, as_json: bool) -> int:
    """Print each rule's changes and figures, and give the exit code: that of the rule that does worst."""
    if as_json:
        for effect in effects:
            click.echo(msgspec.json.encode(effect))
    else:
        _tables(effects)
    return max(map(_code, effects), key=(NO_WORSE, NOTHING_KNOWN, WORSE).index)


def _code(effect: Effect) -> int:
    if not effect.known:
        return NOTHING_KNOWN
    return WORSE if effect.after < effect.before else NO_WORSE


def _tables(effects: Sequence[Effect]) -> None:
    console = out()
    changes = [change for effect in effects for change in effect.changes]
    if changes:
        table = Table(box=None, pad_edge=False)
        for column in ("query", "chunk", "rule", "recorded", "would be", "which is"):
            table.add_column(column, header_style="dim")
        for change in changes:
            style = STYLES.get(change.verdict, "default") if change.verdict else "dim"
            told = change.verdict.value if change.verdict else "not known"
            cells = (change.id, f"{change.chunk + 1}: {excerpt(change.text)}", change.rule.value)
            finals = (excerpt(change.before or ""), excerpt(change.after))
            table.add_row(*(escape(cell) for cell in (*cells, *finals)), f"[{style}]{told}[/]")
        console.print(table)
        console.print()
    figures = Table(box=None, pad_edge=False)
    for column in ("rule", "decided again", "changed", "known", "right before", "right after", "better", "worse"):
        figures.add_column(column, header_style="dim", justify="left" if column == "rule" else "right")
    for effect in effects:
        counts = (effect.known, effect.before, effect.after, effect.better, effect.worse)
        decided = f"{effect.decided} of {effect.chunks}"
        figures.add_row(effect.rule.value, decided, str(len(effect.changes)), *map(str, counts))
    console.print(figures)
    for effect in effects:
        for reason, number in effect.undecided.items():
            err().print(f"{effect.rule.value}: {number} not decided again: {reason}", style="dim", markup=False)
    if not any(effect.known for effect in effects):
        err().print("nobody said of any of them what is right: see `dellm feedback`", style="yellow")
