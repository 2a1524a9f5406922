"""Fitness anew from feedback on record alone, and whether it tells better who is right.  Pure.

What the trainer learned as the days went by also has consensus in it, at a small weight, which errs where nodes err
together.  A node's refitted fitness is tried on later days against the one that each of its votes had then.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from schemas.records import Fitness, Record
from schemas.terms import CALCULATOR
from services.evaluation.reliability import Sure, reliability
from services.ledger.judged import is_right, said_of
from services.ledger.kept import Kept
from services.trainer.fitness import Observation, learn

MIN_VOTES = 20  # on either side

Seen = tuple[Observation, float]
"""What was learned of a node by feedback on a vote, and the fitness that it had when it was asked."""


class Refit(Struct, frozen=True, kw_only=True):
    """A node's fitness before, and as it would be.

    `before` and `after` are mean log-losses over `tried_on` votes of later days, None where the votes are too few.
    """

    node: str
    known: Fitness
    fitted: Fitness
    fitted_to: int
    tried_on: int
    before: float | None = None
    after: float | None = None

    @property
    def is_better(self) -> bool:
        """Whether it tells better which votes are right."""
        return self.before is not None and self.after is not None and self.after < self.before


def refit(early: Sequence[Kept], late: Sequence[Kept], known: Mapping[str, Fitness]) -> list[Refit]:
    """Fit the fitness of known nodes to early queries, try it on late ones; what is `fitted` has learned of both."""
    to_fit, to_try = _by_node(early), _by_node(late)
    return [_refit(known[node], to_fit.get(node, []), to_try.get(node, [])) for node in sorted(known)]


def _refit(known: Fitness, early: Sequence[Seen], late: Sequence[Seen]) -> Refit:
    made = Refit(
        node=known.node,
        known=known,
        fitted=_merged(known, _learned(known, [*early, *late])),
        fitted_to=len(early),
        tried_on=len(late),
    )
    if min(len(early), len(late)) < MIN_VOTES:
        return made
    fitted = _learned(known, early)
    before = reliability([(fitness, bool(seen.right)) for seen, fitness in late])
    after = reliability([_foretold(fitted, seen) for seen, _ in late])
    assert before is not None
    assert after is not None
    return replace(made, before=before.log_loss, after=after.log_loss)


def _learned(known: Fitness, seen: Sequence[Seen]) -> Fitness:
    """Learn from feedback alone, one by one, as far back as the memory of what was told reaches."""
    fitness = Fitness(node=known.node, overall=Record(fitness=known.prior), prior=known.prior)
    for observation, _ in seen:
        fitness = learn(fitness, [observation], None)
    return fitness


def _foretold(fitted: Fitness, seen: Observation) -> Sure:
    return fitted.kinds.get(seen.kind, fitted.overall).fitness, bool(seen.right)


def _merged(known: Fitness, fitted: Fitness) -> Fitness:
    """Keep all that is known but what feedback tells."""
    return replace(
        known,
        overall=_with(known.overall, fitted.overall),
        kinds={**known.kinds, **{kind: _with(known.kinds.get(kind, of), of) for kind, of in fitted.kinds.items()}},
    )


def _with(known: Record, fitted: Record) -> Record:
    return replace(
        known,
        fitness=fitted.fitness,
        evidence_right=fitted.evidence_right,
        evidence_wrong=fitted.evidence_wrong,
    )


def _by_node(queries: Sequence[Kept]) -> dict[str, list[Seen]]:
    found: defaultdict[str, list[Seen]] = defaultdict(list)
    for seen, fitness in _seen(queries):
        found[seen.node].append((seen, fitness))
    return found


def _seen(queries: Sequence[Kept]) -> Iterator[Seen]:
    for kept in queries:
        for chunk in kept.chunks:
            if (said := said_of(kept, chunk)) is None:
                continue
            for vote in chunk.votes:
                right = is_right(vote.final, chunk, said) if vote.node != CALCULATOR else None
                if right is not None:
                    told = f"{kept.id}/{chunk.index}"
                    yield (
                        Observation(vote.node, chunk.kind, vote.fitness, right=right, weight=1.0, told=told),
                        vote.fitness,
                    )
