"""Queries on record as tests need them: of a model of which it is known how likely it is right."""

from __future__ import annotations

from math import exp
from random import Random

from schemas.commands import Feedback
from schemas.messages import ChunkOutcome, Vote
from schemas.terms import Status
from services.ledger.calibrating import DAY_S
from services.ledger.kept import Kept
from tests.records import said


def query(number: int, day: int, final: str, logprob: float, model: str = "llama") -> Kept:
    answer = said(final, model=model, method="fact", logprob=logprob)
    vote = Vote(
        node="n1",
        model=model,
        answer=final,
        final=final,
        weight=0.5,
        confidence=0.5,
        fitness=0.5,
        won=True,
        latency_s=1,
        answers=[answer],
    )
    chunk = ChunkOutcome(
        index=0, text="the capital of Peru", kind="fact", decided="all", winner=final, final=final, votes=[vote]
    )
    return Kept(
        id=f"q{number}",
        query=f"What is capital {number}?",
        asked_at=day * DAY_S,
        sealed_at=day * DAY_S + number % 1000,
        status=Status.COMPLETE,
        answer=final,
        chunks=[chunk],
        feedback=[Feedback(id=f"q{number}", answer="Lima")],
    )


def record(num: int, days: int, at_zero: float, slope: float, seed: int = 1) -> list[Kept]:
    """Make queries to a model of which it is known how likely it is right."""
    random = Random(seed)
    made = []
    for number in range(num):
        logprob = -random.random()
        right = random.random() < 1 / (1 + exp(-(at_zero + slope * logprob)))
        made.append(query(number, number % days, "Lima" if right else "Quito", logprob))
    return made
