"""What a node signs of a result, and whether a result, or a vote on record, is what was signed.

A statement is the result itself.  Each text in it gives way to its SHA-256, so that a reply need not carry it twice.
With it go the question that was put, and which files and which library answered.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

import msgspec
from msgspec import structs

from schemas.messages import ChunkOutcome, ModelAnswer, Result, Vote
from schemas.plans import Chunk, Given, Task
from schemas.receipts import ModelFile
from schemas.terms import Message


class Statement(Message, frozen=True, kw_only=True):
    """A result as its node signs it.

    `asked` is the SHA-256 of the question, `models` are the files of the models in `result`, `engine` is the library
    that computed, with its version.
    """

    asked: str
    result: Result
    models: list[ModelFile]
    engine: str

    def file_of(self, model: str) -> ModelFile:
        """Give the file of a model by its name."""
        return next((file for file in self.models if file.model == model), ModelFile(model=model))


class NotSigned(ValueError):  # noqa: N818  # named for its cause
    """What is shown is not what was signed; the text says in what it differs."""


def make_statement(result: Result, task: Task, files: Sequence[ModelFile], engine: str) -> Statement:
    """State what a node answered to a task; `files` are those of all its models."""
    used = {answer.model for answer in result.answers}
    return Statement(
        asked=hash_question(task.text, task.kind, task.context, task.given),
        result=without_texts(result),
        models=[file for file in files if file.model in used],
        engine=engine,
    )


def canonical(statement: Statement) -> str:
    """Write a statement as one JSON text: fields in the order of the structs, no spaces."""
    return msgspec.json.encode(statement).decode()


def hash_text(text: str) -> str:
    """Give the SHA-256 of a text."""
    return "sha256:" + sha256(text.encode(errors="surrogatepass")).hexdigest()


def hash_question(text: str, kind: str, context: str, given: Sequence[Given]) -> str:
    """Give the SHA-256 of what a node is asked: a JSON list of text, kind, context, and pairs of earlier answers."""
    pairs = [(earlier.question, earlier.answer) for earlier in given]
    return "sha256:" + sha256(msgspec.json.encode((text, kind, context, pairs))).hexdigest()


def without_texts(result: Result) -> Result:
    """Put hashes in the places of a result's texts, and leave its receipt out."""
    return structs.replace(result, answers=[_without_text(answer) for answer in result.answers], receipt=None)


def check_result(statement: Statement, result: Result, chunk: Chunk, given: Sequence[Given]) -> None:
    """See that a result is the one that was signed, in answer to this chunk.  Raises NotSigned."""
    signed, shown = statement.result, without_texts(result)
    _check_place(signed, result.id, result.chunk, result.node)
    if statement.asked != hash_question(chunk.text, chunk.kind, chunk.context, given):
        raise NotSigned("it was signed for another question")
    _check_same(signed, shown, Result.__struct_fields__)


def check_vote(statement: Statement, vote: Vote, outcome: ChunkOutcome, query_id: str) -> None:
    """See that a vote on record is what was signed, in answer to its chunk.  Raises NotSigned."""
    signed = statement.result
    _check_place(signed, query_id, outcome.index, vote.node)
    if statement.asked != hash_question(outcome.text, outcome.kind, outcome.context, outcome.given):
        raise NotSigned("it was signed for another question")
    _check_same(signed, vote, ("confidence", "latency_s"))
    if signed.chosen is None:
        raise NotSigned("what was signed holds no answer")
    chosen = signed.answers[signed.chosen]
    if (chosen.model, chosen.text, chosen.final) != (vote.model, hash_text(vote.answer), hash_text(vote.final)):
        raise NotSigned("another answer was signed")
    if vote.answers and [_without_text(answer) for answer in vote.answers] != signed.answers:
        raise NotSigned("it was signed with other answers of its models")


def _check_place(signed: Result, query_id: str, chunk: int, node: str) -> None:
    if signed.node != node:
        raise NotSigned(f"it was signed as {signed.node}")
    if (signed.id, signed.chunk) != (query_id, chunk):
        raise NotSigned(f"it was signed for chunk {signed.chunk + 1} of query {signed.id}")


def _check_same(signed: Result, shown: Result | Vote, fields: Sequence[str]) -> None:
    differing = [field for field in fields if getattr(signed, field) != getattr(shown, field)]
    if differing:
        raise NotSigned(f"it was signed with other {', '.join(differing)}")


def _without_text(answer: ModelAnswer) -> ModelAnswer:
    return structs.replace(answer, text=hash_text(answer.text), final=hash_text(answer.final))
