"""`dellm models`: list, fetch and verify the model files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import msgspec
from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.progress import Progress as Bar
from rich.table import Table

import models as catalogue
from models import Model
from schemas.topology import load
from services.cli.options import err, out
from services.hosting import NAMES, model_paths

FOLDER = Path("models")
PLAIN_STEP = 0.1


@click.group()
def models() -> None:
    """List, fetch and verify model files."""


folder_option = click.option(
    "--folder", type=click.Path(path_type=Path, file_okay=False), default=FOLDER, show_default=True
)


@models.command("list")
@folder_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_(folder: Path, as_json: bool) -> None:
    """List the catalogue, and which files are here."""
    rows = [(each, _state(each, folder)) for each in catalogue.list_models()]
    if as_json:
        click.echo(msgspec.json.encode([{**msgspec.to_builtins(each), "state": state} for each, state in rows]))
        return
    table = Table(box=None, pad_edge=False)
    for column in ("name", "size", "licence", "state", "file"):
        table.add_column(column, header_style="dim")
    for each, state in rows:
        table.add_row(each.name, f"{each.bytes / 1e6:.0f} MB", each.licence, state, each.file)
    out().print(table)


@models.command()
@click.argument("names", nargs=-1)
@click.option(
    "--topology",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Fetch what this topology uses and the catalogue has.",
)
@folder_option
def fetch(names: tuple[str, ...], topology: Path | None, folder: Path) -> None:
    """Fetch models by NAME; a file that is here and right is not fetched again."""
    wanted = _wanted(names, topology)
    for model in wanted:
        with _bar(model) as advance:
            path = catalogue.fetch(model, folder, lambda p: advance(p.stage, p.done_bytes))
        out().print(f"{model.name}: {path} is here and verified")


@models.command()
@click.argument("names", nargs=-1)
@folder_option
def verify(names: tuple[str, ...], folder: Path) -> None:
    """Hash model files and compare with the catalogue; without NAME, all that are here."""
    wanted = (
        _wanted(names, None) if names else [each for each in catalogue.list_models() if (folder / each.file).exists()]
    )
    if not wanted:
        raise click.ClickException(f"{folder} holds no model of the catalogue")
    for model in wanted:
        with _bar(model) as advance:
            catalogue.verify(model, folder / model.file, lambda done: advance("verify", done))
        out().print(f"{model.name}: right")


def _wanted(names: tuple[str, ...], topology: Path | None) -> list[Model]:
    if not names and topology is None:
        raise click.UsageError("name a model (see `dellm models list`), or give --topology FILE")
    paths = model_paths(load(topology), topology.parent, NAMES) if topology is not None else []
    found = [model for each in paths if (model := catalogue.find(each.name)) is not None]
    for name in names:
        model = catalogue.find(name)
        if model is None:
            known = ", ".join(each.name for each in catalogue.list_models())
            raise click.UsageError(f"the catalogue has no model {name!r}; it has {known}")
        found.append(model)
    return found


def _state(model: Model, folder: Path) -> str:
    path = folder / model.file
    if not path.exists():
        return "not here"
    return "verified" if catalogue.is_verified(model, path) else "here, not verified"


class _Advance:
    """Shows how far it is: a bar in a terminal, a line every tenth when piped."""

    def __init__(self, model: Model, bar: Bar | None) -> None:
        self._model = model
        self._bar = bar
        self._task = bar.add_task(model.name, total=model.bytes, stage="") if bar is not None else None
        self._said = ("", -1.0)

    def __call__(self, stage: str, done_bytes: int) -> None:
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=done_bytes, stage=stage)
            return
        share = done_bytes / self._model.bytes
        if stage != self._said[0] or share >= self._said[1] + PLAIN_STEP:
            self._said = (stage, share)
            err().print(f"{self._model.name}: {stage} {share:.0%}", markup=False)


@contextmanager
def _bar(model: Model) -> Iterator[_Advance]:
    console = err()
    if not console.is_terminal:
        yield _Advance(model, None)
        return
    columns = (
        TextColumn("{task.description} {task.fields[stage]}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=console, transient=True) as bar:
        yield _Advance(model, bar)
