"""Where a user's topology, models and data are: in this folder where it has them, else in the user's data folder."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import click
from click.core import ParameterSource
from platformdirs import user_data_path

APP = "dellm"
TOPOLOGY = "topology.json"
HIDDEN = ".dellm"
DEFAULT = "default.json"  # in the package `schemas`: the topology that comes with DELLM


@dataclass(frozen=True)
class Home:
    """Where topology, models and data are; paths are relative where they lie in the folder that a command runs in."""

    topology: Path
    models: Path
    data: Path

    @classmethod
    def find(cls) -> Home:
        """Give this folder's places if it has a topology or was one's before, else those of the user."""
        here = cls(Path(TOPOLOGY), Path("models"), Path(HIDDEN))
        if here.topology.exists() or here.data.exists():
            return here
        folder = user_data_path(APP)
        return cls(folder / TOPOLOGY, folder / "models", folder / "data")


def default_topology() -> Path:
    """Give the topology; the user's is made when it is asked for the first time.  Raises ClickException."""
    topology = Home.find().topology
    if topology.is_absolute() and not topology.exists():
        try:
            topology.parent.mkdir(parents=True, exist_ok=True)
            topology.write_bytes(files("schemas").joinpath(DEFAULT).read_bytes())
        except OSError as error:
            raise click.ClickException(f"{topology}: {error.strerror or error}") from None
    return topology


def default_models() -> Path:
    """Give the folder of the models."""
    return Home.find().models


def default_data() -> Path:
    """Give the folder of `dellm up`: here, where a topology is named, else what Home says."""
    context = click.get_current_context(silent=True)  # which has taken what was given before it asks for defaults
    named = context is not None and context.get_parameter_source("topology_path") is ParameterSource.COMMANDLINE
    return Path(HIDDEN) if named else Home.find().data
