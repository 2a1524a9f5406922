"""Two models' answers to one: which is sent on, and how likely it is right.

A model's own probability is taken from its token log-probabilities alone; how good a model is at an operation is the
trainer's business, and enters as fitness later.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, prod
from typing import TYPE_CHECKING

from services.voting.equivalence import equivalent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from schemas.messages import ModelAnswer

# Token probabilities say how fluent an answer is, not that it is true: none is taken for certain or for impossible.
MIN_PROBABILITY, MAX_PROBABILITY = 0.01, 0.99
_CUT_OFF = frozenset({"length", "deadline"})


@dataclass(frozen=True, slots=True)
class Choice:
    """`chosen` indexes the answers; `agreed` says whether all that answered agree (None: only one did)."""

    chosen: int
    confidence: float
    agreed: bool | None


def choose(answers: Sequence[ModelAnswer]) -> Choice | None:
    """Choose among the models' answers; None when none holds a final answer.

    Answers equivalent to the most probable one support it as independent evidence, p = 1 - (1 - pa)(1 - pb), and the
    best-worded of them (not cut off, then most probable, then shortest) is chosen.  With q the same of the dissenters,
    confidence is p(1 - q) / (1 - pq): the probability that it is right and they are not, given that not both can be.
    All of this is bounded to [0.01, 0.99], because models of one family err together, so that two that agree are less
    than independent, and a vote of weight 1 or 0 could never be outvoted or never count.
    """
    p = {i: probability(answer) for i, answer in enumerate(answers) if answer.final.strip()}
    if not p:
        return None
    best = max(p, key=lambda i: p[i])
    agreeing = [i for i in p if equivalent(answers[i].final, answers[best].final)]
    right = _any_right([p[i] for i in agreeing])
    others = _any_right([p[i] for i in p if i not in agreeing])
    return Choice(
        chosen=min(agreeing, key=lambda i: (answers[i].finish in _CUT_OFF, -p[i], len(answers[i].text))),
        confidence=_bounded(right * (1 - others) / (1 - right * others)),
        agreed=len(agreeing) == len(p) if len(p) > 1 else None,
    )


def probability(answer: ModelAnswer) -> float:
    """Return the geometric mean probability of the answer's tokens, bounded.

    An answer that was cut off is worth less: its mean is multiplied by that of its least probable stretch, as if what
    is missing were such a stretch.
    """
    logprob = answer.logprob + (answer.min_logprob if answer.finish in _CUT_OFF else 0.0)
    return _bounded(exp(min(0.0, logprob)))


def _any_right(probabilities: Sequence[float]) -> float:
    return _bounded(1 - prod(1 - p for p in probabilities)) if probabilities else 0.0


def _bounded(p: float) -> float:
    return min(MAX_PROBABILITY, max(MIN_PROBABILITY, p))
