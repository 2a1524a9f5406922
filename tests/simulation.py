"""A pool of simulated nodes behind the real decisions: routing, counting, sealing and learning.

A model answers each question right or wrong by its accuracy at the kind, and every copy of it (a node that runs
it) repeats that answer, right or wrong, with probability `COPIED`; else it draws for itself.  So the errors of copies
are correlated.  All follows from the seed and the number of the question, so that two pools can be asked the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

from schemas.commands import Feedback
from schemas.messages import Assembled, Result
from schemas.plans import Assignment, Chunk, Plan
from schemas.records import Fitness, Presence
from schemas.terms import OnPartial, Policy
from services.assembler.assembly import assess
from services.assembler.seal import seal
from services.decomposer.candidate import Candidate
from services.decomposer.route import route
from services.trainer.fitness import Observation, learn
from services.trainer.judgement import from_assembled, from_feedback
from tests.records import said

COPIED = 0.7
RIGHT = "100"
WRONG = [str(number) for number in range(101, 111)]
KINDS = ("problem", "fact")

Accuracy = Mapping[str, float]


@dataclass(frozen=True)
class Model:
    """A GGUF.  One that is `stubborn` is wrong in the same way each time."""

    name: str
    accuracy: Accuracy
    stubborn: bool = False

    def answer(self, random: Random, kind: str) -> str:
        if random.random() < self.accuracy[kind]:
            return RIGHT
        return WRONG[0] if self.stubborn else random.choice(WRONG)


@dataclass(frozen=True)
class Asked:
    """What came of a question: whether the winner was right, and each node's share of the fitness that was asked."""

    right: bool
    share: Mapping[str, float]


@dataclass
class Pool:
    """Nodes by id with the model that each runs, what was learned of them, and how they learn.

    `feedback` and `canaries` are shares of the questions.  A node in `broken` answers with the model that it names
    there, on its own.
    """

    nodes: Mapping[str, Model]
    seed: int
    feedback: float = 0.0
    canaries: float = 0.0
    broken: dict[str, Model] = field(default_factory=dict)
    fitness: dict[str, Fitness] = field(default_factory=dict)
    _sequence: int = 0

    def ask(self, questions: Sequence[int]) -> list[Asked]:
        """Ask questions by number, learning from each."""
        return [self._ask(number) for number in questions]

    def first_asked(self, kind: str) -> str:
        """Give the node that routing prefers."""
        return route([Chunk(index=0, text="?", kind=kind)], self._candidates())[0].node

    def _ask(self, number: int) -> Asked:
        random = Random(f"{self.seed}/{number}")
        told, checked = random.random() < self.feedback, random.random() < self.canaries
        sealed, share = self._answer(f"{number}", KINDS[number % len(KINDS)], Policy())
        self._learn(from_assembled(sealed))
        if told:
            self._learn(from_feedback(sealed, Feedback(id=sealed.id, answer=RIGHT)))
        if checked:
            canary, _ = self._answer(f"canary-{number}", random.choice(KINDS), Policy(early=False))
            self._learn(from_assembled(canary))
            self._learn(from_feedback(canary, Feedback(id=canary.id, answer=RIGHT)))
        return Asked(sealed.outcomes[0].final == RIGHT, share)

    def _answer(self, id_: str, kind: str, policy: Policy) -> tuple[Assembled, dict[str, float]]:
        """Route a question, let the nodes answer in random order, and seal it when it is decided."""
        chunk = Chunk(index=0, text="?", kind=kind)
        assignments = route([chunk], self._candidates())
        plan = Plan(
            id=id_,
            query="?",
            reply="",
            created_at=0,
            deadline_at=2,
            assemble_by=2,
            on_partial=OnPartial.ACCEPT,
            chunks=[chunk],
            assignments=assignments,
            policy=policy,
        )
        results: list[Result] = []
        for result in self._results(plan):
            results.append(result)
            assessment = assess(plan, results, deadline_passed=False)
            if assessment.complete:
                break
        total = sum(assignment.fitness for assignment in assignments)
        share = {str(assignment.node): assignment.fitness / total for assignment in assignments}
        return seal(plan, assessment, planned_at=0, voted_at=1, sealed_at=1), share

    def _results(self, plan: Plan) -> Iterator[Result]:
        arriving = list(plan.assignments)
        Random(f"{self.seed}/{plan.id}/order").shuffle(arriving)
        for result in arriving:
            yield _result(plan, result, *self._said(plan, result))

    def _said(self, plan: Plan, assignment: Assignment) -> tuple[str, str]:
        """Give the model that a node answers with, and the answer."""
        kind, own = plan.chunks[0].kind, Random(f"{self.seed}/{plan.id}/{assignment.node}")
        if assignment.node in self.broken:
            model = self.broken[assignment.node]
            return model.name, model.answer(own, kind)
        model = self.nodes[assignment.node]
        common = model.answer(Random(f"{self.seed}/{plan.id}/{model.name}"), kind)
        copied = assignment.replica == 0 or own.random() < COPIED
        return model.name, common if copied else model.answer(own, kind)

    def _candidates(self) -> list[Candidate]:
        return [
            Candidate(
                Presence(
                    node=node,
                    cluster="cluster-1",
                    supercluster="sc-main",
                    models=[model.name],
                    slots=1,
                    fitness=0.5,
                    started_at=0,
                ),
                self.fitness.get(node),
            )
            for node, model in sorted(self.nodes.items())
        ]

    def _learn(self, observations: Sequence[Observation]) -> None:
        self._sequence += 1
        by_node: dict[str, list[Observation]] = defaultdict(list)
        for observation in observations:
            by_node[observation.node].append(observation)
        for node, seen in by_node.items():
            self.fitness[node] = learn(self.fitness.get(node), seen, self._sequence)


def _result(plan: Plan, assignment: Assignment, model: str, answer: str) -> Result:
    return Result(
        id=plan.id,
        chunk=0,
        node=assignment.node,
        replica=assignment.replica,
        started_at=0,
        latency_s=1,
        answers=[said(answer, model=model)],
        chosen=0,
        confidence=0.9,
    )
