"""How many tasks each node has in hand from the queries that this decomposer has planned and that are not answered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace

from schemas.plans import Plan
from services.decomposer.candidate import Candidate

FORGET_S = 30.0  # after its deadline a query has ended, whether or not its answer was seen here


class Workload:
    """The tasks in hand by node; those of a plan are kept with its deadline (Unix s) until a revision replaces them."""

    def __init__(self) -> None:
        self._plans: dict[str, tuple[float, Counter[str]]] = {}
        self._answered: dict[str, set[tuple[str, int]]] = {}  # node and chunk, by query
        self._busy: Counter[str] = Counter()

    def begin(self, plan: Plan) -> None:
        """Count a plan's tasks, but for those that are known to be answered."""
        self._leave_out(plan.id)
        answered = self._answered.get(plan.id, set())
        tasks = Counter(
            str(assignment.node)
            for assignment in plan.assignments
            if (str(assignment.node), assignment.chunk) not in answered
        )
        self._plans[plan.id] = plan.deadline_at, tasks
        self._busy.update(tasks)

    def answer(self, plan: Plan, chunks: Collection[int]) -> None:
        """Stop counting a plan's tasks on chunks of which nothing is awaited."""
        pairs = {(str(task.node), task.chunk) for task in plan.assignments if task.chunk in chunks}
        self._answered.setdefault(plan.id, set()).update(pairs)
        self.begin(plan)

    def end(self, id_: str) -> None:
        """Stop counting a query's tasks."""
        self._leave_out(id_)
        self._answered.pop(id_, None)

    def _leave_out(self, id_: str) -> None:
        _, tasks = self._plans.pop(id_, (0.0, Counter[str]()))
        for node, num in tasks.items():
            self._busy[node] -= num
            if not self._busy[node]:
                del self._busy[node]

    def forget_ended(self, now: float) -> None:
        """Stop counting the tasks of queries that must have ended by `now` (Unix s)."""
        for id_ in [id_ for id_, (deadline_at, _) in self._plans.items() if deadline_at + FORGET_S < now]:
            self.end(id_)

    def busy(self, node: str, *, besides: str = "") -> int:
        """Give the number of tasks that a node has in hand, besides those of one query."""
        _, own = self._plans.get(besides, (0.0, Counter[str]()))
        return self._busy[node] - own[node]

    def laden(self, candidates: Sequence[Candidate], *, besides: str = "") -> list[Candidate]:
        """Give the candidates with the tasks that they have in hand, besides those of one query."""
        return [replace(node, busy=self.busy(str(node.presence.node), besides=besides)) for node in candidates]
