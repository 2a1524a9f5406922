"""Who is let in, and how much each may ask."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.keys import hash_key, new_key
from schemas.records import ApiKey
from services.gateway.errors import HttpError
from services.gateway.keyring import Keyring


def record(name: str, key: str, *, per_minute: int = 0, concurrent: int = 0, revoked: bool = False) -> ApiKey:
    return ApiKey(
        name=name,
        sha256=hash_key(key),
        created_at=0.0,
        per_minute=per_minute,
        concurrent=concurrent,
        revoked_at=1.0 if revoked else None,
    )


def test_keys_are_long_and_no_two_are_the_same() -> None:
    made = {new_key() for _ in range(100)}
    assert len(made) == 100
    assert all(len(key) > 40 for key in made)


def test_a_known_key_is_found_however_bearer_is_written() -> None:
    ring = Keyring()
    ring.update([record("ann", "k1"), record("bob", "k2")])
    assert ring.find("Bearer k1").name == "ann"
    assert ring.find("bearer  k2 ").name == "bob"


@pytest.mark.parametrize("shown", [None, "", "k1", "Bearer", "Bearer ", "Bearer k3", "Basic k1"])
def test_another_is_not(shown: str | None) -> None:
    ring = Keyring()
    ring.update([record("ann", "k1")])
    with pytest.raises(HttpError) as refused:
        ring.find(shown)
    assert refused.value.status == 401
    assert refused.value.headers == {"www-authenticate": "Bearer"}
    assert refused.value.body["error"]["code"] == "invalid_api_key"
    assert "k1" not in str(refused.value)


def test_a_revoked_key_is_gone_and_keys_stay_in_force() -> None:
    ring = Keyring()
    assert not Keyring().in_force
    assert ring.update([]) == set()
    assert ring.update([record("ann", "k1")]) == set()
    assert ring.in_force
    assert ring.update([record("ann", "k1", revoked=True)]) == {"ann"}
    with pytest.raises(HttpError):
        ring.find("Bearer k1")
    assert ring.in_force
    ring.update([])
    assert ring.in_force, "a bucket that was lost lets nobody in"


def test_a_key_that_is_made_anew_replaces_the_old_one() -> None:
    ring = Keyring()
    ring.update([record("ann", "k1")])
    assert ring.update([record("ann", "k2")]) == {"ann"}
    assert ring.find("Bearer k2").name == "ann"


def test_as_many_at_a_time_as_allowed() -> None:
    ring, key = Keyring(), record("ann", "k1", concurrent=2)
    ring.begin(key, 0.0)
    ring.begin(key, 0.0)
    with pytest.raises(HttpError) as refused:
        ring.begin(key, 0.0)
    assert (refused.value.status, refused.value.headers["retry-after"]) == (429, "1")
    ring.end(key)
    ring.begin(key, 0.0)


def test_as_many_a_minute_as_allowed() -> None:
    ring, key = Keyring(), record("ann", "k1", per_minute=6)
    for _ in range(6):
        ring.begin(key, 0.0)
    with pytest.raises(HttpError) as refused:
        ring.begin(key, 0.0)
    wait_s = int(refused.value.headers["retry-after"])
    assert wait_s == 10
    ring.begin(key, float(wait_s))


@given(st.integers(1, 50), st.lists(st.floats(0, 30), min_size=1, max_size=200))
def test_no_minute_has_more_than_twice_the_rate(per_minute: int, pauses: list[float]) -> None:
    """A full bucket and what flows into it in a minute."""
    ring, key, now, begun = Keyring(), record("ann", "k1", per_minute=per_minute), 0.0, list[float]()
    for pause in pauses:
        now += pause
        with suppress(HttpError):
            ring.begin(key, now)
            begun.append(now)
    assert all(sum(start <= at < start + 60 for at in begun) <= 2 * per_minute for start in begun)
