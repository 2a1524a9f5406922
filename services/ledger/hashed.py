"""A record without texts: each text in it becomes its SHA-256.

Who wins and who agrees stays to be seen, since equal final answers of a chunk get the same hash.  A hash hides a text
from who reads the record, not from who guesses it and hashes the guess.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256

from msgspec import structs

from schemas.commands import Feedback
from schemas.ledger import Sealed
from schemas.messages import Assembled, Check, ChunkOutcome, Error, ModelAnswer, Vote
from schemas.plans import Given
from schemas.terms import PlannedCall
from services.voting.equivalence import equivalent
from services.voting.vote import classes


def hash_of(text: str) -> str:
    """Give a text's hash, of an empty one nothing."""
    return f"sha256:{sha256(text.encode()).hexdigest()}" if text else ""


def sealed(assembled: Assembled, feedback: Sequence[Feedback] = ()) -> Sealed:
    """Make the record of a query that holds no text of it."""
    names = {outcome.index: _Names(_finals(outcome)) for outcome in assembled.outcomes}
    first = next(iter(names.values()), _Names(()))
    return Sealed(
        id=assembled.id,
        assembled=structs.replace(
            assembled,
            query=hash_of(assembled.query),
            reply="",
            outcomes=[_outcome(outcome, names[outcome.index]) for outcome in assembled.outcomes],
            error=Error(code=assembled.error.code, message="") if assembled.error is not None else None,
            notes=[],
        ),
        feedback=[
            structs.replace(said, answer=names.get(said.chunk or 0, first).of(said.answer))
            if said.answer is not None
            else said
            for said in feedback
        ],
    )


class _Names:
    """The hashes of final answers: one for all that are equal, that of the first."""

    def __init__(self, finals: Iterable[str]) -> None:
        self._firsts = [members[0] for members in classes(dict.fromkeys(finals), lambda final: final)]

    def of(self, final: str) -> str:
        """Give the hash of a final answer."""
        return hash_of(next((first for first in self._firsts if equivalent(first, final)), final))


def _finals(outcome: ChunkOutcome) -> list[str]:
    """List the final answers, the winner's first."""
    said = [answer.final for vote in outcome.votes for answer in vote.answers]
    finals = [outcome.final or "", *(vote.final for vote in outcome.votes), *said]
    return [final for final in finals if final]


def _outcome(outcome: ChunkOutcome, names: _Names) -> ChunkOutcome:
    return structs.replace(
        outcome,
        text=hash_of(outcome.text),
        context=hash_of(outcome.context),
        winner=hash_of(outcome.winner) if outcome.winner is not None else None,
        final=names.of(outcome.final) if outcome.final else outcome.final,
        votes=[_vote(vote, names) for vote in outcome.votes],
        given=[Given(question=hash_of(given.question), answer=hash_of(given.answer)) for given in outcome.given],
        checks=[_check(check) for check in outcome.checks],
        calls=[_call(call) for call in outcome.calls],
    )


def _vote(vote: Vote, names: _Names) -> Vote:
    return structs.replace(
        vote,
        answer=hash_of(vote.answer),
        final=names.of(vote.final) if vote.final else "",
        answers=[_answer(answer, names) for answer in vote.answers],
        receipt=None,
    )


def _answer(answer: ModelAnswer, names: _Names) -> ModelAnswer:
    return structs.replace(
        answer,
        text=hash_of(answer.text),
        final=names.of(answer.final) if answer.final else "",
        calls=[_call(call) for call in answer.calls],
    )


def _call(call: PlannedCall) -> PlannedCall:
    return structs.replace(call, name=hash_of(call.name), arguments=hash_of(call.arguments))


def _check(check: Check) -> Check:
    """Keep which family of demands was met or not; what was demanded quotes the request."""
    return structs.replace(
        check,
        demand=hash_of(check.demand),
        reason=hash_of(check.reason) if check.reason is not None else None,
    )
