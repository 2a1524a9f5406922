"""The errors whose message is all that a user needs; any other is a defect, and is shown with its traceback."""

from __future__ import annotations

from models.engine import ModelError
from schemas.topology import TopologyError
from services.evaluation.rows import EvaluationError
from services.runtime.logging import LogLevelError
from services.runtime.server import ServerError
from services.runtime.wire import BusError

ERRORS = (BusError, EvaluationError, ModelError, TopologyError, LogLevelError, ServerError)


def told(error: Exception) -> str:
    """Return the message of an expected error, or those of a group of them.  Raises any other as it is."""
    if isinstance(error, ERRORS):
        return str(error)
    if isinstance(error, ExceptionGroup):
        expected, surprising = error.split(ERRORS)
        if surprising is None and expected is not None:
            return "; ".join(str(one) for one in expected.exceptions)
    raise error
