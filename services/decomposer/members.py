"""The nodes that are there, when each was seen last, and how some are drawn to choose from.  Pure.

Times are monotonic seconds.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import replace
from random import Random

from schemas.records import Fitness, Presence
from services.decomposer.candidate import Candidate

POOL_NODES = 64
MIN_OF_MODELS = 4  # nodes with the same models that are in every pool: few may have the best ones


class Members:
    """The live nodes.

    `left` maps nodes that were there, and so may have been given work, to when they were missed first.
    """

    def __init__(self) -> None:
        self.left: dict[str, float] = {}
        self._seen: dict[str, float] = {}  # the one not seen for longest comes first
        self._candidates: dict[str, Candidate] = {}
        self._fitness: dict[str, Fitness] = {}
        self._by_models: defaultdict[tuple[str, ...], dict[str, None]] = defaultdict(dict)

    def __contains__(self, node: str) -> bool:
        return node in self._candidates

    def arrive(self, presence: Presence, now: float) -> None:
        """Take a node in, or what it says of itself now."""
        node = str(presence.node)
        known = self._candidates.get(node)
        if known is not None and known.presence.models == presence.models:
            self._candidates[node] = replace(known, presence=presence)
            self.see(node, now)
            return
        self.leave(node, now)
        self.left.pop(node, None)
        self._candidates[node] = Candidate(presence, self._fitness.get(node))
        self._by_models[tuple(presence.models)][node] = None
        self._seen[node] = now

    def see(self, node: str, now: float) -> None:
        """Note that a node is still there."""
        del self._seen[node]
        self._seen[node] = now

    def see_all(self, now: float) -> None:
        """Note that all are still there as far as one knows."""
        self._seen = dict.fromkeys(self._seen, now)

    def leave(self, node: str, now: float) -> None:
        """Take a node out, if it is there."""
        candidate = self._candidates.pop(node, None)
        if candidate is None:
            return
        self.left[node] = now
        del self._seen[node]
        models = tuple(candidate.presence.models)
        del self._by_models[models][node]
        if not self._by_models[models]:
            del self._by_models[models]

    def expire(self, before: float, now: float) -> list[str]:
        """Take out the nodes that were last seen before a time, and list them."""
        gone = []
        for node, seen_at in self._seen.items():
            if seen_at >= before:
                break
            gone.append(node)
        for node in gone:
            self.leave(node, now)
        return gone

    def know(self, node: str, fitness: Fitness | None) -> None:
        """Keep what the trainer knows of a node, who may come later."""
        if fitness is None:
            self._fitness.pop(node, None)
        else:
            self._fitness[node] = fitness
        if node in self._candidates:
            self._candidates[node] = replace(self._candidates[node], fitness=fitness)

    def know_nothing(self) -> None:
        """Forget all that the trainer knew."""
        for node in list(self._fitness):
            self.know(node, None)

    def fitness(self) -> list[Fitness]:
        """List what the trainer knows of the live nodes."""
        return [found for node, found in list(self._fitness.items()) if node in self._candidates]

    @property
    def models(self) -> list[str]:
        """The models that live nodes run."""
        return sorted({model for models in self._by_models for model in models})

    def count(self, model: str = "") -> int:
        """Count the live nodes that run a model, all without one."""
        return sum(len(nodes) for models, nodes in self._by_models.items() if not model or model in models)

    def all(self) -> list[Candidate]:
        """List them, sorted by id."""
        return [self._candidates[node] for node in sorted(self._candidates)]

    def draw(
        self, random: Random, *, model: str = "", num: int = POOL_NODES, besides: Collection[str] = ()
    ) -> list[Candidate]:
        """Draw about `num` live nodes to choose from, all where there are no more, in no order.

        So a choice costs the same however many nodes there are.  Of nodes with the same models as many are drawn as
        their share is; those in `besides` are always among them.  With `model` only nodes that run it are drawn.
        """
        groups = [nodes for models, nodes in self._by_models.items() if not model or model in models]
        share = num / max(1, sum(map(len, groups)))
        drawn = {node for node in besides if node in self._candidates}
        for nodes in groups:
            wanted = max(MIN_OF_MODELS, round(share * len(nodes)))
            drawn.update(nodes if wanted >= len(nodes) else random.sample(list(nodes), wanted))
        pool = [self._candidates[node] for node in sorted(drawn)]
        random.shuffle(pool)  # equals take turns
        return pool
