"""Write a response as OpenAI's clients and the Open Responses specification read it."""

from __future__ import annotations

from typing import Any

from schemas.messages import Reply
from schemas.responses import StoredResponse
from schemas.terms import ErrorCode, Status
from services.gateway.completion import described, finish_of, usage
from services.gateway.responses.request import PREFIX

QUEUED, IN_PROGRESS, COMPLETED, INCOMPLETE = "queued", "in_progress", "completed", "incomplete"
FAILED, CANCELLED = "failed", "cancelled"


def status_of(reply: Reply) -> str:
    """Tell how a response ended; an answer that was cut off or misses a part is incomplete."""
    if reply.error is not None:
        return CANCELLED if reply.error.code is ErrorCode.CANCELLED else FAILED
    return COMPLETED if finish_of(reply) == "stop" and reply.status is Status.COMPLETE else INCOMPLETE


def resource(
    response: StoredResponse, status: str, reply: Reply | None = None, *, item: int = 0, store: bool = True
) -> dict[str, Any]:
    """Give the response; `item` is the index that its answer had in a stream."""
    generation, told = response.generation, response.told
    error = reply.error if reply is not None and status == FAILED else None
    return {
        "id": f"{PREFIX}{response.id}",
        "object": "response",
        "created_at": response.created_at,
        "completed_at": _completed_at(response, reply) if status in {COMPLETED, INCOMPLETE} else None,
        "status": status,
        "background": response.background,
        "error": None if error is None else {"code": error.code.value, "message": error.message},
        "incomplete_details": _why_incomplete(reply) if reply is not None and status == INCOMPLETE else None,
        "instructions": response.instructions,
        "max_output_tokens": generation.max_tokens,
        "max_tool_calls": None,
        "model": response.model,
        "output": _output(response, reply, item),
        "parallel_tool_calls": True,
        "previous_response_id": None if response.previous is None else f"{PREFIX}{response.previous}",
        "reasoning": None,
        "service_tier": "default",
        "store": store,
        "temperature": 1.0 if generation.temperature is None else generation.temperature,
        "text": {"format": _format(response)},
        "tool_choice": "none",
        "tools": [],
        "top_logprobs": 0,
        "top_p": 1.0 if generation.top_p is None else generation.top_p,
        "presence_penalty": 0.0,
        "frequency_penalty": 0.0,
        "truncation": "auto",
        "usage": None if reply is None else _usage(reply),
        "user": told.get("user"),
        "metadata": told.get("metadata", {}),
        "safety_identifier": told.get("safety_identifier"),
        "prompt_cache_key": told.get("prompt_cache_key"),
        "dellm": None if reply is None else described(reply),
    }


def message(id_: str, item: int, status: str, *texts: str) -> dict[str, Any]:
    """Give an item of the output: the answer, or a draft of it."""
    return {
        "id": f"msg_{id_}-{item}",
        "type": "message",
        "status": status,
        "role": "assistant",
        "content": [text_part(text) for text in texts],
    }


def text_part(text: str) -> dict[str, Any]:
    """Give the content of a message."""
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _output(response: StoredResponse, reply: Reply | None, item: int) -> list[dict[str, Any]]:
    if reply is None or reply.error is not None:
        return []
    return [message(response.id, item, status_of(reply), reply.answer)]


def _completed_at(response: StoredResponse, reply: Reply | None) -> int:
    """Tell when it ended, by what is stored: any gateway says the same."""
    took_s = reply.timings.total_s if reply is not None and reply.timings is not None else 0.0
    return response.created_at + round(took_s)


def _why_incomplete(reply: Reply) -> dict[str, str]:
    return {"reason": "max_output_tokens" if finish_of(reply) == "length" else "partial"}


def _usage(reply: Reply) -> dict[str, Any]:
    spent = usage(reply)
    return {
        "input_tokens": spent["prompt_tokens"],
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": spent["completion_tokens"],
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": spent["total_tokens"],
    }


def _format(response: StoredResponse) -> dict[str, Any]:
    wanted = response.generation.response_format
    if wanted is None:
        return {"type": "text"}
    if wanted.schema_ is None:
        return {"type": wanted.type}
    return {"type": wanted.type, "name": "answer", "description": None, "schema": wanted.schema_, "strict": True}
