"""What a node is made with."""

from __future__ import annotations

from typing import Annotated, ClassVar

from msgspec import Meta

from models.reference import ModelReference
from schemas.subjects import PRESENCE_TTL_S
from schemas.terms import Probability, Token
from services.runtime.config import Config


class NodeConfig(Config, frozen=True, kw_only=True):
    """One node of the topology, with its place and its models.

    It takes `slots` tasks at once.  With `run_code` the examples of a request for code are run, see
    `services.runtime.sandbox`.  It sends a heartbeat every `heartbeat_s`; a node that misses two is taken for gone.
    While there is no task the server says so every `pull_heartbeat_s`: with many nodes this and the heartbeats are what
    an idle system costs.
    """

    unchecked: ClassVar[frozenset[str]] = frozenset({"models"})

    id: Token
    cluster: str
    supercluster: str
    models: tuple[ModelReference, ...]
    fitness: Probability = 0.5
    slots: Annotated[int, Meta(ge=1, le=4096)] = 1
    run_code: bool = False
    heartbeat_s: Annotated[float, Meta(gt=0.0, le=PRESENCE_TTL_S / 2)] = 1.0
    pull_heartbeat_s: Annotated[float, Meta(ge=0.1, le=10.0)] = 2.0
    goodbye_s: Annotated[float, Meta(ge=0.0, le=10.0)] = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.models:
            raise ValueError("models: Expected one at least")
