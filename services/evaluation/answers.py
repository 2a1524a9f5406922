"""Files of answers: JSON Lines, one row a question, appended to as the answers come."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import msgspec
from msgspec import Struct

from schemas.messages import ChunkOutcome, Error, Reply, Synthesis, Timings
from schemas.terms import ErrorCode, Policy, Status
from services.evaluation.rows import EvaluationError, read_rows

# Causes that say nothing of what the question deserves: asked again, it may be answered.
PASSING = frozenset({ErrorCode.NO_NODES, ErrorCode.OVERLOADED, ErrorCode.CANCELLED, ErrorCode.INTERNAL})


class Answer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was answered to the question `id`, `seconds` after it was asked.

    Of the pipeline: the `query_id` and `policy` under which it was asked, and the reply's `chunks`, `synthesis` and
    `timings`.  Of a `model` alone: its tokens, and why it ended (`finish`: stop, length, loop or deadline).
    `first_text_s` is when its first words could be read, `passed` whether its code passed the question's tests (None:
    they were not run).  A row that another program wrote needs no more than `id` and `answer`.
    """

    id: str
    answer: str = ""
    seconds: float | None = None
    status: Status | None = None
    error: Error | None = None
    query_id: str | None = None
    policy: Policy | None = None
    chunks: list[ChunkOutcome] = []
    synthesis: Synthesis | None = None
    timings: Timings | None = None
    model: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    finish: str | None = None
    first_text_s: float | None = None
    passed: bool | None = None

    @property
    def is_final(self) -> bool:
        """Whether the question need not be asked again; it must be where the cause of its failure may pass."""
        return self.error is None or self.error.code not in PASSING


def from_reply(id_: str, reply: Reply, policy: Policy, seconds: float) -> Answer:
    """Keep the pipeline's whole reply as the answer to question `id_`."""
    return Answer(
        id=id_,
        answer=reply.answer,
        seconds=seconds,
        status=reply.status,
        error=reply.error,
        query_id=reply.id,
        policy=policy,
        chunks=reply.chunks,
        synthesis=reply.synthesis,
        timings=reply.timings,
    )


def read_answers(path: Path) -> dict[str, Answer]:
    """Read answers by question; of two to the same question the later counts, and a torn last row does not.

    Raises:
        EvaluationError: the file cannot be read, or a row is no answer.

    """
    return {row.id: row for _, row in read_rows(path, Answer, may_be_torn=True)}


class AnswerFile:
    """A file of answers that grows: what it holds `already`, and `append`."""

    def __init__(self, already: dict[str, Answer], file: BinaryIO) -> None:
        self.already = already
        self._file = file

    def append(self, answer: Answer) -> None:
        """Add a row; it is in the file when this returns."""
        self._file.write(msgspec.json.encode(answer) + b"\n")
        self._file.flush()


@contextmanager
def appending(path: Path, *, policy: Policy | None, model: str | None) -> Iterator[AnswerFile]:
    """Go on with a file, or make it with its folder.  A torn last row is cut off.

    Raises:
        EvaluationError: it cannot be read or written, or holds answers that were made under another policy, or by
            another model.

    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        already = read_answers(path)
        file = path.open("r+b")
    except OSError as error:
        raise EvaluationError(f"{path}: {error.strerror or error}") from None
    with file:
        if any((answer.policy, answer.model) != (policy, model) for answer in already.values()):
            raise EvaluationError(f"{path}: holds answers of another policy or model; give another --out")
        _mend(file)
        yield AnswerFile(already, file)


def _mend(file: BinaryIO) -> None:
    """Make the file end after its last whole row, and go there."""
    rows, _, last = file.read().rpartition(b"\n")
    keep = len(rows) + 1 if rows else 0
    file.seek(0, 2)
    if not last:
        return
    try:
        msgspec.json.decode(last, type=Answer)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):  # it may end within a character
        file.truncate(keep)
        file.seek(keep)
    else:
        file.write(b"\n")
