"""What a record leaves out, filled in from the results that the stream still holds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from msgspec import structs

from schemas.terms import CALCULATOR
from services.voting.vote import vote_of

if TYPE_CHECKING:
    from schemas.messages import ChunkOutcome, Result
    from schemas.plans import Assignment


def is_trimmed(outcome: ChunkOutcome) -> bool:
    """Tell whether a record leaves out what the models said of a chunk, or who voted on it."""
    if outcome.decided == "cached" or outcome.winner is None:
        return False
    return not outcome.votes or any(not vote.answers for vote in outcome.votes if vote.node != CALCULATOR)


def restored(outcome: ChunkOutcome, results: Iterable[Result], assignments: Sequence[Assignment]) -> ChunkOutcome:
    """Give an outcome the votes, and what each model said, that were left out where the record was too large.

    Of a vote that was left out altogether nobody knows which weight it had and whether it won: it is told as lost.
    """
    said = {str(result.node): result for result in results if result.chunk == outcome.index and result.answers}
    fitness = {str(task.node): task.fitness for task in assignments if task.chunk == outcome.index}
    votes = [
        structs.replace(vote, answers=said[vote.node].answers) if not vote.answers and vote.node in said else vote
        for vote in outcome.votes
    ]
    if not votes and not outcome.missing:
        votes = [
            vote_of(result, result.chosen, weight=0.0, fitness=fitness[node], won=False)
            for node in fitness
            if (result := said.get(node)) is not None and result.chosen is not None
        ]
    return structs.replace(outcome, votes=votes)
