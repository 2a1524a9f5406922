"""How many tasks each node has in hand from the queries that this decomposer has planned and that are not answered."""

from __future__ import annotations

from collections import Counter

from schemas.messages import Plan


class Workload:
    """Counts by node; a plan's later revision replaces the one before it."""

    def __init__(self) -> None:
        self._nodes: dict[str, Counter[str]] = {}

    def begin(self, plan: Plan) -> None:
        """Count a plan's tasks."""
        self._nodes[plan.id] = Counter(str(each.node) for each in plan.assignments)

    def end(self, id_: str) -> None:
        """Count a query no more."""
        self._nodes.pop(id_, None)

    def by_node(self) -> Counter[str]:
        """Sum the tasks up."""
        return sum(self._nodes.values(), Counter())
