"""The figures of the gateway and of the pipeline as replies tell it.  No label is an id or a text."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import fmean

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from schemas.messages import Reply
from schemas.records import Fitness
from schemas.terms import CALCULATOR, Policy
from services.gateway.completion import confidence_of, usage
from services.kinds.table import KINDS, named

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
        self._votes = Counter(
            "dellm_votes", "Nodes that were asked: their vote won, lost, or is missing.", ("outcome",), registry=own
        )
        self._escalations = Counter(
            "dellm_escalations", "Nodes asked beyond those asked at first.", ("kind",), registry=own
        )
        self._checks = Counter("dellm_checks", "Demands on answers.", ("family", "met"), registry=own)
        self._wording = Counter(
            "dellm_wordings",
            "How answers were worded; a fallback is a plain join in place of what the model wrote.",
            ("method", "fallback"),
            registry=own,
        )
        self._confidence = Histogram("dellm_confidence", "Confidence of answers.", buckets=SHARES, registry=own)
        self._fitness = Gauge("dellm_node_fitness", "Fitness of the nodes.", ("kind", "of"), registry=own)
        self._nodes = Gauge("dellm_nodes", "Nodes that are alive.", registry=own)
        self._queries = Gauge("dellm_queries_in_flight", "Queries in the pipeline, whoever asked.", registry=own)

    def show_pool(self, num_nodes: int, num_queries: int, fitness: Iterable[Fitness]) -> None:
        """Set the gauges of the pool."""
        self._nodes.set(num_nodes)
        self._queries.set(num_queries)
        by_kind: dict[str, list[float]] = {}
        for node in fitness:
            for kind, record in [("all", node.overall), *node.kinds.items()]:
                by_kind.setdefault(kind, []).append(record.fitness)
        self._fitness.clear()
        for kind in by_kind.keys() & {"all", *(kind.name for kind in KINDS)}:
            values = by_kind[kind]
            for of, value in (("lowest", min(values)), ("mean", fmean(values)), ("highest", max(values))):
                self._fitness.labels(kind, of).set(value)

    def count_reply(self, reply: Reply, policy: Policy = Policy()) -> None:  # noqa: B008  # frozen
        """Count what a reply tells of a query with this policy."""
        self._replies.labels(reply.status.value, reply.error.code.value if reply.error is not None else "").inc()
        spent = usage(reply)
        self._tokens.labels("in").inc(spent["prompt_tokens"])
        self._tokens.labels("out").inc(spent["completion_tokens"])
        for outcome in reply.chunks:
            self._parts.labels(outcome.decided).inc()
            for vote in outcome.votes:
                self._votes.labels("won" if vote.won else "lost").inc()
            self._votes.labels("missing").inc(len(outcome.missing))
            asked = {vote.node for vote in outcome.votes} | {missing.node for missing in outcome.missing}
            num_asked = len(asked - {CALCULATOR})
            if policy.replicas is not None:
                self._escalations.labels(named(outcome.kind).name).inc(max(0, num_asked - policy.replicas))
            for check in outcome.checks:
                self._checks.labels(check.family, str(check.reason is None).lower()).inc()
        if reply.synthesis is not None:
            failed = reply.synthesis.method == "join" and reply.synthesis.model is not None
            self._wording.labels(reply.synthesis.method, str(failed).lower()).inc()
        if reply.error is None:
            self._confidence.observe(confidence_of(reply))

    def count_refusal(self, status: int) -> None:
        """Count a refused request.  Its path is no label, since a stranger chose it."""
        self.requests.labels("refused", str(status)).inc()

    def render(self) -> bytes:
        """Write all figures as Prometheus reads them."""
        return generate_latest(self._registry)
