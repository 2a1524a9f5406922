"""What the NATS client does not check or tell: missing TLS, errors that are final, subjects that are refused."""

from __future__ import annotations

import re
import ssl

import nats.errors
from nats.aio.client import Client

_FORBIDDEN = re.compile(r"permissions violation for (?:publish|subscription) to \"([^\"]*)\"", re.IGNORECASE)
_UNKNOWN_USER = "authorization violation"
_NO_TLS = "the server offers no TLS"


class CarefulClient(Client):
    """A client that says nothing to a server without TLS where TLS was asked for."""

    def _connect_command(self) -> bytes:
        if self.options.get("tls") is not None and not self._server_info.get("tls_required"):
            raise nats.errors.Error(_NO_TLS)
        return super()._connect_command()


def is_final(error: Exception) -> bool:
    """Tell whether trying again is of no use: the user is unknown, or TLS is missing or not trusted."""
    text = str(error).lower()
    return isinstance(error, ssl.SSLError) or _UNKNOWN_USER in text or _NO_TLS.lower() in text


def forbidden_subject(error: str) -> str | None:
    """Read from the server's word which subject is refused to this user, in lower case; None if it says no such thing.

    The client hands the server's word over in lower case.
    """
    found = _FORBIDDEN.search(error)
    return found[1].lower() if found is not None else None
