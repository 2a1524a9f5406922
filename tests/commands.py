"""Whether a command that a page or a file names exists, and knows its options.  Nothing is run."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import click

from services.cli.main import dellm

CONFIGURATIONS = Path(__file__).parents[1] / "deploy"


def check_command(words: Sequence[str]) -> None:
    """Fail with what is wrong."""
    program, *rest = words
    match Path(program).name:
        case "python" if rest[:2] == ["-m", "services"]:
            name = rest[2]
            assert name == "%i" or name in re.findall(r"\w+", _services_help().partition("}")[0]), name
            unknown = {word for word in rest if word.startswith("--")} - set(re.findall(r"--[\w-]+", _services_help()))
            assert not unknown, f"`python -m services` has no {unknown}"
        case "python":
            assert rest[0] == "-m"
            assert find_spec(rest[1]) is not None, rest[1]
        case "dellm":
            _check_dellm(rest)
        case "nats-server":
            assert rest[0] == "-c"
            assert (CONFIGURATIONS / Path(rest[1]).name).exists(), rest[1]
        case _:
            raise AssertionError(f"what is {program}?")


@cache
def _services_help() -> str:
    done = subprocess.run([sys.executable, "-m", "services", "--help"], capture_output=True, text=True, check=True)
    return done.stdout


def _check_dellm(words: Sequence[str]) -> None:
    left = list(words)
    if left == ["--help"]:
        return
    command: click.Command = dellm
    context = click.Context(dellm)
    while isinstance(command, click.Group):
        name, found, left = command.resolve_command(context, left)
        assert found is not None, words
        command, context = found, click.Context(found, parent=context, info_name=name)
    command.parse_args(context, list(left))
