"""What a synthesizer is made with."""

from __future__ import annotations

from typing import Annotated, ClassVar

from msgspec import Meta

from models.reference import ModelReference
from services.runtime.config import Config


class SynthesizerConfig(Config, frozen=True, kw_only=True):
    """The larger model, and how much of a query's time is for what.

    Writing ends `delivery_s` before the deadline and is not begun with less than `min_writing_s` left; what is sealed
    at its deadline has `min_store_s` to be stored.  `concurrency` queries are answered at once.
    """

    unchecked: ClassVar[frozenset[str]] = frozenset({"model"})

    model: ModelReference
    concurrency: Annotated[int, Meta(ge=1)] = 64
    delivery_s: Annotated[float, Meta(ge=0.0, le=10.0)] = 0.3
    min_writing_s: Annotated[float, Meta(ge=0.0, le=60.0)] = 1.0
    min_store_s: Annotated[float, Meta(ge=0.0, le=10.0)] = 0.5
