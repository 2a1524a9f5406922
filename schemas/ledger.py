"""What the ledger keeps of a query where it keeps no texts."""

from __future__ import annotations

from schemas.commands import Feedback
from schemas.messages import Assembled
from schemas.terms import Message, Token


class Sealed(Message, frozen=True, kw_only=True):
    """A sealed query and what was said of its answer, each text in them as its hash.

    Final answers of a chunk that are equal have the same hash.
    """

    id: Token
    assembled: Assembled
    feedback: list[Feedback] = []
