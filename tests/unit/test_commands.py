"""The table of commands says what the commands are, and importing it imports none of them."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest
from click.shell_completion import ShellComplete

from services.cli.main import COMMANDS, dellm

HEAVY = ("nats", "rich", "structlog", "numpy", "starlette", "uvicorn", "lark", "services.hosting")


@pytest.mark.parametrize("name", COMMANDS)
def test_the_line_of_a_command_is_how_its_own_help_begins(name: str) -> None:
    command = dellm.get_command(click.Context(dellm), name)
    assert command is not None
    assert command.name == name
    assert " ".join((command.help or "").split()).startswith(COMMANDS[name].line.removesuffix("."))


def test_the_help_lists_every_command_and_imports_none() -> None:
    code = "import sys; from services.cli.main import main; sys.argv = ['dellm', '--help']\n"
    code += "try: main()\nfinally: print('imported', *sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    shown, _, imported = done.stdout.partition("imported ")
    assert all(f"  {name} " in shown for name in COMMANDS)
    assert not set(imported.split()) & set(HEAVY)


@pytest.mark.parametrize(
    ("begun", "completed"), [("sta", ["status"]), ("c", ["chat", "cancel", "calibrate", "completion"])]
)
def test_a_shell_completes_the_names(begun: str, completed: list[str]) -> None:
    found = ShellComplete(dellm, {}, "dellm", "_DELLM_COMPLETE").get_completions([], begun)
    assert [item.value for item in found] == completed
