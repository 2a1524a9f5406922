"""The live nodes and what each is doing, from presence, fitness and the messages on the bus.  Pure."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from schemas.messages import Result
from schemas.records import Fitness, Presence

WINDOW_S = 10.0  # over which the pool's tokens are counted
FORGET_S = 600.0  # a task that nobody heard the end of
SMOOTHING = 0.3
DIGITS = 3


class Skill(Struct, frozen=True):
    """What is known of a node's work of one kind."""

    fitness: float
    judged: int


class NodeView(Struct, frozen=True):
    """One node as it is shown.  `queued` tasks wait beside those that it is `busy` with; `down` is of Presence."""

    node: str
    cluster: str
    supercluster: str
    models: list[str]
    down: dict[str, str]
    slots: int
    busy: int
    queued: int
    fitness: float
    kinds: dict[str, Skill]
    tokens_per_s: float | None
    latency_s: float | None


class Census:
    """Counts the tasks of nodes.  `_open` maps the (query, chunk, node) of each open task to when it was given."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, int, str], float] = {}
        self._rates: dict[str, float] = {}
        self._written: deque[tuple[float, int]] = deque()

    def on_task(self, id_: str, chunk: int, node: str, now: float) -> None:
        """Note that a node was given a task."""
        self._open[id_, chunk, node] = now

    def on_result(self, result: Result, now: float) -> None:
        """Note that a node answered, and how fast it wrote."""
        self._open.pop((result.id, result.chunk, result.node), None)
        tokens = sum(answer.completion_tokens for answer in result.answers)
        spent_s = sum(answer.latency_s for answer in result.answers)
        if tokens and spent_s > 0:
            rate, before = tokens / spent_s, self._rates.get(result.node)
            self._rates[result.node] = rate if before is None else before + SMOOTHING * (rate - before)
        self._written.append((now, tokens))

    def on_end(self, id_: str, chunk: int | None = None) -> None:
        """Note that a query, or a chunk of it, is decided: nobody works on it any more."""
        for task in [task for task in self._open if task[0] == id_ and chunk in (None, task[1])]:
            del self._open[task]

    def tokens_per_s(self, now: float) -> float:
        """Return how many tokens a second all nodes together wrote lately."""
        while self._written and self._written[0][0] < now - WINDOW_S:
            self._written.popleft()
        return round(sum(tokens for _, tokens in self._written) / WINDOW_S, 1)

    def views(self, present: Iterable[Presence], known: Mapping[str, Fitness], now: float) -> dict[str, NodeView]:
        """Show the nodes that are there, by name."""
        for task in [task for task, given_at in self._open.items() if given_at < now - FORGET_S]:
            del self._open[task]
        tasks: dict[str, int] = defaultdict(int)
        for _, _, node in self._open:
            tasks[node] += 1
        nodes = sorted(present, key=lambda presence: (presence.supercluster, presence.cluster, presence.node))
        return {node.node: self._view(node, known.get(node.node), tasks[node.node]) for node in nodes}

    def _view(self, node: Presence, fitness: Fitness | None, num_tasks: int) -> NodeView:
        busy = min(num_tasks, node.slots)
        rate = self._rates.get(node.node)
        latency_s = fitness.overall.latency_s if fitness else None
        kinds = fitness.kinds if fitness else {}
        return NodeView(
            node=node.node,
            cluster=node.cluster,
            supercluster=node.supercluster,
            models=node.models,
            down=node.down,
            slots=node.slots,
            busy=busy,
            queued=num_tasks - busy,
            fitness=round(fitness.overall.fitness if fitness else node.fitness, DIGITS),
            kinds={kind: Skill(round(of.fitness, DIGITS), of.judged) for kind, of in sorted(kinds.items())},
            tokens_per_s=None if rate is None else round(rate, 1),
            latency_s=None if latency_s is None else round(latency_s, 2),
        )


def changes(before: Mapping[str, NodeView], after: Mapping[str, NodeView]) -> tuple[list[NodeView], Sequence[str]]:
    """Return the nodes that are new or have changed, and the names of those that have left."""
    changed = [view for name, view in after.items() if before.get(name) != view]
    return changed, [name for name in before if name not in after]
