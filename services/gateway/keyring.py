"""The keys of clients and their limits.  Pure: it is told the records and the time."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from schemas.keys import hash_key
from schemas.records import ApiKey
from services.gateway.errors import TOO_MANY, UNKNOWN_KEY, HttpError

BEARER = "bearer "
MINUTE_S = 60.0


@dataclass
class _Use:
    """What is left of a key's requests, filled up as time passes, and how many of them run."""

    left: float
    at: float
    running: int = 0


@dataclass
class Keyring:
    """The keys by their hashes.  It is `in_force` from the first key on, also when all are revoked."""

    in_force: bool = False
    _by_hash: dict[str, ApiKey] = field(default_factory=dict)
    _uses: dict[str, _Use] = field(default_factory=dict)

    def update(self, records: Iterable[ApiKey]) -> set[str]:
        """Take the records; return the names of the keys that were valid and are not any more."""
        known = list(records)
        valid = {record.sha256: record for record in known if record.revoked_at is None}
        gone = {record.name for hash_, record in self._by_hash.items() if hash_ not in valid}
        self.in_force = self.in_force or bool(known)
        self._by_hash = valid
        for name in gone:
            self._uses.pop(name, None)
        return gone

    def find(self, authorization: str | None) -> ApiKey:
        """Give the key that a request shows.  Raises HttpError."""
        if not authorization or not authorization.lower().startswith(BEARER):
            told = "no key was given: send `Authorization: Bearer KEY`, with a key from `dellm keys add NAME`"
            raise HttpError(UNKNOWN_KEY, told, code="invalid_api_key")
        found = self._by_hash.get(hash_key(authorization[len(BEARER) :].strip()))
        if found is None:
            raise HttpError(UNKNOWN_KEY, "this key is not known, or was revoked", code="invalid_api_key")
        return found

    def begin(self, key: ApiKey, now: float) -> None:
        """Count a request that begins at `now` (s).  Raises HttpError where that is one too many."""
        use = self._uses.setdefault(key.name, _Use(float(key.per_minute), now))
        if key.concurrent and use.running >= key.concurrent:
            told = f"key {key.name!r} may have {key.concurrent} requests at a time"
            raise HttpError(TOO_MANY, told, code="rate_limit_exceeded")
        if key.per_minute:
            refilled = use.left + (now - use.at) * key.per_minute / MINUTE_S
            use.left, use.at = min(float(key.per_minute), refilled), now
            if use.left < 1:
                wait_s = math.ceil((1 - use.left) * MINUTE_S / key.per_minute)
                told = f"key {key.name!r} may begin {key.per_minute} requests a minute"
                raise HttpError(TOO_MANY, told, code="rate_limit_exceeded", retry_after_s=wait_s)
            use.left -= 1
        use.running += 1

    def end(self, key: ApiKey) -> None:
        """Count a request that has ended."""
        use = self._uses.get(key.name)
        if use is not None:
            use.running = max(0, use.running - 1)
