"""Count what became of queries: their votes, their wording, the replies."""

from __future__ import annotations

from schemas.messages import Assembled, Reply, Synthesis
from services.checks.table import FAMILIES
from services.kinds.table import named
from services.runtime.telemetry.metrics import Metrics

OTHER = "other"  # what a node of another version may have checked
KNOWN_FAMILIES = frozenset({*(family.name for family in FAMILIES), "syntax", "examples"})


def count_seal(metrics: Metrics, assembled: Assembled) -> None:
    """Count what a seal decides; there is one a query."""
    for outcome in assembled.outcomes:
        kind = named(outcome.kind).name  # whatever a newer version wrote is one that is known here
        metrics.parts.labels(kind, outcome.decided).inc()
        for vote in outcome.votes:
            metrics.votes.labels(kind, "won" if vote.won else "lost").inc()
        metrics.votes.labels(kind, "missing").inc(len(outcome.missing))
        for check in outcome.checks:
            family = check.family if check.family in KNOWN_FAMILIES else OTHER
            metrics.checks.labels(family, str(check.reason is None).lower()).inc()
        if outcome.winner is not None:
            metrics.confidence.labels(kind).observe(outcome.confidence)


def count_escalation(metrics: Metrics, kind: str) -> None:
    """Count that one more node is asked for a part."""
    metrics.escalations.labels(named(kind).name).inc()


def count_wording(metrics: Metrics, synthesis: Synthesis | None) -> None:
    """Count how an answer was worded."""
    if synthesis is not None:
        failed = synthesis.method == "join" and synthesis.model is not None
        metrics.wordings.labels(synthesis.method, str(failed).lower()).inc()


def count_reply(metrics: Metrics, reply: Reply) -> None:
    """Count a reply that is sent to a client."""
    metrics.replies.labels(reply.status.value, reply.error.code.value if reply.error is not None else "").inc()
