"""How many tasks each node has in hand from the queries that this decomposer has planned and that are not answered."""

from __future__ import annotations

from collections import Counter

from schemas.plans import Plan

FORGET_S = 30.0  # after its deadline a query has ended, whether or not its answer was seen here


class Workload:
    """Counts by node, each plan's with its deadline (Unix s); a later revision replaces the one before it."""

    def __init__(self) -> None:
        self._plans: dict[str, tuple[float, Counter[str]]] = {}

    def begin(self, plan: Plan) -> None:
        """Count a plan's tasks."""
        self._plans[plan.id] = plan.deadline_at, Counter(str(each.node) for each in plan.assignments)

    def end(self, id_: str) -> None:
        """Count a query no more."""
        self._plans.pop(id_, None)

    def by_node(self, now: float) -> Counter[str]:
        """Sum the tasks up of the queries that may be in flight `now` (Unix s)."""
        for id_ in [id_ for id_, (deadline_at, _) in self._plans.items() if deadline_at + FORGET_S < now]:
            del self._plans[id_]
        return sum((nodes for _, nodes in self._plans.values()), Counter())
