from __future__ import annotations

from typing import Any

import msgspec

from schemas.commands import Query
from schemas.messages import ChunkOutcome, Error, ModelAnswer, Reply, Vote
from schemas.terms import ErrorCode, Status
from services.gateway.chat import Asked
from services.gateway.chats import ending

ASKED = Asked(query=Query(query="Hi", id="q1"), model="dellm", stream=True)


def events_of(reply: Reply, streamed: str, asked: Asked = ASKED) -> list[dict[str, Any]]:
    return [msgspec.json.decode(event.removeprefix("data: ")) for event in ending(reply, streamed, asked, 0)]


def test_what_was_not_streamed_is_sent_at_the_end() -> None:
    content, last = events_of(Reply(id="q1", status=Status.COMPLETE, answer="Lima."), "Li")
    assert content["choices"][0]["delta"] == {"content": "ma."}
    assert last["choices"][0]["finish_reason"] == "stop"
    assert "revised" not in last["dellm"]


def test_a_revised_answer_is_told_in_the_last_event() -> None:
    (last,) = events_of(Reply(id="q1", status=Status.COMPLETE, answer="Lima."), "Quito")
    assert last["dellm"]["revised"] is True
    assert last["dellm"]["answer"] == "Lima."


def test_usage_sums_all_voters_and_a_cut_text_says_so() -> None:
    said = ModelAnswer(
        model="a",
        text="x",
        final="x",
        logprob=-1.0,
        prompt_tokens=3,
        completion_tokens=2,
        latency_s=1.0,
        finish="length",
    )
    votes = [
        Vote(
            node=node,
            model="a",
            answer="x",
            final="x",
            weight=1.0,
            confidence=0.5,
            fitness=0.5,
            won=True,
            latency_s=1.0,
            answers=[said],
        )
        for node in ("n1", "n2")
    ]
    outcome = ChunkOutcome(index=0, text="Hi", kind="text", decided="all", votes=votes, finish="length")
    reply = Reply(id="q1", status=Status.COMPLETE, answer="x", chunks=[outcome])
    asked = msgspec.structs.replace(ASKED, include_usage=True)
    *_, last, spent = events_of(reply, "x", asked)
    assert last["choices"][0]["finish_reason"] == "length"
    assert spent["choices"] == []
    assert spent["usage"] == {"prompt_tokens": 6, "completion_tokens": 4, "total_tokens": 10}


def test_an_error_ends_a_stream() -> None:
    failed = Reply(id="q1", status=Status.FAILED, error=Error(code=ErrorCode.DEADLINE, message="too late"))
    (last,) = events_of(failed, "Li")
    assert last["error"]["code"] == "deadline"
