"""Users' keys (nkeys) as files: made, written for their owner alone, and read.

A file holds the seed on a line of its own, as the `nats` command reads it, and above it who the user is.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path

import nkeys
import structlog

from schemas.actors import Actor

log = structlog.get_logger(__name__)

_HEADER = re.compile(
    r"# dellm (?P<actor>[a-z]{1,32}) (?P<name>[A-Za-z0-9_-]+), replies come to (?P<inbox>[A-Za-z0-9_.-]+)"
)
_SEED = re.compile(r"SU[A-Z2-7]{56}")
_OTHERS = 0o077


@dataclass(frozen=True)
class Identity:
    """A user: its seed and, where the file was written here, what it does, its name and its inboxes' prefix."""

    seed: str = field(repr=False)
    actor: Actor | None = None
    name: str = ""
    inbox: str | None = None

    @property
    def public(self) -> str:
        """The public key, by which servers know the user."""
        return str(_pair(self.seed).public_key, "ascii")

    def sign(self, data: bytes) -> bytes:
        """Give the Ed25519 signature under some bytes."""
        return bytes(_pair(self.seed).sign(data))


def new_seed() -> str:
    """Make the seed of a user."""
    return str(nkeys.encode_seed(os.urandom(32), nkeys.PREFIX_BYTE_USER), "ascii")


def write_key(path: Path, identity: Identity) -> None:
    """Write a key file that its owner alone can read.  Raises OSError, FileExistsError among them."""
    assert identity.actor is not None
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(f"# dellm {identity.actor} {identity.name}, replies come to {identity.inbox}\n{identity.seed}\n")


def read_key(path: Path) -> Identity:
    """Read a key file.  Raises OSError, or ValueError which tells nothing of what is in it."""
    if path.stat().st_mode & _OTHERS:
        log.warning("key.exposed", file=str(path), reason="others can read it; chmod 600 mends that")
    text = path.read_text(encoding="ascii", errors="replace")
    seeds: list[str] = _SEED.findall(text)
    if len(seeds) != 1:
        raise ValueError("this is no file with one user's key (a line that begins with SU)")
    try:
        _pair(seeds[0])
    except (nkeys.NkeysError, ValueError):
        raise ValueError("the key is damaged") from None
    header = _HEADER.search(text)
    if header is None:
        return Identity(seeds[0])
    try:
        actor = Actor(header["actor"])
    except ValueError:
        raise ValueError(f"there is no role {header['actor']!r}") from None
    return Identity(seeds[0], actor, header["name"], header["inbox"])


def _pair(seed: str) -> nkeys.KeyPair:
    return nkeys.from_seed(bytearray(seed.encode()))
