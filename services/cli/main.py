"""The command group, and the one place where an error becomes one line and an exit code.

A command's module is imported when the command is run, since what most of them need takes long to import.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import NamedTuple

import click
from click.shell_completion import CompletionItem

FAILED = 1
USAGE = 64  # EX_USAGE; 2 would read as "partial"
INTERRUPTED = 130
MAX_COMPLAINT_CHARS = 1000


class Entry(NamedTuple):
    """Where a command is, as `module:name` below `services.cli`, and the line that `dellm --help` has for it."""

    place: str
    line: str


COMMANDS: Mapping[str, Entry] = MappingProxyType(
    {
        "up": Entry("up:up", "Start all services in this process, on a private nats-server"),
        "ask": Entry("ask:ask", "Ask QUERY (none or '-': standard input) and print the answer"),
        "chat": Entry("chat:chat", "Talk with a running DELLM"),
        "plan": Entry("plan:plan", "Show how QUERY, or each row of --file, would be cut into chunks and routed"),
        "watch": Entry("watch:watch", "Print what happens to all queries, or to the query ID"),
        "status": Entry("status:status", "Show services, nodes with their fitness, and queue depths"),
        "doctor": Entry(
            "doctor:doctor", "Look at cores, memory, disk, GPU, NATS, clock and models, and say what to do"
        ),
        "init": Entry("doctor:init", "Write a topology that fits this machine's memory"),
        "answer": Entry("queries:answer", "Print the stored answer of query ID"),
        "cancel": Entry("queries:cancel", "Stop working on query ID"),
        "feedback": Entry("queries:feedback", "Tell the trainer how good the answer to query ID was"),
        "history": Entry("history:history", "List the queries on record, the latest last"),
        "keys": Entry("keys:keys", "Make, list and revoke the keys that clients of the gateway show"),
        "models": Entry("models:models", "List, add, fetch, verify and quantize model files"),
        "eval": Entry("evaluate:evaluate", "Ask the questions of QUESTIONS and print how many are answered right"),
        "score": Entry("score:score", "Compare files of ANSWERS to QUESTIONS"),
        "replay": Entry(
            "replay:replay", "Decide recorded votes again, of a query, of a file, or of all that is on record"
        ),
        "calibrate": Entry("calibrate:calibrate_", "Fit confidence and fitness to feedback"),
        "verify": Entry("verify:verify", "Check the votes of a reply (of `dellm ask --json`) against the nodes' keys"),
        "auth": Entry("auth:auth", "Make keys and permissions, and the streams of a secured server"),
        "completion": Entry("completion:completion", "Print the completion script for SHELL"),
    }
)


class Commands(click.Group):
    """Commands by name, of which only the one that is run is imported."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """List the names, those first that people need first."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].place.partition(":")
        command: click.Command = getattr(import_module(f"services.cli.{module}"), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write a line for each command, without importing any."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.line) for name, entry in COMMANDS.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete a command's name, likewise, or an option."""
        found = [
            CompletionItem(name, help=entry.line) for name, entry in COMMANDS.items() if name.startswith(incomplete)
        ]
        return [*found, *click.Command.shell_complete(self, ctx, incomplete)]


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="dellm", prog_name="dellm")
def dellm() -> None:
    """Answer questions with many small local language models on a NATS bus."""
    from services.runtime.logging import configure  # noqa: PLC0415  # no command, no logs

    configure(default_level="warning")


def main() -> None:
    """Run the command and exit with its code."""
    try:
        code = dellm.main(standalone_mode=False, complete_var="_DELLM_COMPLETE", prog_name="dellm")
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        code = 0
    except click.UsageError as error:
        code = _complain(error.format_message(), USAGE)
    except click.ClickException as error:
        code = _complain(error.format_message(), FAILED)
    except (click.Abort, KeyboardInterrupt):
        code = INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()
        code = FAILED
    except Exception as error:  # noqa: BLE001  # what a user need not read as a traceback is known where it is raised
        from services.cli.expected import told  # noqa: PLC0415  # it knows the errors of all commands

        code = _complain(told(error), FAILED)
    sys.exit(code)


def _complain(message: str, code: int) -> int:
    from schemas.line import one_line  # noqa: PLC0415  # nothing is wrong, nothing to import

    click.echo(f"dellm: {one_line(message, MAX_COMPLAINT_CHARS)}", err=True)
    return code


if __name__ == "__main__":
    main()
