"""A folder with the keys of a deployment's users, and the configuration by which a server knows them."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from schemas.actors import Actor
from schemas.subjects import Space, check_token
from services.receipts.keys import NODES_FILE, format_keys
from services.runtime.authorization import authorization, default_users, leaf_site
from services.runtime.keys import Identity, new_seed, read_key, write_key
from services.runtime.permissions import User
from services.runtime.private import own_folder, write_private

CONFIG_FILE = "auth.conf"
LEAF_FILE = "leaf.conf"
GUEST = "guest"
PASSWORD_FILE = "guest.password"  # noqa: S105  # its name


class KeyringError(ValueError):
    """The folder holds a key that is not what its name says."""


def file_of(actor: Actor, name: str) -> str:
    """Name the key file of a user."""
    return f"node-{name}.nk" if actor is Actor.NODE else f"{name}.nk"


def make_keyring(
    folder: Path, space: Space, *, nodes: Iterable[str], clients: Iterable[str] = ("client",), guest: bool = False
) -> list[User]:
    """Make the keys that are not there yet, the configuration, and the list of nodes' public keys; give the users.

    With a `guest` whoever has its password may ask.  Raises OSError, KeyringError, or ValueError for a malformed name.
    """
    own_folder(folder)
    wanted = default_users(sorted(set(nodes)), sorted(set(clients)))
    names = [file_of(actor, check_token(name, f"the name of a {actor}")) for actor, name in wanted]
    if doubled := {name for name in names if names.count(name) > 1}:
        raise KeyringError(f"two users would have the key {min(doubled)}")
    users = [_user(folder / file, space, actor, name) for file, (actor, name) in zip(names, wanted, strict=True)]
    if guest:
        users.append(User(Actor.CLIENT, GUEST, password=_password(folder / PASSWORD_FILE)))
    write_private(folder / CONFIG_FILE, authorization(space, users))
    write_private(folder / NODES_FILE, format_keys((user.name, user.key) for user in users if user.actor is Actor.NODE))
    return users


def make_leaf(folder: Path, space: Space, users: Iterable[tuple[Actor, str]]) -> Path:
    """Write what the server of another site must know of the nodes and clients there; give the file.

    Raises OSError, and KeyringError for a user who has no key.
    """
    identities = []
    for actor, name in users:
        path = folder / file_of(actor, name)
        try:
            identities.append(read_key(path))
        except (FileNotFoundError, ValueError) as error:
            raise KeyringError(f"{path}: {error.strerror if isinstance(error, OSError) else error}") from None
    write_private(folder / LEAF_FILE, leaf_site(space, identities))
    return folder / LEAF_FILE


def names_in(folder: Path, actor: Actor) -> list[str]:
    """List the names of the users of a role that have keys in a folder.  Raises KeyringError."""
    found = []
    for path in sorted(folder.glob("*.nk")):
        try:
            identity = read_key(path)
        except (OSError, ValueError) as error:
            raise KeyringError(f"{path}: {error}") from None
        if identity.actor is actor:
            found.append(identity.name)
    return found


def _user(path: Path, space: Space, actor: Actor, name: str) -> User:
    user = User(actor, name)
    if not path.exists():
        write_key(path, Identity(new_seed(), actor, name, user.inbox(space)))
    try:
        known = read_key(path)
    except ValueError as error:
        raise KeyringError(f"{path}: {error}") from None
    if (known.actor, known.name, known.inbox) != (actor, name, user.inbox(space)):
        raise KeyringError(f"{path} is the key of another user, or of another prefix")
    return replace(user, key=known.public)


def _password(path: Path) -> str:
    if not path.exists():
        write_private(path, secrets.token_urlsafe(24))
    return path.read_text(encoding="ascii").strip()
