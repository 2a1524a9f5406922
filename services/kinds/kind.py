"""What a kind of request is: how it is recognised, asked, read, compared and told.

Pure.  A kind knows nothing of nodes, models or votes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from services.kinds.prompt import Prompt

MAX_COMPARABLE_WORDS = 5


class Sampling(Enum):
    """How tokens are drawn: the likeliest, at a temperature that varies the answer, or as the model's makers advise."""

    GREEDY = auto()
    VARIED = auto()
    ADVISED = auto()


@dataclass(frozen=True, slots=True)
class Way:
    """A method of asking, which picks the prompt, the reading and the calibration; and how tokens are drawn.

    `worth` is the least share of the best model's trust that another model of the node must have to be asked too: what
    costs many tokens is not worth a model that is far behind.
    """

    method: str
    sampling: Sampling = Sampling.GREEDY
    worth: float = 0.0


@dataclass(frozen=True, slots=True)
class Reading:
    """A model's text as it is shown, and the final answer in it, which is what is compared; empty if it has none."""

    text: str
    final: str


@dataclass(frozen=True, slots=True)
class Said:
    """What a model said to a question when it was asked by a method; `cut_off` where tokens or time ran out."""

    text: str
    question: str
    method: str
    cut_off: bool = False


def few_words(final: str) -> bool:
    """Tell whether an answer is short enough that another one may be the same."""
    return len(final.split()) <= MAX_COMPARABLE_WORDS


def always(_: str) -> bool:
    """Say yes of any answer."""
    return True


def no_options(_: str) -> int:
    """Say that the answers to choose from are not given."""
    return 0


def as_worded(winner: str, _: str) -> str:
    """Tell an answer as the model worded it."""
    return winner


def as_final(winner: str, final: str) -> str:
    """Tell a final answer without the steps that led to it."""
    return final or winner


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of request.

    `recognise` tells whether a request is of this kind.  `ways` gives the way of each replica in turn: the first time
    that a method comes it should be greedy, so that later replicas differ.  `prompt` puts a question by a method.
    `read` reads what was said.  `comparable` tells of a final answer whether others may say the same, so that one more
    is worth asking for.  `tell` words a winner and its final answer for a line among others.

    `voted` is False where answers cannot be compared: then the best member alone is asked, once.  An answer of
    confidence `enough` is worth no more replicas, and `replicas` bounds how many are worth asking for.  `fallback` is
    the way to ask again where no answer said anything.  `stated` says that the calculator may read the request
    outright.  `num_options` tells how many answers there are to choose from, 0 where they are not given: two who are
    wrong say the same the more often the fewer there are.
    """

    name: str
    recognise: Callable[[str], bool]
    ways: Callable[[str], Sequence[Way]]
    prompt: Callable[[str, str], Prompt]
    read: Callable[[Said], Reading]
    comparable: Callable[[str], bool] = few_words
    tell: Callable[[str, str], str] = as_worded
    voted: bool = True
    enough: float = 0.8
    replicas: int = 256
    fallback: Way | None = None
    stated: bool = False
    num_options: Callable[[str], int] = no_options
