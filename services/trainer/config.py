"""What a trainer is made with."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from schemas.commands import MAX_TIMEOUT_S
from schemas.terms import Probability
from services.runtime.config import Config


class TrainerConfig(Config, frozen=True, kw_only=True):
    """How a trainer works.

    What was learned within `write_s` is written together; `concurrency` messages are learned from at once.  It asks
    `canary_rate` questions with a known answer for each query, 0 for none: it looks every `canary_look_s` whether one
    is due, and gives it `canary_timeout_s`.  Every `ledger_look_s` it looks what the ledger keeps.
    """

    concurrency: Annotated[int, Meta(ge=1)] = 256
    write_s: Annotated[float, Meta(gt=0.0, le=10.0)] = 0.25
    canary_rate: Probability = 0.0
    canary_look_s: Annotated[float, Meta(gt=0.0, le=60.0)] = 1.0
    canary_timeout_s: Annotated[float, Meta(ge=1.0, le=MAX_TIMEOUT_S)] = 60.0
    ledger_look_s: Annotated[float, Meta(gt=0.0, le=3600.0)] = 30.0
