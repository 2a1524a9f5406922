"""The weighted vote: ballots fall into classes of equivalent answers, and the heaviest class wins.

It does not know where weights come from.  Weights are finite and not negative, agreement lies in [0, 1].
"""

from __future__ import annotations

from dataclasses import dataclass
from math import fsum, isfinite
from typing import TYPE_CHECKING

from services.voting.equivalence import equivalent

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Ballot:
    """A voter's answer: the whole `text`, the `final` answer in it, which is what is compared, and its weight."""

    voter: str
    text: str
    final: str
    weight: float

    def __post_init__(self) -> None:
        if not (isfinite(self.weight) and self.weight >= 0):
            raise ValueError(f"weight of {self.voter} must be finite and not negative, not {self.weight}")


@dataclass(frozen=True, slots=True)
class Tally:
    """How a vote stands.

    `members` are the ballots of the winning class, `winner` the best-worded of them, `agreement` the class's share of
    all weight (0 if there is none), `margin` its lead over the next class (its whole weight if it stands alone).
    """

    winner: Ballot
    members: tuple[Ballot, ...]
    agreement: float
    margin: float


def tally(ballots: Sequence[Ballot]) -> Tally | None:
    """Count the ballots, in an order that does not depend on theirs; None without any.

    A ballot joins the first class whose first member it is equivalent to.  Equal weights: the class with more
    ballots, then with the first voter, wins.
    """
    classes: list[list[Ballot]] = []
    for ballot in sorted(ballots, key=lambda b: (b.voter, b.final, b.text, b.weight)):
        home = next((c for c in classes if equivalent(c[0].final, ballot.final)), None)
        if home is None:
            classes.append([ballot])
        else:
            home.append(ballot)
    if not classes:
        return None
    classes.sort(key=lambda c: (-_weight(c), -len(c)))  # stable: the first voter's class stays ahead
    first, *rest = classes
    total = _weight(ballots)
    return Tally(
        winner=min(first, key=_wording),
        members=tuple(first),
        agreement=min(1.0, _weight(first) / total) if total else 0.0,
        margin=_weight(first) - (_weight(rest[0]) if rest else 0.0),
    )


def settled(tally: Tally, outstanding: float) -> bool:
    """Whether `outstanding` more weight cannot change the winning class, even if one other class gets all of it.

    Exact for answers whose equivalence is transitive, as numbers are.  Where it is not, a later ballot could also
    regroup the earlier ones; that is not foreseen here.
    """
    return tally.margin > outstanding


def _weight(ballots: Sequence[Ballot]) -> float:
    return fsum(ballot.weight for ballot in ballots)


def _wording(ballot: Ballot) -> tuple[float, bool, int, str]:
    """Order a class by wording, best first: weight, then the shorter text that holds the final answer."""
    return -ballot.weight, ballot.final not in ballot.text, len(ballot.text), ballot.voter
