"""Whether a receipt holds: the node's key is known, the signature is that key's, and what was signed is what is shown.

Pure: the known keys are handed in.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec
from msgspec import Struct, structs

from schemas.messages import ChunkOutcome, Reply, Result, Vote
from schemas.plans import Chunk, Given
from schemas.receipts import ModelFile, Receipt
from schemas.terms import CALCULATOR
from services.kinds.question import question
from services.kinds.table import named
from services.receipts.keys import NodeKeys
from services.receipts.signature import holds
from services.receipts.statement import NotSigned, Statement, check_result, check_vote, hash_text
from services.voting.calculator import calculate


class Finding(Struct, frozen=True, kw_only=True):
    """What became of the check of a vote, or of a chunk as a whole (`node` is empty).

    `reason` is why it does not hold, None where it does.  `files` are those of the models that the node asked, `model`
    is the one whose answer it chose.
    """

    chunk: int
    node: str = ""
    reason: str | None = None
    model: str = ""
    final: str = ""
    won: bool = False
    files: list[ModelFile] = []
    engine: str = ""


def opened(receipt: Receipt | None, node: str, keys: NodeKeys) -> Statement:
    """Give what a node signed.  Raises NotSigned where the signature is none of its known keys."""
    if receipt is None:
        raise NotSigned("it is not signed")
    if node not in keys:
        raise NotSigned("no key of this node is known")
    if receipt.key not in keys[node]:
        raise NotSigned(f"its key {receipt.key[:60]} is not known as this node's")
    if not holds(receipt.key, receipt.statement, receipt.signature):
        raise NotSigned("the signature does not hold")
    try:
        return msgspec.json.decode(receipt.statement, type=Statement)
    except msgspec.DecodeError as error:
        raise NotSigned(f"what was signed can't be read: {error}") from None


def check(result: Result, chunk: Chunk, given: Sequence[Given], keys: NodeKeys) -> None:
    """See that a result was signed by its node in answer to this chunk.  Raises NotSigned."""
    check_result(opened(result.receipt, result.node, keys), result, chunk, given)


def check_reply(reply: Reply, keys: NodeKeys) -> Iterator[Finding]:
    """Check each vote of a reply, and that what won, and the answer where it is that alone, is what a node signed."""
    for outcome in reply.chunks:
        backing = _Backing()
        for vote in outcome.votes:
            yield _check_vote(vote, outcome, reply.id, keys, backing)
        if reason := backing.lacks(outcome):
            yield Finding(chunk=outcome.index, final=outcome.final or "", reason=reason)
    if reply.synthesis is not None and reply.synthesis.method == "verbatim":
        winner = reply.chunks[0].winner if reply.chunks else None
        if winner is None or not reply.answer.endswith(winner):
            yield Finding(chunk=0, final=reply.answer, reason="the answer is another text than the winner")


class _Backing:
    """The hashes of the texts and of the final answers that stand behind a chunk's winner."""

    def __init__(self) -> None:
        self.texts: set[str] = set()
        self.finals: set[str] = set()

    def lacks(self, outcome: ChunkOutcome) -> str | None:
        """Say why nothing that was signed stands behind a chunk's winner; None where something does."""
        if outcome.winner is None:
            return None
        if outcome.source is not None:
            return f"it was voted on in query {outcome.source.query}, which has the votes"
        if not outcome.votes:
            return "its votes are not on record"
        mended = any(check.repaired for check in outcome.checks)
        final_is_signed = hash_text(outcome.final or "") in self.finals
        text_is_signed = mended or hash_text(outcome.winner) in self.texts
        return None if final_is_signed and text_is_signed else "no vote that holds says what won"


def _check_vote(vote: Vote, outcome: ChunkOutcome, query_id: str, keys: NodeKeys, backing: _Backing) -> Finding:
    told = Finding(chunk=outcome.index, node=vote.node, model=vote.model, final=vote.final, won=vote.won)
    if vote.node == CALCULATOR:
        computed = _computed(outcome)
        if computed is None or computed != vote.final:
            return structs.replace(told, reason=f"computed again it is {computed or 'nothing'}")
        backing.finals.add(hash_text(computed))
        backing.texts.add(hash_text(computed))
        return told
    try:
        statement = opened(vote.receipt, vote.node, keys)
        check_vote(statement, vote, outcome, query_id)
    except NotSigned as error:
        return structs.replace(told, reason=str(error))
    backing.finals.update(answer.final for answer in statement.result.answers)
    backing.texts.update(answer.text for answer in statement.result.answers)
    return structs.replace(told, files=statement.models, engine=statement.engine)


def _computed(outcome: ChunkOutcome) -> str | None:
    """Give what the calculator makes of a chunk, which anybody can compute again."""
    stated = named(outcome.kind).stated
    return calculate(question(outcome.text, outcome.context, outcome.given)) if stated else None
