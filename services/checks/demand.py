"""One demand that a request makes on its answer, and how a program verifies it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from services.checks.amount import Amount

Verify = Callable[[str], str | None]
Repair = Callable[[str], str]
GoesOn = Callable[[str], str | None]


@dataclass(frozen=True)
class Demand:
    """A demand: `told` in a few plain words ("at least 300 words"), verified on an answer.

    `verify` returns None where the answer meets the demand, else one line that says with figures what is wrong.
    `repair`, where there is one, mends an answer mechanically and keeps its meaning. `subject` names what is demanded
    about: two demands on one subject contradict each other where their amounts exclude each other, or, without
    amounts, where they are told differently.

    How to write an answer that meets it: begin with `opening`, leave out the words and signs in `avoid`, and go on with
    what `goes_on` says of an answer that has too few of something ("": with anything; None: it has enough).
    """

    family: str
    told: str
    verify: Verify = field(compare=False, repr=False)
    repair: Repair | None = field(default=None, compare=False, repr=False)
    subject: str = field(default="", compare=False, repr=False)
    amount: Amount | None = field(default=None, compare=False, repr=False)
    opening: str = field(default="", compare=False, repr=False)
    avoid: tuple[str, ...] = field(default=(), compare=False, repr=False)
    goes_on: GoesOn | None = field(default=None, compare=False, repr=False)

    def contradicts(self, other: Demand) -> bool:
        """Whether no answer can meet both."""
        if not self.subject or self.subject != other.subject or self.told == other.told:
            return False
        if self.amount is None or other.amount is None:
            return self.amount is other.amount
        return self.amount.excludes(other.amount)
