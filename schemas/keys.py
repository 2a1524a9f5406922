"""Keys that clients of the gateway hold: how one is made, and the hash by which it is known.

A key is 256 random bits, so that a plain hash of it can't be guessed back.
"""

from __future__ import annotations

import secrets
from hashlib import sha256

PREFIX = "dellm-"  # by which those who look for leaked secrets know one
NUM_BYTES = 32


def new_key() -> str:
    """Make a key that nobody has."""
    return PREFIX + secrets.token_urlsafe(NUM_BYTES)


def hash_key(key: str) -> str:
    """Give the hash of a key: 64 hexadecimal digits."""
    return sha256(key.encode()).hexdigest()
