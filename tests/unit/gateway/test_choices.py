from __future__ import annotations

from schemas.messages import Check, ChunkOutcome, Missing, ModelAnswer, Reply, Vote
from schemas.terms import Status
from services.gateway.choices import choices, is_voted_on, reasoning


def said(final: str, model: str = "a") -> ModelAnswer:
    return ModelAnswer(
        model=model,
        text=f"It is {final}.",
        final=final,
        logprob=-0.1,
        prompt_tokens=1,
        completion_tokens=1,
        latency_s=1.0,
        finish="stop",
    )


def vote(node: str, *finals: str, weight: float, won: bool = False) -> Vote:
    return Vote(
        node=node,
        model="a",
        answer=f"It is {finals[0]}.",
        final=finals[0],
        weight=weight,
        confidence=0.5,
        fitness=0.5,
        won=won,
        latency_s=1.0,
        answers=[said(final, model) for final, model in zip(finals, "ab", strict=False)],
    )


VOTES = [
    vote("n1", "96", "97", weight=2.0, won=True),
    vote("n2", "94", "95", weight=1.0),
    vote("n3", "96.0", "94", weight=1.5, won=True),
    vote("n4", "95", weight=1.2),
]
OUTCOME = ChunkOutcome(
    index=0,
    text="What is 12 times 8?",
    kind="sum",
    decided="all",
    winner="It is 96.",
    final="96",
    votes=VOTES,
    missing=[Missing(node="n5", reason="no answer in time")],
    checks=[Check(family="digits", demand="in digits", reason="is in words")],
)
REPLY = Reply(id="q1", status=Status.COMPLETE, answer="It is 96.", chunks=[OUTCOME])


def test_each_class_of_answers_is_one_choice_the_answer_first() -> None:
    found = choices(REPLY, 8)
    assert [(choice.final, choice.weight, choice.voters) for choice in found] == [
        ("96", 3.5, ["n1", "n3"]),
        ("95", 1.2, ["n4"]),
        ("94", 1.0, ["n2"]),
        ("97", 0.0, []),
    ]
    assert found[0].text == "It is 96."


def test_no_more_than_are_wanted() -> None:
    assert len(choices(REPLY, 2)) == 2
    assert len(choices(Reply(id="q1", status=Status.COMPLETE, answer="x"), 2)) == 1


def test_what_is_voted_on() -> None:
    assert is_voted_on(["fact"])
    assert not is_voted_on(["text"])
    assert not is_voted_on(["fact", "fact"])


def test_the_votes_are_told_in_words() -> None:
    told = reasoning(REPLY)
    assert "n1 (a) votes for it, weight 2.00: 96" in told
    assert "n2 (a) votes against it" in told
    assert "n5 has no vote: no answer in time" in told
    assert "not met: is in words" in told
