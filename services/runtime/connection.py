"""How a process connects: to which servers, as whom, and whether over TLS.

What is not said by a flag is taken from the environment, and what is not there from a context of the `nats` command.
No text of a connection holds a secret, so that none comes into a log or an error.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import structlog

from services.runtime.context import read_context
from services.runtime.keys import Identity, read_key
from services.runtime.wire import BusError

log = structlog.get_logger(__name__)

SCHEMES = ("nats", "tls", "ws", "wss")


@dataclass(frozen=True)
class Setting:
    """One thing that can be said of a connection: by a flag, a variable of the environment, or a context's field.

    A secret (`flag` is empty) has no flag, since every user of the machine can read the flags of a process.
    """

    name: str
    flag: str
    variable: str
    context: str
    metavar: str
    help: str


SETTINGS: Final = (
    Setting("nats", "--nats", "NATS_URL", "url", "URL", "NATS server, or several with commas."),
    Setting("context", "--context", "NATS_CONTEXT", "", "NAME", "Servers and credentials as a context of `nats`."),
    Setting("creds", "--creds", "NATS_CREDS", "creds", "FILE", "Credentials: a user's JWT and key."),
    Setting("nkey", "--nkey", "NATS_NKEY", "nkey", "FILE", "A user's key, such as `dellm auth init` writes."),
    Setting("keys", "--keys", "DELLM_KEYS", "", "FOLDER", "The keys of `dellm auth init`, one for each service."),
    Setting("tls_ca", "--tls-ca", "NATS_CA", "ca", "FILE", "Certificates that the server's is checked against."),
    Setting("tls_cert", "--tls-cert", "NATS_CERT", "cert", "FILE", "This client's certificate."),
    Setting("tls_key", "--tls-key", "NATS_KEY", "key", "FILE", "The key of --tls-cert."),
    Setting("inbox_prefix", "--inbox-prefix", "", "inbox_prefix", "SUBJECT", "Where replies come."),
    Setting("user", "", "NATS_USER", "user", "", ""),
    Setting("password", "", "NATS_PASSWORD", "password", "", ""),
    Setting("token", "", "NATS_TOKEN", "token", "", ""),
)
FLAGS: Final = tuple(setting for setting in SETTINGS if setting.flag)


class BadConnection(BusError):  # noqa: N818  # named for its cause
    """What is said of the connection cannot be: a malformed address, or a file that cannot be read."""


@dataclass(frozen=True, kw_only=True)
class Connection:
    """Servers, and who asks them.  `keys` is a folder with a key for each service; `nkey` is one user's."""

    servers: tuple[str, ...]
    user: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    creds: Path | None = None
    nkey: Path | None = None
    keys: Path | None = None
    tls_ca: Path | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None
    inbox_prefix: str | None = None

    def __str__(self) -> str:
        return ",".join(self.servers)

    @classmethod
    def to(cls, url: str) -> Connection:
        """Read an address, or several with commas; the user that it names is taken out of it.  Raises BadConnection."""
        found = [_read_url(part.strip()) for part in url.split(",") if part.strip()]
        users = {user for _, user in found if user}
        if not found:
            raise BadConnection("the address of NATS is empty")
        if len(users) > 1:
            raise BadConnection("the addresses of NATS name several users; give one")
        user, password = next(iter(users), (None, None))
        servers = tuple(server for server, _ in found)
        if password is None:
            return cls(servers=servers, token=user)
        return cls(servers=servers, user=user, password=password)

    def for_user(self, name: str) -> Connection:
        """Connect as the user of that name where there is a folder of keys, else as before."""
        return self if self.keys is None else replace(self, keys=None, nkey=self.keys / f"{name}.nk")

    def identity(self) -> Identity | None:
        """Read who the key file says that its user is; None where there is none.  Raises BadConnection."""
        try:
            return read_key(self.nkey) if self.nkey is not None else None
        except OSError as error:
            raise BadConnection(f"{self.nkey}: {error.strerror}") from None
        except ValueError as error:
            raise BadConnection(f"{self.nkey}: {error}") from None

    @property
    def wants_tls(self) -> bool:
        """Whether a server without TLS is to be refused."""
        secure = any(urlsplit(server).scheme in ("tls", "wss") for server in self.servers)
        return secure or any((self.tls_ca, self.tls_cert))

    def options(self) -> dict[str, Any]:
        """Give the options of the NATS client.  Raises BadConnection."""
        given: dict[str, Any] = {"servers": list(self.servers)}
        inbox = self.inbox_prefix
        if (identity := self.identity()) is not None:
            given["nkeys_seed_str"] = identity.seed
            inbox = inbox or identity.inbox
        elif self.creds is not None:
            if not os.access(self.creds, os.R_OK):
                raise BadConnection(f"{self.creds}: there is no such file, or it can't be read")
            given["user_credentials"] = str(self.creds)
        elif self.password is not None:
            given |= {"user": self.user, "password": self.password}
        elif self.token is not None:
            given["token"] = self.token
        if inbox is not None:
            given["inbox_prefix"] = inbox
        if self.wants_tls:
            given["tls"] = self._tls()
        return given

    def _tls(self) -> ssl.SSLContext:
        what = self.tls_ca
        try:
            made = ssl.create_default_context(cafile=self.tls_ca)
            made.minimum_version = ssl.TLSVersion.TLSv1_2
            if self.tls_cert is not None:
                what = self.tls_cert
                made.load_cert_chain(self.tls_cert, self.tls_key)
        except (OSError, ValueError) as error:
            raise BadConnection(f"{what}: {error}") from None
        return made


