"""Write a reply as a chat completion, whole or in chunks."""

from __future__ import annotations

from typing import Any

from schemas.messages import ChunkOutcome, Reply
from schemas.plans import Plan
from services.gateway.chat import Asked
from services.gateway.choices import choices, reasoning
from services.gateway.tools import written


def completion(reply: Reply, asked: Asked, created: int) -> dict[str, Any]:
    """Give the whole chat completion."""
    told = {"reasoning_content": reasoning(reply)} if asked.reasoning else {}
    return {
        "id": f"chatcmpl-{reply.id}",
        "object": "chat.completion",
        "created": created,
        "model": asked.model,
        "choices": [
            {
                "index": index,
                "message": {"role": "assistant", **_said(reply, choice.text), "refusal": None, **told},
                "finish_reason": finish_of(reply),
                "logprobs": None,
                "dellm": {"weight": choice.weight, "voters": choice.voters},
            }
            for index, choice in enumerate(choices(reply, asked.num_choices))
        ],
        "usage": usage(reply),
        "dellm": described(reply),
    }


def chunk(id_: str, model: str, created: int, delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    """Give one event of a stream."""
    return {
        "id": f"chatcmpl-{id_}",
        "object": "chat.completion.chunk",
        "created": created,
        "model": model,
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}],
    }


def finish_of(reply: Reply) -> str:
    """Tell why the text ends: at a call of a tool, or `length` where any part was cut off."""
    if reply.calls:
        return "tool_calls"
    return "length" if any(outcome.finish == "length" for outcome in reply.chunks) else "stop"


def usage(reply: Reply) -> dict[str, int]:
    """Sum the tokens of all that voted; a reply that leaves out what each model said counts none."""
    answers = [answer for outcome in reply.chunks for vote in outcome.votes for answer in vote.answers]
    prompt = sum(answer.prompt_tokens for answer in answers)
    written = sum(answer.completion_tokens for answer in answers)
    return {"prompt_tokens": prompt, "completion_tokens": written, "total_tokens": prompt + written}


def confidence_of(reply: Reply) -> float:
    """Give the confidence of the part that is the least sure."""
    return min((outcome.confidence for outcome in reply.chunks), default=0.0)


def described(reply: Reply) -> dict[str, Any]:
    """Tell how the answer came to be."""
    counted = any(vote.answers for outcome in reply.chunks for vote in outcome.votes)
    return {
        "id": reply.id,
        "status": reply.status.value,
        "confidence": confidence_of(reply),
        "notes": reply.notes,
        "usage_counted": counted,
        "parts": [_part(outcome) for outcome in reply.chunks],
    }


def headers_of_plan(plan: Plan) -> dict[str, str]:
    """Tell what is known when a stream begins."""
    kinds = ",".join(dict.fromkeys(part.kind for part in plan.chunks))
    return {"dellm-kind": kinds, "dellm-parts": str(len(plan.chunks))}


def headers(reply: Reply) -> dict[str, str]:
    """Tell the same in short, for those who read headers."""
    return {
        "dellm-status": reply.status.value,
        "dellm-kind": ",".join(dict.fromkeys(outcome.kind for outcome in reply.chunks)),
        "dellm-parts": str(len(reply.chunks)),
        "dellm-confidence": f"{confidence_of(reply):.3f}",
        "dellm-votes": str(sum(len(outcome.votes) for outcome in reply.chunks)),
        "dellm-failed-checks": str(sum(check.reason is not None for part in reply.chunks for check in part.checks)),
    }


def rest_of(streamed: str, answer: str) -> str | None:
    """Give what is still to be sent, None when the answer does not begin with what was."""
    return answer[len(streamed) :] if answer.startswith(streamed) else None


def _said(reply: Reply, text: str) -> dict[str, Any]:
    """Give what a message says, and which tools it calls."""
    return {"content": text or None, "tool_calls": written(reply.calls)} if reply.calls else {"content": text}


def _part(outcome: ChunkOutcome) -> dict[str, Any]:
    votes = [
        {
            "node": vote.node,
            "model": vote.model,
            "final": vote.final,
            "weight": vote.weight,
            "confidence": vote.confidence,
            "won": vote.won,
        }
        for vote in outcome.votes
    ]
    return {
        "text": outcome.text,
        "kind": outcome.kind,
        "decided": outcome.decided,
        "confidence": outcome.confidence,
        "votes": votes,
        "missing": outcome.missing,
        "checks": outcome.checks,
    }
