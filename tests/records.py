"""Records as tests need them, of which a test names what it is about."""

from __future__ import annotations

from typing import Any

from schemas.messages import ModelAnswer


def said(final: str, **fields: Any) -> ModelAnswer:
    """Make what model "m" said: nothing but its final answer, fluently, to the end."""
    usual: dict[str, Any] = {
        "model": "m",
        "text": final,
        "logprob": -0.1,
        "prompt_tokens": 1,
        "completion_tokens": 1,
        "latency_s": 0.1,
        "finish": "stop",
    }
    fields = usual | fields
    return ModelAnswer(final=final, **fields)
