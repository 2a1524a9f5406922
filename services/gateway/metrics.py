"""The figures of the gateway and of the pipeline as replies tell it.  No label is an id or a text."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from schemas.messages import Reply
from services.gateway.completion import confidence_of, usage

SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
SHARES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1)


class Metrics:
    """A registry of its own, so that several gateways may run in one process."""

    def __init__(self) -> None:
        own = self._registry = CollectorRegistry()
        self.requests = Counter("dellm_requests", "Requests by route and status.", ("route", "status"), registry=own)
        self.in_flight = Gauge("dellm_requests_in_flight", "Requests whose answer has not begun.", registry=own)
        self.duration = Histogram(
            "dellm_request_seconds",
            "Until the answer, or its stream, begins.",
            ("route",),
            buckets=SECONDS,
            registry=own,
        )
        self.first_token = Histogram(
            "dellm_first_token_seconds", "From the stream's begin to its first text.", buckets=SECONDS, registry=own
        )
        self._tokens = Counter("dellm_tokens", "Tokens read and written by all voters.", ("direction",), registry=own)
        self._replies = Counter("dellm_replies", "Replies by status and error.", ("status", "error"), registry=own)
        self._parts = Counter("dellm_parts", "Parts of queries by how they were decided.", ("decided",), registry=own)
        self._votes = Counter("dellm_votes", "Votes by whether they won.", ("won",), registry=own)
        self._checks = Counter("dellm_checks", "Demands on answers.", ("family", "met"), registry=own)
        self._wording = Counter("dellm_wordings", "How answers were worded.", ("method",), registry=own)
        self._confidence = Histogram("dellm_confidence", "Confidence of answers.", buckets=SHARES, registry=own)

    def count_reply(self, reply: Reply) -> None:
        """Count what a reply tells."""
        self._replies.labels(reply.status.value, reply.error.code.value if reply.error is not None else "").inc()
        spent = usage(reply)
        self._tokens.labels("in").inc(spent["prompt_tokens"])
        self._tokens.labels("out").inc(spent["completion_tokens"])
        for outcome in reply.chunks:
            self._parts.labels(outcome.decided).inc()
            for vote in outcome.votes:
                self._votes.labels(str(vote.won).lower()).inc()
            for check in outcome.checks:
                self._checks.labels(check.family, str(check.reason is None).lower()).inc()
        if reply.synthesis is not None:
            self._wording.labels(reply.synthesis.method).inc()
        if reply.error is None:
            self._confidence.observe(confidence_of(reply))

    def count_refusal(self, status: int) -> None:
        """Count a request that was not let in; its path is whatever a stranger likes, and no label."""
        self.requests.labels("refused", str(status)).inc()

    def render(self) -> bytes:
        """Write all figures as Prometheus reads them."""
        return generate_latest(self._registry)
