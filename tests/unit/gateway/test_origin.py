from __future__ import annotations

import pytest

from services.gateway.errors import HttpError
from services.gateway.origin import check_origin


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost:8000", "[::1]:8000", "localhost"])
def test_own_pages_and_plain_clients_may_ask(host: str) -> None:
    check_origin(host, None)
    check_origin(host, f"http://{host}")


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("evil.example:8000", "http://evil.example:8000"),
        ("evil.example", None),
        ("", None),
        ("[::1", None),
        ("127.0.0.1:8000", "https://evil.example"),
        ("127.0.0.1:8000", "null"),
        ("127.0.0.1:8000", "http://127.0.0.1:9000"),
    ],
)
def test_pages_of_others_may_not(host: str, origin: str | None) -> None:
    with pytest.raises(HttpError) as refused:
        check_origin(host, origin)
    assert refused.value.status == 403


def test_pages_that_the_operator_names_may() -> None:
    check_origin("127.0.0.1:8000", "https://chat.example", named={"https://chat.example"})
    with pytest.raises(HttpError):
        check_origin("127.0.0.1:8000", "http://chat.example", named={"https://chat.example"})


def test_beyond_loopback_any_name_may_point_here() -> None:
    check_origin("llm.example:8000", "http://llm.example:8000", loopback=False)
    with pytest.raises(HttpError):
        check_origin("llm.example:8000", "http://evil.example:8000", loopback=False)
