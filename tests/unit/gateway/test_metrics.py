from __future__ import annotations

from schemas.messages import ChunkOutcome, Missing, Reply, Synthesis
from schemas.records import Fitness, Record
from schemas.terms import CALCULATOR, Policy, Status
from services.gateway.metrics import Metrics
from tests.unit.gateway.test_choices import OUTCOME, REPLY, vote


def shown(metrics: Metrics) -> str:
    return metrics.render().decode()


def test_votes_checks_and_escalations_are_counted() -> None:
    metrics = Metrics()
    metrics.count_reply(REPLY)
    metrics.count_reply(REPLY, Policy(replicas=5))
    figures = shown(metrics)
    assert 'dellm_votes_total{outcome="won"} 4.0' in figures
    assert 'dellm_votes_total{outcome="lost"} 4.0' in figures
    assert 'dellm_votes_total{outcome="missing"} 2.0' in figures
    assert 'dellm_escalations_total{kind="sum"} 4.0' in figures
    assert 'dellm_checks_total{family="digits",met="false"} 2.0' in figures


def test_the_calculator_is_no_escalation_and_a_strange_kind_no_label() -> None:
    metrics = Metrics()
    outcome = ChunkOutcome(
        index=0,
        text="x",
        kind="a user's text",
        decided="all",
        votes=[vote("n1", "1", weight=1.0, won=True), vote(CALCULATOR, "1", weight=1.0, won=True)],
        missing=[Missing(node="n1", reason="twice")],
    )
    metrics.count_reply(Reply(id="q1", status=Status.COMPLETE, answer="1", chunks=[outcome]))
    assert "a user's text" not in shown(metrics)
    assert 'dellm_escalations_total{kind="text"} 0.0' in shown(metrics)


def test_a_join_in_place_of_what_the_model_wrote_is_a_fallback() -> None:
    metrics = Metrics()
    for synthesis in (
        Synthesis(method="join", model="m", reason="it drops 96"),
        Synthesis(method="join", reason="asked for"),
        Synthesis(method="verbatim"),
    ):
        metrics.count_reply(Reply(id="q1", status=Status.COMPLETE, chunks=[OUTCOME], synthesis=synthesis))
    assert 'dellm_wordings_total{fallback="true",method="join"} 1.0' in shown(metrics)
    assert 'dellm_wordings_total{fallback="false",method="join"} 1.0' in shown(metrics)


def test_fitness_is_shown_by_kind_and_never_by_node() -> None:
    metrics = Metrics()
    nodes = [
        Fitness(
            node=name, overall=Record(fitness=value), kinds={"fact": Record(fitness=value), "odd": Record(fitness=0)}
        )
        for name, value in (("n1", 0.2), ("n2", 0.8))
    ]
    metrics.show_pool(2, 7, nodes)
    figures = shown(metrics)
    assert 'dellm_node_fitness{kind="fact",of="lowest"} 0.2' in figures
    assert 'dellm_node_fitness{kind="all",of="mean"} 0.5' in figures
    assert "dellm_nodes 2.0" in figures
    assert "dellm_queries_in_flight 7.0" in figures
    assert "n1" not in figures
    assert "odd" not in figures
