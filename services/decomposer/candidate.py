"""A live node, as whoever routes to it sees it."""

from __future__ import annotations

from dataclasses import dataclass

from schemas.records import Fitness, Presence, Record


@dataclass(frozen=True, slots=True)
class Candidate:
    """A live node: its heartbeat, what the trainer knows of it (None: nothing yet), and the tasks in its hands.

    One `on_trial` is asked first, whatever is known of it: so that what is known stays true.
    """

    presence: Presence
    fitness: Fitness | None = None
    busy: int = 0
    on_trial: bool = False

    def can_call(self, model: str = "") -> bool:
        """Tell whether a model can call tools; without a name, whether any of the node's can."""
        return model in self.presence.tools if model else bool(self.presence.tools)

    def record(self, kind: str) -> Record:
        """Give what is known for a kind, else over all kinds, else what the topology says."""
        if self.fitness is None:
            return Record(fitness=self.presence.fitness)
        return self.fitness.kinds.get(kind, self.fitness.overall)
