"""All figures of a process, each once.  No label is an id or a text: rows, services, kinds and models are few."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

HANDLER_S = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
SHARES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1)
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """The figures of one process, in a registry of their own."""

    def __init__(self) -> None:
        own = self.registry = CollectorRegistry()
        by_handler = ("service", "subject")
        ProcessCollector(registry=own)

        # --- messages -----------------------------------------------------------------------------------------------
        self.messages = Counter(
            "dellm_messages",
            "Messages by how their handler ended: done, retried (it asked for that), rejected or given_up (a dead"
            " letter each), failed (it comes again), returned (the service stops).",
            (*by_handler, "outcome"),
            registry=own,
        )
        self.message_seconds = Histogram(
            "dellm_message_seconds", "How long handlers took.", by_handler, buckets=HANDLER_S, registry=own
        )
        self.messages_in_progress = Gauge(
            "dellm_messages_in_progress", "Messages that are being handled.", by_handler, registry=own
        )
        self.redeliveries = Counter(
            "dellm_redeliveries", "Messages that had been delivered before.", by_handler, registry=own
        )
        self.dead_letters = Counter(
            "dellm_dead_letters", "Messages that were put aside for inspection.", by_handler, registry=own
        )
        self.queue = Gauge(
            "dellm_queue_messages", "Messages that wait, as last heard from the server.", ("queue",), registry=own
        )
        self.deaths = Counter(
            "dellm_service_deaths", "Services that died and were begun again.", ("service",), registry=own
        )

        # --- queries ------------------------------------------------------------------------------------------------
        self.admissions = Counter(
            "dellm_admissions", "Queries by whether they were let in: admitted, refused.", ("outcome",), registry=own
        )
        self.queries = Gauge("dellm_queries_in_flight", "Queries that this process let in and that run.", registry=own)
        self.replies = Counter(
            "dellm_replies", "Replies sent to clients by status and error.", ("status", "error"), registry=own
        )
        self.parts = Counter(
            "dellm_parts", "Parts of sealed queries by how they were decided.", ("kind", "decided"), registry=own
        )
        self.votes = Counter(
            "dellm_votes",
            "Nodes that were asked: their vote won, lost, or is missing.",
            ("kind", "outcome"),
            registry=own,
        )
        self.escalations = Counter(
            "dellm_escalations", "Times that one more node was asked, for doubt or failure.", ("kind",), registry=own
        )
        self.checks = Counter("dellm_checks", "Demands on answers.", ("family", "met"), registry=own)
        self.confidence = Histogram(
            "dellm_confidence", "Confidence of answered parts.", ("kind",), buckets=SHARES, registry=own
        )
        self.wordings = Counter(
            "dellm_wordings",
            "How answers were worded; a fallback is a plain join in place of what the model wrote.",
            ("method", "fallback"),
            registry=own,
        )

        # --- models -------------------------------------------------------------------------------------------------
        self.generations = Counter(
            "dellm_generations", "Generations by how they ended.", ("model", "finish"), registry=own
        )
        self.generation_seconds = Histogram(
            "dellm_generation_seconds",
            "Where the time of generations went: queued, prefill (until the first token), decode.",
            ("model", "stage"),
            buckets=HANDLER_S,
            registry=own,
        )
        self.tokens = Counter(
            "dellm_tokens", "Tokens of prompts (in) and answers (out).", ("model", "direction"), registry=own
        )

        # --- the pool -----------------------------------------------------------------------------------------------
        self.nodes = Gauge("dellm_nodes", "Nodes that are alive, as a decomposer sees it.", registry=own)

        # --- HTTP ---------------------------------------------------------------------------------------------------
        self.requests = Counter("dellm_requests", "Requests by route and status.", ("route", "status"), registry=own)
        self.requests_in_flight = Gauge(
            "dellm_requests_in_flight", "Requests whose answer has not begun.", registry=own
        )
        self.request_seconds = Histogram(
            "dellm_request_seconds",
            "Until the answer, or its stream, begins.",
            ("route",),
            buckets=SECONDS,
            registry=own,
        )
        self.first_token = Histogram(
            "dellm_first_token_seconds", "From the stream's begin to its first text.", buckets=SECONDS, registry=own
        )

    def render(self) -> bytes:
        """Write all figures as Prometheus reads them."""
        return generate_latest(self.registry)
