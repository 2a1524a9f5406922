from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from services.cli.home import Home, default_topology
from services.cli.options import Target, bus_options, topology_option


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, and a user's folder beside it."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    return work


@click.command()
@bus_options
@topology_option
def where(target: Target, topology_path: Path) -> None:
    click.echo(f"{target.data} {topology_path}")


def test_a_folder_with_a_topology_is_used(here: Path) -> None:
    (here / "topology.json").write_text("{}")
    assert Home.find() == Home(Path("topology.json"), Path("models"), Path(".dellm"))


def test_a_folder_that_was_used_is_used_again(here: Path) -> None:
    (here / ".dellm").mkdir()
    assert Home.find().data == Path(".dellm")


def test_elsewhere_the_users_folder_is_used_and_gets_a_topology(here: Path) -> None:
    home = here.parent / "home/dellm"
    assert Home.find() == Home(home / "topology.json", home / "models", home / "data")
    assert default_topology().read_bytes() == (Path(__file__).parents[2] / "topology.json").read_bytes()
    (home / "topology.json").write_text("mine")
    assert default_topology().read_text() == "mine"


def test_a_named_topology_keeps_data_here(here: Path) -> None:
    assert CliRunner().invoke(where, ["--topology", "t.json"]).output == ".dellm t.json\n"
    home = here.parent / "home/dellm"
    assert CliRunner().invoke(where, []).output == f"{home / 'data'} {home / 'topology.json'}\n"


def test_a_users_folder_that_cannot_be_made_is_told(here: Path) -> None:
    (here.parent / "home").write_text("a file")
    told = CliRunner().invoke(where, [])
    assert told.exit_code == 1
    assert "topology.json: Not a directory" in told.output
    assert len(told.output.splitlines()) == 1
