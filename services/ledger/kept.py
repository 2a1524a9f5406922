"""A query as the ledger keeps it, put together of its messages, and which of many are asked for.  Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from msgspec import Struct, structs

from schemas.commands import Feedback
from schemas.ledger import Sealed
from schemas.messages import Assembled, ChunkOutcome, Error, Reply, Synthesis, Timings
from schemas.terms import CANARY, Status


class Kept(Struct, frozen=True, kw_only=True):
    """A query on record: what was asked, when (Unix seconds), how it was answered, and what was said of that.

    Where no texts are kept (`hashed`) each text is its hash, and the answer's is not there.  `feedback` holds what was
    said last of each chunk, and of all.
    """

    id: str
    query: str
    asked_at: float
    sealed_at: float
    status: Status
    answer: str = ""
    error: Error | None = None
    chunks: list[ChunkOutcome] = []
    synthesis: Synthesis | None = None
    timings: Timings | None = None
    notes: list[str] = []
    feedback: list[Feedback] = []
    hashed: bool = False

    @property
    def kinds(self) -> list[str]:
        """The kinds of its chunks, each once."""
        return list(dict.fromkeys(chunk.kind for chunk in self.chunks))

    @property
    def is_canary(self) -> bool:
        """Whether the trainer asked it."""
        return self.id.startswith(CANARY)

    @property
    def failed_checks(self) -> list[str]:
        """What was demanded and is not met."""
        return [check.demand for chunk in self.chunks for check in chunk.checks if check.reason is not None]


@dataclass
class _Pieces:
    """What was found of one query: its latest seal, the answer to that, and what was said of it."""

    assembled: Assembled | None = None
    hashed: bool = False
    reply: Reply | None = None
    feedback: dict[int | None, Feedback] = field(default_factory=dict)

    def kept(self) -> Kept | None:
        seal, reply = self.assembled, self.reply
        if seal is None:
            return None
        kept = Kept(
            id=seal.id,
            query=seal.query,
            asked_at=seal.created_at,
            sealed_at=seal.sealed_at,
            status=seal.status,
            error=seal.error,
            chunks=seal.outcomes,
            notes=seal.notes,
            feedback=list(self.feedback.values()),
            hashed=self.hashed,
        )
        if reply is None:
            return kept
        return structs.replace(
            kept,
            status=reply.status,
            answer=reply.answer,
            error=reply.error,
            synthesis=reply.synthesis,
            timings=reply.timings,
            notes=reply.notes,
        )


def put_together(messages: Iterable[Assembled | Reply | Feedback | Sealed]) -> list[Kept]:
    """Make queries of messages, in the order in which they were sealed.

    The messages of one query may come in any order; of an id that was used twice the later query counts.
    """
    found: dict[str, _Pieces] = {}
    for message in messages:
        pieces = found.setdefault(message.id, _Pieces())
        match message:
            case Assembled():
                pieces.assembled = _later(pieces.assembled, message)
            case Sealed():
                pieces.assembled, pieces.hashed = _later(pieces.assembled, message.assembled), True
                pieces.feedback.update({said.chunk: said for said in message.feedback})
            case Reply():
                pieces.reply = message
            case Feedback():
                pieces.feedback[message.chunk] = message
    queries = (kept for pieces in found.values() if (kept := pieces.kept()) is not None)
    return sorted(queries, key=lambda kept: kept.sealed_at)


def _later(known: Assembled | None, found: Assembled) -> Assembled:
    return found if known is None or found.sealed_at >= known.sealed_at else known


class Wanted(Struct, frozen=True, kw_only=True):
    """Which queries are asked for; what is None or empty asks for nothing in particular.

    `text` stands in the request or the answer, in any case; `prefix` begins the id.
    """

    since: float = 0.0
    statuses: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()
    text: str = ""
    prefix: str = ""
    failed_checks: bool = False
    feedback: bool = False
    canaries: bool = True

    def takes(self, kept: Kept) -> bool:
        """Tell whether a query is asked for."""
        text = self.text.casefold()
        return (
            kept.sealed_at >= self.since
            and (not self.statuses or kept.status.value in self.statuses)
            and (not self.kinds or not self.kinds.isdisjoint(kept.kinds))
            and (text in kept.query.casefold() or text in kept.answer.casefold())
            and kept.id.startswith(self.prefix)
            and (bool(kept.failed_checks) or not self.failed_checks)
            and (bool(kept.feedback) or not self.feedback)
            and (self.canaries or not kept.is_canary)
        )
