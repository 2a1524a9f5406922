"""Which query a request is: the same `Idempotency-Key` is the same query, which is answered once."""

from __future__ import annotations

import hashlib

from starlette.requests import Request

from services.gateway.doorkeeper import KEY_OF
from services.runtime.bus import Bus
from services.runtime.telemetry.http import note_query


def identify(request: Request, bus: Bus) -> tuple[str, bool]:
    """Give the query's id, and whether it goes on without its client, who may send it again with the same key."""
    key = request.headers.get("idempotency-key")
    owner = request.scope.get(KEY_OF, "")  # the same word of two clients is not the same query
    id_ = hashlib.sha256(f"{owner}\n{key}".encode()).hexdigest()[:32] if key else bus.new_id()
    request.state.id = id_
    note_query(id_)
    return id_, key is not None
