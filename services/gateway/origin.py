"""Whose pages may ask: a browser lets any page send to loopback, so that the gateway itself has to refuse it."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from services.gateway.errors import HttpError


def is_loopback(host: str) -> bool:
    """Tell whether a name or an address is this machine's own."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def check_origin(host: str, origin: str | None) -> None:
    """Refuse another site's page, also one whose name was made to point here.  Raises HttpError."""
    try:
        name, page = urlsplit(f"//{host}").hostname or "", urlsplit(origin or "").netloc
    except ValueError:
        name, page = "", ""
    if not is_loopback(name):
        raise HttpError(403, "`Host` must be a loopback address", code="wrong_host")
    if origin is not None and page != host:
        raise HttpError(403, "pages of other sites may not ask here", code="cross_origin")
