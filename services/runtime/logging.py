"""Logs by structlog: one line an event, JSON unless a terminal reads it."""

from __future__ import annotations

import logging
import os
import sys
from typing import TextIO

import structlog

LEVEL_VARIABLE = "DELLM_LOG"


class LogLevelError(ValueError):
    """The environment asks for a log level that there is not."""


def configure(stream: TextIO | None = None, default_level: str = "info", *, for_good: bool = False) -> None:
    """Send logs to `stream` (standard error), at the level that `DELLM_LOG` names.

    `for_good` promises that this is not called again, which makes logging cheaper.
    """
    out = sys.stderr if stream is None else stream
    name = os.environ.get(LEVEL_VARIABLE, default_level).lower()
    level = logging.getLevelNamesMapping().get(name.upper())
    if level is None:
        raise LogLevelError(f"{LEVEL_VARIABLE}={name}: use debug, info, warning, error or critical")
    terminal = out.isatty()
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.RichTracebackFormatter(show_locals=False))
        if terminal
        else structlog.processors.JSONRenderer()
    )
    traceback = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)  # which may be secrets, or texts
    exceptions = [] if terminal else [structlog.processors.ExceptionRenderer(traceback)]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *exceptions,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(out),
        cache_logger_on_first_use=for_good,
    )
    logging.basicConfig(stream=out, level=max(level, logging.WARNING), format="%(name)s: %(message)s", force=True)
    logging.getLogger("nats").setLevel(logging.CRITICAL if level > logging.DEBUG else logging.DEBUG)
