"""How far a file is: a bar in a terminal, a line every tenth when piped."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.progress import Progress as Bar

from services.cli.options import err

PLAIN_STEP = 0.1


class Advance:
    """Shows how far it is; `total` bytes may be told later."""

    def __init__(self, name: str, total: int, bar: Bar | None) -> None:
        self._name = name
        self._total = total
        self._bar = bar
        self._task = bar.add_task(name, total=total or None, stage="") if bar is not None else None
        self._said = ("", -1.0)

    def __call__(self, stage: str, done_bytes: int, total: int | None = None) -> None:
        """Show that so many bytes are done."""
        self._total = total or self._total
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=done_bytes, total=self._total or None, stage=stage)
            return
        share = done_bytes / self._total if self._total else 0.0
        if stage != self._said[0] or share >= self._said[1] + PLAIN_STEP:
            self._said = (stage, share)
            err().print(f"{self._name}: {stage} {share:.0%}", markup=False)


@contextmanager
def advancing(name: str, total: int = 0) -> Iterator[Advance]:
    """Show how far it is while the body runs."""
    console = err()
    if not console.is_terminal:
        yield Advance(name, total, None)
        return
    columns = (
        TextColumn("{task.description} {task.fields[stage]}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=console, transient=True) as bar:
        yield Advance(name, total, bar)
