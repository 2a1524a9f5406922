from __future__ import annotations

from schemas.messages import Assembled, ChunkOutcome, Error, Missing, Reply, Synthesis
from schemas.terms import ErrorCode, Status
from services.runtime.telemetry.metrics import Metrics
from services.runtime.telemetry.outcomes import count_escalation, count_reply, count_seal, count_wording
from tests.unit.gateway.test_choices import OUTCOME, vote


def shown(metrics: Metrics) -> str:
    return metrics.render().decode()


def sealed(*outcomes: ChunkOutcome) -> Assembled:
    return Assembled(
        id="q1",
        query="?",
        reply="",
        status=Status.COMPLETE,
        outcomes=list(outcomes),
        created_at=0,
        planned_at=0,
        voted_at=0,
        sealed_at=0,
        deadline_at=0,
    )


def test_votes_checks_and_parts_are_counted() -> None:
    metrics = Metrics()
    for _ in range(2):
        count_seal(metrics, sealed(OUTCOME))
    count_escalation(metrics, OUTCOME.kind)
    figures = shown(metrics)
    assert 'dellm_votes_total{kind="sum",outcome="won"} 4.0' in figures
    assert 'dellm_votes_total{kind="sum",outcome="lost"} 4.0' in figures
    assert 'dellm_votes_total{kind="sum",outcome="missing"} 2.0' in figures
    assert 'dellm_parts_total{decided="all",kind="sum"} 2.0' in figures
    assert 'dellm_escalations_total{kind="sum"} 1.0' in figures
    assert 'dellm_checks_total{family="other",met="false"} 2.0' in figures
    assert 'dellm_confidence_count{kind="sum"} 2.0' in figures


def test_what_a_stranger_wrote_is_no_label() -> None:
    metrics = Metrics()
    outcome = ChunkOutcome(
        index=0,
        text="x",
        kind="a user's text",
        decided="all",
        votes=[vote("n1", "1", weight=1.0, won=True)],
        missing=[Missing(node="n2", reason="twice")],
    )
    count_seal(metrics, sealed(outcome))
    count_escalation(metrics, outcome.kind)
    figures = shown(metrics)
    assert "a user's text" not in figures
    assert "n1" not in figures
    assert 'dellm_escalations_total{kind="text"} 1.0' in figures


def test_a_join_in_place_of_what_the_model_wrote_is_a_fallback() -> None:
    metrics = Metrics()
    for synthesis in (
        Synthesis(method="join", model="m", reason="it drops 96"),
        Synthesis(method="join", reason="asked for"),
        Synthesis(method="verbatim"),
        None,
    ):
        count_wording(metrics, synthesis)
    assert 'dellm_wordings_total{fallback="true",method="join"} 1.0' in shown(metrics)
    assert 'dellm_wordings_total{fallback="false",method="join"} 1.0' in shown(metrics)


def test_replies_are_counted_by_their_error() -> None:
    metrics = Metrics()
    count_reply(metrics, Reply(id="q1", status=Status.COMPLETE))
    count_reply(metrics, Reply(id="q1", status=Status.FAILED, error=Error(code=ErrorCode.NO_NODES, message="none")))
    assert 'dellm_replies_total{error="",status="complete"} 1.0' in shown(metrics)
    assert 'dellm_replies_total{error="no_nodes",status="failed"} 1.0' in shown(metrics)
