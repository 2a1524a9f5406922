"""How a scene of a storm is to be run, and what it is judged by."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.storm.report import Report


@dataclass(frozen=True)
class Plan:
    """How a scene is to be run; its files are in `folder`, the services' code in `tree`."""

    scene: str
    folder: Path
    queries: int
    servers: int
    every_s: float
    rate: float
    seed: int
    tree: Path


@dataclass(frozen=True)
class Scene:
    """A scene, and how large a part of its queries must be answered in full."""

    run: Callable[[Plan], Coroutine[Any, Any, Report]]
    least_complete: float = 0.99
