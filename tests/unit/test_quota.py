"""Queries in flight by client."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.decomposer.quota import Quota, account_of
from services.runtime.refusal import Refusal


def test_what_has_ended_or_is_over_counts_no_more() -> None:
    quota = Quota(2)
    assert quota.begin("ann", "q1", 0, 10)
    assert quota.begin("ann", "q2", 0, 20)
    assert not quota.begin("ann", "q2", 0, 20), "the same query is none more"
    with pytest.raises(Refusal, match="2 queries in flight"):
        quota.begin("ann", "q3", 1, 20)
    assert quota.begin("bob", "q4", 1, 20)
    quota.end("q1")
    assert quota.begin("ann", "q3", 1, 10)
    assert quota.begin("ann", "q5", 11, 20), "q3's time is up"
    quota.end("q9")


def test_without_a_limit_or_a_client_nothing_is_counted() -> None:
    for quota, client in ((Quota(None), "ann"), (Quota(1), "")):
        for number in range(9):
            assert not quota.begin(client, f"q{number}", 0, 10)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 9), st.booleans()), max_size=60))
def test_nobody_has_more_than_the_limit(steps: list[tuple[str, int, bool]]) -> None:
    quota, running = Quota(2), dict[str, str]()
    for client, number, ends in steps:
        query = f"q{number}"
        if ends:
            quota.end(query)
            running.pop(query, None)
            continue
        try:
            if quota.begin(client, query, 0, 1):
                running[query] = client
        except Refusal:
            assert list(running.values()).count(client) == 2
        assert list(running.values()).count(client) <= 2


@given(st.text())
def test_junk_names_no_account(text: str) -> None:
    assert isinstance(account_of({"Nats-Request-Info": text}), str)
    assert account_of({}) == ""
