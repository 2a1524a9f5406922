"""What a family of demands is: a name, how its demands are found in a request, and examples."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from services.checks.demand import Demand


@dataclass(frozen=True)
class Family:
    """A family: `find` returns the demands of a request; `examples` are requests that make one."""

    name: str
    find: Callable[[str], Iterable[Demand]]
    examples: tuple[str, ...]
