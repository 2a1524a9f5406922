"""Who is busy and how fast, from what passes."""

from __future__ import annotations

from schemas.messages import ModelAnswer, Result
from schemas.records import Fitness, Presence, Record
from services.gateway.census import FORGET_S, WINDOW_S, Census, changes


def present(node: str, *, slots: int = 1, cluster: str = "c") -> Presence:
    return Presence(
        node=node, cluster=cluster, supercluster="s", models=["m"], slots=slots, fitness=0.5, started_at=0.0
    )


def answered(id_: str, node: str, *, tokens: int = 10, latency_s: float = 0.5) -> Result:
    said = ModelAnswer(
        model="m",
        text="t",
        final="t",
        logprob=-0.1,
        prompt_tokens=1,
        completion_tokens=tokens,
        latency_s=latency_s,
        finish="stop",
    )
    return Result(id=id_, chunk=0, node=node, replica=0, started_at=0.0, latency_s=latency_s, answers=[said], chosen=0)


def test_a_node_is_busy_until_it_answers() -> None:
    census = Census()
    for number in range(3):
        census.on_task(f"q{number}", 0, "n1", 0.0)
    view = census.views([present("n1", slots=2)], {}, 1.0)["n1"]
    assert (view.busy, view.queued) == (2, 1)
    census.on_result(answered("q0", "n1"), 1.0)
    census.on_end("q1", 0)
    census.on_end("q2")
    view = census.views([present("n1", slots=2)], {}, 1.0)["n1"]
    assert (view.busy, view.queued, view.tokens_per_s) == (0, 0, 20.0)


def test_the_end_of_one_chunk_is_not_that_of_another() -> None:
    census = Census()
    census.on_task("q", 0, "n1", 0.0)
    census.on_task("q", 1, "n2", 0.0)
    census.on_end("q", 1)
    views = census.views([present("n1"), present("n2")], {}, 1.0)
    assert (views["n1"].busy, views["n2"].busy) == (1, 0)


def test_what_nobody_heard_the_end_of_is_forgotten() -> None:
    census = Census()
    census.on_task("q", 0, "n1", 0.0)
    assert census.views([present("n1")], {}, FORGET_S + 1)["n1"].busy == 0


def test_tokens_of_the_last_seconds_count() -> None:
    census = Census()
    census.on_result(answered("q", "n1", tokens=100), 0.0)
    assert census.tokens_per_s(1.0) == 100 / WINDOW_S
    assert census.tokens_per_s(WINDOW_S + 1) == 0


def test_fitness_is_the_learned_one_where_there_is_one() -> None:
    known = Fitness(
        node="n1", overall=Record(fitness=0.9, latency_s=1.234), kinds={"fact": Record(fitness=0.8, judged=4)}
    )
    views = Census().views([present("n1"), present("n2")], {"n1": known}, 0.0)
    assert views["n1"].fitness == 0.9
    assert views["n1"].latency_s == 1.23
    assert (views["n1"].kinds["fact"].fitness, views["n1"].kinds["fact"].judged) == (0.8, 4)
    assert views["n2"].fitness == 0.5


def test_only_what_changes_is_told() -> None:
    census = Census()
    before = census.views([present("n1"), present("n2")], {}, 0.0)
    census.on_task("q", 0, "n2", 0.0)
    after = census.views([present("n2"), present("n3")], {}, 0.0)
    changed, gone = changes(before, after)
    assert [view.node for view in changed] == ["n2", "n3"]
    assert list(gone) == ["n1"]
    assert changes(after, after) == ([], [])
