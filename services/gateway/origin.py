"""Whose pages may ask: a browser lets any page send to loopback, so that the gateway itself has to refuse it."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from urllib.parse import urlsplit

from services.gateway.errors import HttpError


def is_loopback(host: str) -> bool:
    """Tell whether a name or an address is this machine's own."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def check_origin(host: str, origin: str | None, *, named: Collection[str] = (), loopback: bool = True) -> None:
    """Refuse another site's page that the operator has not `named`.  Raises HttpError.

    With `loopback` a name that was made to point here is refused, too; where a key is asked for, no page has it.
    """
    try:
        name, page = urlsplit(f"//{host}").hostname or "", urlsplit(origin or "").netloc
    except ValueError:
        name, page = "", ""
    if loopback and not is_loopback(name):
        raise HttpError(403, "`Host` must be a loopback address", code="wrong_host")
    if origin is not None and page != host and origin not in named:
        raise HttpError(403, "pages of other sites may not ask here", code="cross_origin")
