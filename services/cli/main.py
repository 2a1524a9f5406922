"""The command group, and the one place where an error becomes one line and an exit code."""

from __future__ import annotations

import sys

import click

from models.engine import ModelError
from schemas.topology import TopologyError
from services.cli.ask import ask
from services.cli.auth import auth
from services.cli.chat import chat
from services.cli.completion import completion
from services.cli.evaluate import evaluate
from services.cli.keys import keys
from services.cli.models import models
from services.cli.plan import plan
from services.cli.queries import answer, cancel, feedback
from services.cli.replay import replay
from services.cli.score import score
from services.cli.status import status
from services.cli.up import up
from services.cli.verify import verify
from services.cli.watch import watch
from services.evaluation.rows import EvaluationError
from services.runtime.lifecycle import VERSION
from services.runtime.logging import LogLevelError, configure
from services.runtime.server import ServerError
from services.runtime.wire import BusError

FAILED = 1
USAGE = 64  # EX_USAGE; 2 would read as "partial"
INTERRUPTED = 130

ERRORS = (BusError, EvaluationError, ModelError, TopologyError, LogLevelError, ServerError)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, prog_name="dellm")
def dellm() -> None:
    """Answer questions with many small local language models on a NATS bus."""


COMMANDS = (
    up,
    ask,
    chat,
    plan,
    watch,
    status,
    answer,
    cancel,
    feedback,
    keys,
    models,
    evaluate,
    score,
    replay,
    verify,
    auth,
    completion,
)

for command in COMMANDS:
    dellm.add_command(command)


def main() -> None:
    """Run the command and exit with its code."""
    try:
        configure(default_level="warning")
        code = dellm.main(standalone_mode=False, complete_var="_DELLM_COMPLETE", prog_name="dellm")
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        code = 0
    except click.UsageError as error:
        code = _complain(error.format_message(), USAGE)
    except click.ClickException as error:
        code = _complain(error.format_message(), FAILED)
    except ERRORS as error:
        code = _complain(str(error), FAILED)
    except ExceptionGroup as group:
        expected, surprising = group.split(ERRORS)
        if surprising is not None or expected is None:
            raise
        code = _complain("; ".join(str(error) for error in expected.exceptions), FAILED)
    except (click.Abort, KeyboardInterrupt):
        code = INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()
        code = FAILED
    sys.exit(code)


def _complain(message: str, code: int) -> int:
    click.echo(f"dellm: {' '.join(message.split())}", err=True)
    return code


if __name__ == "__main__":
    main()
