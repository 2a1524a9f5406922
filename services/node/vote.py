"""Two models' answers to one: which is sent on, and how likely it is right.

How likely each is right is told by its calibrated confidence; how fit the node is enters later, as fitness.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

from services.voting.calibration import CUT_OFF
from services.voting.equivalence import equivalent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from schemas.messages import ModelAnswer

# Calibration comes from other questions than this one: no answer is taken for certain or for impossible.
MIN_PROBABILITY, MAX_PROBABILITY = 0.01, 0.99


@dataclass(frozen=True, slots=True)
class Choice:
    """`chosen` indexes the answers; `agreed` says whether all that answered agree (None: only one did)."""

    chosen: int
    confidence: float
    agreed: bool | None


def choose(answers: Sequence[ModelAnswer], confidences: Sequence[float]) -> Choice | None:
    """Choose among the models' answers, each right with the probability given; None when none holds a final answer.

    Answers equivalent to the most probable one support it as independent evidence, p = 1 - (1 - pa)(1 - pb), and the
    best-worded of them (not cut off, then most probable, then shortest) is chosen.  With q the same of the dissenters,
    confidence is p(1 - q) / (1 - pq): the probability that it is right and they are not, given that not both can be.
    All of this is bounded to [0.01, 0.99], because models of one family err together, so that two that agree are less
    than independent, and a vote of weight 1 or 0 could never be outvoted or never count.
    """
    p = {i: _bounded(confidences[i]) for i, answer in enumerate(answers) if answer.final.strip()}
    if not p:
        return None
    best = max(p, key=lambda i: p[i])
    agreeing = [i for i in p if equivalent(answers[i].final, answers[best].final)]
    right = _any_right([p[i] for i in agreeing])
    others = _any_right([p[i] for i in p if i not in agreeing])
    return Choice(
        chosen=min(agreeing, key=lambda i: (answers[i].finish in CUT_OFF, -p[i], len(answers[i].text))),
        confidence=_bounded(right * (1 - others) / (1 - right * others)),
        agreed=len(agreeing) == len(p) if len(p) > 1 else None,
    )


def _any_right(probabilities: Sequence[float]) -> float:
    return _bounded(1 - prod(1 - p for p in probabilities)) if probabilities else 0.0


def _bounded(p: float) -> float:
    return min(MAX_PROBABILITY, max(MIN_PROBABILITY, p))
