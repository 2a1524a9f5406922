"""The count of a vote: ballots fall into classes of equivalent answers, and the class with the highest score wins.

It does not know where weights come from, nor how a class is scored: that is a rule's to say.  Weights lie in [0, 1].
"""

from __future__ import annotations

from dataclasses import dataclass
from math import fsum
from typing import TYPE_CHECKING, TypeVar

from schemas.messages import Vote
from services.voting.equivalence import equivalent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from schemas.messages import Result

V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Ballot:
    """A voter's answer: the whole `text`, the `final` answer in it, which is what is compared, and its weight.

    `source` is the (model, method) that it comes from; ballots of one source err together.  `fit` is False for a voter
    that is known to be worse than others.
    """

    voter: str
    text: str
    final: str
    weight: float
    source: tuple[str, str] = ("", "")
    fit: bool = True

    def __post_init__(self) -> None:
        if not 0 <= self.weight <= 1:
            raise ValueError(f"weight of {self.voter} must lie in [0, 1], not be {self.weight}")


@dataclass(frozen=True, slots=True)
class Tally:
    """How a vote stands.

    `members` are the ballots of the winning class, `winner` the best-worded of them, `scores` those of all classes, the
    winner's first (the highest).  `agreement` is the winning class's share of all weight (0 if
    there is none).
    """

    winner: Ballot
    members: tuple[Ballot, ...]
    scores: tuple[float, ...]
    agreement: float

    @property
    def margin(self) -> float:
        """The winning class's lead over the next, or over none if it stands alone."""
        return self.scores[0] - max(self.scores[1:], default=0.0)


def classes(voters: Iterable[V], final: Callable[[V], str]) -> list[list[V]]:
    """Group those whose final answers are equivalent; one joins the first class whose first member says the same."""
    found: list[list[V]] = []
    for voter in voters:
        home = next((members for members in found if equivalent(final(members[0]), final(voter))), None)
        if home is None:
            found.append([voter])
        else:
            home.append(voter)
    return found


def weight_of(ballots: Sequence[Ballot], _: Sequence[Ballot] = ()) -> float:
    """Return the sum of the weights."""
    return fsum(ballot.weight for ballot in ballots)


def tally(
    ballots: Sequence[Ballot],
    score: Callable[[Sequence[Ballot], Sequence[Ballot]], float] = weight_of,
) -> Tally | None:
    """Count the ballots, in an order that does not depend on theirs; None without any.

    `score` is told the class's ballots and all, both in that order.  Equal scores: the class with more ballots, then
    with the first voter, wins.
    """
    ballots = sorted(ballots, key=lambda b: (b.voter, b.source, b.final, b.text, b.weight))
    if not ballots:
        return None
    grouped = classes(ballots, lambda ballot: ballot.final)
    scored = sorted(
        ((score(members, ballots), members) for members in grouped),
        key=lambda scored_class: (-scored_class[0], -len(scored_class[1])),
    )
    first = scored[0][1]  # the sort is stable: of equals the first voter's class stays ahead
    total = weight_of(ballots)
    return Tally(
        winner=min(first, key=_wording),
        members=tuple(first),
        scores=tuple(value for value, _ in scored),
        agreement=min(1.0, weight_of(first) / total) if total else 0.0,
    )


def _wording(ballot: Ballot) -> tuple[float, bool, int, str]:
    """Order a class by wording, best first: weight, then the shorter text that holds the final answer."""
    return -ballot.weight, ballot.final not in ballot.text, len(ballot.text), ballot.voter


def vote_of(result: Result, chosen: int, *, weight: float, fitness: float, won: bool) -> Vote:
    """Put a result on record as a vote, by the answer that was `chosen` of its models'."""
    answer = result.answers[chosen]
    return Vote(
        node=result.node,
        model=answer.model,
        answer=answer.text,
        final=answer.final,
        weight=weight,
        confidence=result.confidence,
        fitness=fitness,
        won=won,
        latency_s=result.latency_s,
        answers=result.answers,
        receipt=result.receipt,
    )
