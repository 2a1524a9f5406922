"""What the gateways keep of a response that can be fetched, streamed again or built on.

The answer itself is the query's reply; these say what was asked, and what was streamed before the answer stood.
"""

from __future__ import annotations

from typing import Any

from schemas.terms import Generation, Message, Token, Turn


class StoredResponse(Message, frozen=True, kw_only=True):
    """A request to `POST /v1/responses`, as any gateway needs it to answer for it; `id` is the query's.

    `input` is the conversation without `instructions`, and with the turns of the `previous` response.  `told` holds
    fields that no answer depends on, given back as they came.  `owner` is the name of the key that asked, if any.
    `created_at` is in Unix seconds.
    """

    id: Token
    model: str
    created_at: int
    input: list[Turn]
    instructions: str | None = None
    background: bool = False
    previous: Token | None = None
    generation: Generation = Generation()
    told: dict[str, Any] = {}
    owner: str = ""


class Drafts(Message, frozen=True, kw_only=True):
    """The texts that gateways streamed, or are about to stream, of a background response.

    Only the last one still grows; those before it were given up.  Once it is `sealed`, nothing is added.
    """

    id: Token
    texts: list[str] = []
    sealed: bool = False
