"""How many queries a client may have in flight at one decomposer.  Pure: it is told the time.

A client is known by its account, which nats-server writes into each request that comes from another account, over
whatever the client wrote there.  Who asks from the services' own account (a gateway, which counts by keys) has none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

import msgspec

from schemas.terms import ErrorCode
from services.runtime.refusal import Refusal

REQUEST_INFO = "Nats-Request-Info"


class _Info(msgspec.Struct):
    acc: str = ""


def account_of(headers: Mapping[str, str]) -> str:
    """Name the account that a request came from; empty where it is the services' own, or the server has none."""
    try:
        return msgspec.json.decode(headers.get(REQUEST_INFO, "{}"), type=_Info).acc
    except msgspec.DecodeError:
        return ""


class Quota:
    """Counts the queries of each client until they end, at the latest when their time is up; `most` None: any number.

    `_until` holds, by client and query, until when (Unix s) it counts.
    """

    def __init__(self, most: int | None) -> None:
        self._most = most
        self._until: dict[str, dict[str, float]] = defaultdict(dict)
        self._client_of: dict[str, str] = {}

    def begin(self, client: str, query: str, now: float, until: float) -> bool:
        """Count a query of a client, and tell whether it was not counted before.  Raises Refusal at one too many."""
        if self._most is None or not client or query in self._client_of:
            return False
        own = self._until[client]
        for ended in [id_ for id_, end in own.items() if end <= now]:
            self.end(ended)
        if len(own) >= self._most:
            told = f"this client has {len(own)} queries in flight, as many as the operator allows; try again later"
            raise Refusal(ErrorCode.OVERLOADED, told)
        own[query] = until
        self._client_of[query] = client
        return True

    def end(self, query: str) -> None:
        """Count a query no more."""
        client = self._client_of.pop(query, None)
        if client is not None:
            self._until[client].pop(query, None)
            if not self._until[client]:
                del self._until[client]
