"""Ed25519 signatures of users' keys (nkeys): which bytes are signed, and whether a signature under them holds."""

from __future__ import annotations

import binascii
from base64 import b32decode, b64decode, b64encode
from collections.abc import Callable
from functools import lru_cache

from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

from schemas.receipts import Receipt

# The same keys sign what a server sends them when they connect, which is text.  No text begins with this byte, so no
# server can have a receipt signed in that way.
DOMAIN = b"\xffdellm receipt 1\n"

_USER = 20 << 3  # the first byte of a user's public key, by which it begins with U
_KEY_CHARS, _KEY_BYTES, _CHECK_BYTES = 56, 35, 2


def signed_bytes(statement: str) -> bytes:
    """Give the bytes that a signature under a statement is made of."""
    return DOMAIN + statement.encode(errors="surrogatepass")


def make_receipt(statement: str, key: str, sign: Callable[[bytes], bytes]) -> Receipt:
    """Have a statement signed by the owner of a public key."""
    signature = b64encode(sign(signed_bytes(statement))).decode()
    return Receipt(statement=statement, key=key, signature=signature)


@lru_cache(4096)  # an assembler looks at the same votes again and again
def holds(key: str, statement: str, signature: str) -> bool:
    """Tell whether a signature (base64) under a statement is that of this public key."""
    try:
        raw = b64decode(signature, validate=True)
        VerifyKey(read_public(key)).verify(signed_bytes(statement), raw)
    except (BadSignatureError, ValueError):
        return False
    return True


def read_public(key: str) -> bytes:
    """Give the 32 bytes of a user's public key.  Raises ValueError."""
    try:
        raw = b32decode(key) if len(key) == _KEY_CHARS else b""
    except binascii.Error:
        raw = b""
    body = raw[:-_CHECK_BYTES]
    if len(raw) != _KEY_BYTES or raw[0] != _USER or raw[-_CHECK_BYTES:] != _checksum(body):
        raise ValueError(f"{key[:60]!r} is no public key of a user (56 of A-Z 2-7, the first is U)")
    return body[1:]


def _checksum(data: bytes) -> bytes:
    return binascii.crc_hqx(data, 0).to_bytes(_CHECK_BYTES, "little")  # CRC-16/XMODEM, as nkeys have it
