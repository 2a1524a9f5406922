from __future__ import annotations

from msgspec import structs

from schemas.records import Fitness, Record
from services.ledger.calibrating import split
from services.ledger.kept import Kept
from services.trainer.refit import refit
from tests.kept import record


def fitness(value: float) -> Fitness:
    return Fitness(node="n1", overall=Record(fitness=value, count=7, latency_s=2.0), prior=0.5)


def test_a_node_that_consensus_took_for_good_is_known_by_feedback() -> None:
    early, late, _ = split(record(300, 9, -2.0, 0.0))
    early, late = ([with_fitness(one, 0.9) for one in part] for part in (early, late))
    (found,) = refit(early, late, {"n1": fitness(0.9)})
    assert found.is_better
    assert found.fitted.overall.fitness < 0.3
    assert (found.fitted.overall.count, found.fitted.overall.latency_s) == (7, 2.0)
    assert found.fitted.kinds["fact"].fitness < 0.3


def test_where_it_was_right_all_along_nothing_is_better() -> None:
    early, late, _ = split(record(300, 9, 5.0, 0.0))
    early, late = ([with_fitness(one, 0.999) for one in part] for part in (early, late))
    (found,) = refit(early, late, {"n1": fitness(0.999)})
    assert not found.is_better


def test_of_few_votes_nothing_is_said() -> None:
    early, late, _ = split(record(30, 9, -2.0, 0.0))
    (found,) = refit(early, late, {"n1": fitness(0.9)})
    assert (found.before, found.is_better) == (None, False)
    assert refit(early, late, {}) == []


def with_fitness(kept: Kept, value: float) -> Kept:
    chunks = [
        structs.replace(chunk, votes=[structs.replace(vote, fitness=value) for vote in chunk.votes])
        for chunk in kept.chunks
    ]
    return structs.replace(kept, chunks=chunks)
