"""`dellm models`: list, fetch, verify and quantize the model files."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec
from rich.table import Table

import models as catalogue
from models import Model
from models.catalogue import check_gguf
from schemas.topology import load
from services.cli.bar import advancing
from services.cli.home import default_models
from services.cli.options import Target, bus_options, out, run
from services.cli.sharing import receive_models, share_model
from services.hosting import NAMES, files_of


@click.group()
def models() -> None:
    """List, add, fetch, verify and quantize model files."""


folder_option = click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=default_models,
    show_default="models, or that in the user's data folder",
)


@models.command("list")
@folder_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_(folder: Path, as_json: bool) -> None:
    """List the catalogue, and which files are here, those made here included."""
    made = {quantized.model.name: quantized.origin for quantized in catalogue.list_quantized(folder)}
    added = {model.name: origin for model, origin in catalogue.list_added(folder)}
    rows = [(model, _state(model, folder)) for model in _here(folder)]
    if as_json:
        described = [
            {
                **msgspec.to_builtins(model),
                "state": state,
                "quantized": msgspec.to_builtins(made.get(model.name)),
                "added": msgspec.to_builtins(added.get(model.name)),
            }
            for model, state in rows
        ]
        click.echo(msgspec.json.encode(described))
        return
    table = Table(box=None, pad_edge=False)
    for column in ("name", "size", "licence", "state", "file", "from"):
        table.add_column(column, header_style="dim")
    for model, state in rows:
        source = made[model.name].source if model.name in made else ""
        source = added[model.name].source if model.name in added else source
        table.add_row(model.name, f"{model.bytes / 1e6:.0f} MB", model.licence, state, model.file, source)
    out().print(table)


@models.command()
@click.argument("source", metavar="SOURCE")
@click.option("--revision", help="Of the hub: a branch, a tag or a commit.  [default: main]")
@folder_option
def add(source: str, revision: str | None, folder: Path) -> None:
    """Add a model: hf:ORG/REPO:FILE, ollama:NAME, the path of a GGUF file, or a name of `dellm models catalogue`.

    What is on this machine is linked, not copied.  Name the file in the topology to use it.
    """
    with advancing(source) as advance:
        path = catalogue.add(source, folder, revision=revision, on_progress=advance)
    out().print(f"{path} is here and verified: {catalogue.summarise_gguf(path)}", markup=False)


@models.command("share")
@click.argument("name")
@click.option("--replicas", type=click.IntRange(1, 5), help="Copies of it in a cluster, when the store is made.")
@folder_option
@bus_options
def share_(name: str, replicas: int | None, folder: Path, target: Target) -> None:
    """Put a model file into the bus's object store, for nodes that lack it; NAME as `list` has it, or a path."""
    model = next((model for model in _here(folder) if name in (model.name, model.file)), None)
    path = Path(name) if model is None else folder / model.file
    check_gguf(path)
    sha256 = run(share_model(target, path, replicas))
    out().print(f"{path.name} is shared, sha256 {sha256}", markup=False)


@models.command("catalogue")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def catalogue_(as_json: bool) -> None:
    """List small general models that the Hugging Face Hub has, for `dellm models add NAME`.

    None of them was run where this was made.
    """
    suggestions = catalogue.list_suggestions()
    if as_json:
        click.echo(msgspec.json.encode(suggestions))
        return
    table = Table(box=None, pad_edge=False)
    for column in ("name", "size", "licence", "source", "note"):
        table.add_column(column, header_style="dim")
    for model in suggestions:
        table.add_row(model.name, f"{model.bytes / 1e6:.0f} MB", model.licence, model.source, model.note)
    out().print(table)


@models.command()
@click.argument("names", nargs=-1)
@click.option(
    "--topology",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Fetch what this topology uses and the catalogue has.",
)
@click.option("--shared", is_flag=True, help="From the bus, where `dellm models share` put them.")
@folder_option
@bus_options
def fetch(names: tuple[str, ...], topology: Path | None, shared: bool, folder: Path, target: Target) -> None:
    """Fetch models by NAME; a file that is here and right is not fetched again."""
    if shared:
        known = {model.name: model.file for model in _here(folder)}
        files = [known.get(name, name) for name in names]
        if topology is not None:
            files += [path.name for path in files_of(load(topology), topology.parent, NAMES)]
        run(receive_models(target, list(dict.fromkeys(files)), folder))
        return
    wanted = _wanted(names, topology, catalogue.list_models())
    for model in wanted:
        with advancing(model.name, model.bytes) as advance:
            path = catalogue.fetch(model, folder, lambda p: advance(p.stage, p.done_bytes))
        out().print(f"{model.name}: {path} is here and verified")


@models.command()
@click.argument("names", nargs=-1)
@folder_option
def verify(names: tuple[str, ...], folder: Path) -> None:
    """Hash model files and compare with the catalogue, or with what was made here; without NAME, all that are here."""
    known = _here(folder)
    wanted = _wanted(names, None, known) if names else [model for model in known if (folder / model.file).exists()]
    if not wanted:
        raise click.ClickException(f"{folder} holds no model of the catalogue")
    for model in wanted:
        with advancing(model.name, model.bytes) as advance:
            catalogue.verify(model, folder / model.file, lambda done: advance("verify", done))
        out().print(f"{model.name}: right")


@models.command()
@click.argument("name")
@click.option(
    "--type",
    "type_",
    type=click.Choice(tuple(catalogue.TYPES), case_sensitive=False),
    default="Q4_0",
    show_default=True,
    help="Q4_0 is the fastest on most CPUs.",
)
@click.option("--threads", type=click.IntRange(min=1), help="Default: every core the process may use.")
@folder_option
def quantize(name: str, type_: str, threads: int | None, folder: Path) -> None:
    """Make a file of another type out of model NAME, beside it; a file that was made before is kept."""
    (model,) = _wanted((name,), None, catalogue.list_models())
    with advancing(model.name, model.bytes) as advance:
        made = catalogue.quantize(
            model, folder, type_, threads, lambda stage, share: advance(stage, int(share * model.bytes))
        )
    new = made.quantized.model
    if made.seconds is None:
        out().print(f"{new.name}: {made.path} is here already, made from {model.file}")
        return
    sizes = f"{made.source_bytes / 1e6:.0f} MB -> {new.bytes / 1e6:.0f} MB"
    out().print(f"{new.name}: {made.path} made from {model.file} in {made.seconds:.1f} s, {sizes}")


def _here(folder: Path) -> tuple[Model, ...]:
    """Give the catalogue, and what was made in the folder or added to it."""
    made = tuple(quantized.model for quantized in catalogue.list_quantized(folder))
    return catalogue.list_models() + made + tuple(model for model, _ in catalogue.list_added(folder))


def _wanted(names: tuple[str, ...], topology: Path | None, known: tuple[Model, ...]) -> list[Model]:
    if not names and topology is None:
        raise click.UsageError("name a model (see `dellm models list`), or give --topology FILE")
    paths = files_of(load(topology), topology.parent, NAMES) if topology is not None else []
    found = [model for path in paths if (model := catalogue.find(path.name)) is not None]
    for name in names:
        model = next((model for model in known if name in (model.name, model.file)), None)
        if model is None:
            names_known = ", ".join(model.name for model in known)
            raise click.UsageError(f"the catalogue has no model {name!r}; it has {names_known}")
        found.append(model)
    return found


def _state(model: Model, folder: Path) -> str:
    path = folder / model.file
    if not path.exists():
        return "not here"
    return "verified" if catalogue.is_verified(model, path) else "here, not verified"
