from __future__ import annotations

import pytest

from schemas.subjects import Space
from services.runtime.replies import is_inbox


@pytest.mark.parametrize("address", ["_INBOX.abc.1", "my.inbox", "dellms.inbox", "antwort.é"])
def test_a_plain_subject_is_an_inbox(address: str) -> None:
    assert is_inbox(address, Space("dellm"))


@pytest.mark.parametrize(
    "address",
    [
        "",
        "$JS.API.STREAM.DELETE.DELLM",
        "$KV.x.y",
        "$SYS.a",
        "$SRV.PING",
        "dellm",
        "dellm.plan.x",
        "event.dellm.plan.x",
        "a.*",
        "a.>",
        "a b",
        "a\r\nPUB x",
        "a\n",
        "a..b",
        ".a",
        "a.",
        "a\x00",
        "x" * 1000,
    ],
)
def test_what_is_no_inbox(address: str) -> None:
    assert not is_inbox(address, Space("dellm"))