def resolve(flags: Mapping[str, object], environment: Mapping[str, str] = os.environ) -> Connection | None:
    """Make a connection of flags by name, the environment and the context; None where no server is named.

    Who says who the user is in one of these is that user: no other of the later ones counts.  Raises BadConnection.
    """
    said = _layer({}, flags)
    said = _layer(said, {setting.name: environment.get(setting.variable) for setting in SETTINGS if setting.variable})
    if name := said.pop("context", None):
        try:
            fields = read_context(str(name), environment)
        except ValueError as error:
            raise BadConnection(str(error)) from None
        said = _layer(said, {setting.name: fields.get(setting.context) for setting in SETTINGS if setting.context})
    if (url := said.pop("nats", None)) is None:
        return None
    paths: dict[str, Any] = {key: Path(str(said.pop(key))).expanduser() for key in _PATHS if key in said}
    texts: dict[str, Any] = {key: str(value) for key, value in said.items()}
    base = Connection.to(str(url))
    if base.user or base.token:  # the address names the user itself
        texts = {key: value for key, value in texts.items() if key == "inbox_prefix"}
    if "token" not in texts and "user" in texts and "password" not in texts:
        texts["token"] = texts.pop("user")
    return replace(base, **texts, **paths)


_PATHS: Final = ("creds", "nkey", "keys", "tls_ca", "tls_cert", "tls_key")
_IDENTITY: Final = frozenset({"creds", "nkey", "keys", "user", "password", "token"})


def _layer(said: Mapping[str, object], more: Mapping[str, object]) -> dict[str, object]:
    """Add what was not said before; another user's credentials are not mixed with those of the first."""
    taken = _IDENTITY if _IDENTITY & said.keys() else frozenset[str]()
    fresh = {name: value for name, value in more.items() if value not in (None, "") and name not in taken}
    return {**fresh, **said}


def _read_url(url: str) -> tuple[str, tuple[str, str | None] | None]:
    """Split one address into the server and, if it names one, user (or token) and password."""
    try:
        parts = urlsplit(url if "://" in url else f"nats://{url}")
        port = parts.port or (None if parts.scheme in ("ws", "wss") else 4222)
    except ValueError:
        raise BadConnection("the address of NATS has a malformed host or port") from None
    if parts.scheme not in SCHEMES or not parts.hostname:
        raise BadConnection(f"the address of NATS must be one of {', '.join(SCHEMES)}://HOST:PORT")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    server = f"{parts.scheme}://{host}" + (f":{port}" if port else "")
    if parts.username is None:
        return server, None
    return server, (unquote(parts.username), None if parts.password is None else unquote(parts.password))
