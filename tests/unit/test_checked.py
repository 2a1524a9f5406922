"""What is wrong with a flag's value is told by the flag as it was typed."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from schemas.commands import Query
from services.cli.checked import checked


@click.command()
@click.option("--timeout", "timeout_s", type=float, default=5.0)
@click.option("--stop", multiple=True)
@click.option("--id", "id_")
@click.option("--hidden")
def command(timeout_s: float, stop: tuple[str, ...], id_: str | None, hidden: str | None) -> None:
    """Make a query."""
    model = {"model": hidden} if hidden else {}
    checked({"query": "What?", "timeout_s": timeout_s, "stop": list(stop), "id": id_, **model}, Query)


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--timeout", "0"], "Invalid value for '--timeout': Expected `float` >= 1.0"),
        (["--stop", "a", "--stop", ""], "Invalid value for '--stop': Expected `str` of length >= 1"),
        (["--id", "a b"], "Invalid value for '--id': Expected `str` matching"),
        (["--hidden", "x" * 201], "$.model"),
    ],
)
def test_the_flag_is_named_or_else_the_field(flags: list[str], told: str) -> None:
    done = CliRunner().invoke(command, flags)
    assert done.exit_code == 2
    assert told in done.output


def test_what_is_right_passes() -> None:
    assert CliRunner().invoke(command, ["--timeout", "1"]).exit_code == 0
