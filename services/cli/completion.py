"""`dellm completion`: what a shell needs to complete commands and options."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

SHELLS = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the completion script for SHELL.

    For bash: eval "$(dellm completion bash)"
    """
    kind = get_completion_class(shell)
    assert kind is not None, "click has all of SHELLS"
    click.echo(kind(context.find_root().command, {}, "dellm", "_DELLM_COMPLETE").source())
