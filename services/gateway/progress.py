"""Write what happens to a query as server-sent events, for who watches it: what the votes say, never who asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import structs

from schemas.messages import Assembled, Decided, ModelAnswer, Piece, Reply, Result
from schemas.plans import Plan

MAX_EXCERPT_CHARS = 2000  # of what one model said; the reply holds the winner whole


def named_event(name: str, body: Any) -> str:
    """Give one server-sent event that has a name."""
    return f"event: {name}\ndata: {msgspec.json.encode(body).decode()}\n\n"


def told(message: Plan | Result | Decided | Assembled | Piece | Reply) -> str:
    """Give the event that tells of a message."""
    return _TELLING[type(message)](message)


def _plan(plan: Plan) -> str:
    chunks = [
        {"index": chunk.index, "text": chunk.text, "kind": chunk.kind, "depends_on": chunk.depends_on}
        for chunk in plan.chunks
    ]
    asked = [
        {
            "chunk": assignment.chunk,
            "node": assignment.node,
            "replica": assignment.replica,
            "fitness": assignment.fitness,
            "complaint": assignment.complaint,
        }
        for assignment in plan.assignments
    ]
    body = {
        "id": plan.id,
        "revision": plan.revision,
        "created_at": plan.created_at,
        "deadline_at": plan.deadline_at,
        "chunks": chunks,
        "asked": asked,
        "cached": sorted(plan.cached),
    }
    return named_event("plan", body)


def _result(result: Result) -> str:
    chosen = result.answers[result.chosen] if result.chosen is not None else None
    body = {
        "chunk": result.chunk,
        "node": result.node,
        "final": chosen.final[:MAX_EXCERPT_CHARS] if chosen else None,
        "confidence": result.confidence,
        "latency_s": result.latency_s,
        "error": result.error,
        "checks": result.checks,
        "answers": [_said(answer) for answer in result.answers],
    }
    return named_event("result", body)


def _said(answer: ModelAnswer) -> dict[str, Any]:
    return {
        "model": answer.model,
        "method": answer.method,
        "final": answer.final[:MAX_EXCERPT_CHARS],
        "completion_tokens": answer.completion_tokens,
        "latency_s": answer.latency_s,
    }


def _decided(decided: Decided) -> str:
    return named_event("decided", decided.outcome.lean())


def _assembled(assembled: Assembled) -> str:
    outcomes = [outcome.lean() for outcome in assembled.outcomes]
    return named_event("assembled", {"status": assembled.status, "chunks": outcomes})


def _piece(piece: Piece) -> str:
    return named_event("piece", {"index": piece.index, "text": piece.text, "revised": piece.revised})


def _answer(reply: Reply) -> str:
    return named_event("answer", structs.replace(reply, chunks=[outcome.lean() for outcome in reply.chunks]))


_TELLING: dict[type, Callable[[Any], str]] = {
    Plan: _plan,
    Result: _result,
    Decided: _decided,
    Assembled: _assembled,
    Piece: _piece,
    Reply: _answer,
}
