"""A node's signature under what it said, as it travels with a result and a vote."""

from __future__ import annotations

from schemas.terms import Message


class ModelFile(Message, frozen=True, kw_only=True):
    """The file of a model: its SHA-256 in hexadecimal (None: not hashed yet) and its type, such as Q4_K_M."""

    model: str
    sha256: str | None = None
    quantization: str = ""


class Receipt(Message, frozen=True, kw_only=True):
    """What a node signed (`statement`, a JSON text), its public key, and the Ed25519 signature in base64.

    docs/receipts.md says which bytes are signed.
    """

    statement: str
    key: str
    signature: str
