"""The public keys of nodes: a text file with a line for each, which `dellm auth init` writes beside the keys.

A node may have several lines: after a change of its key the old one still vouches for replies of before.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

from schemas.subjects import check_token
from services.receipts.signature import read_public

NODES_FILE = "nodes.pub"
_HEADER = "# The public keys of nodes: a node's id and its key, one line for each.  They are no secret.\n"

NodeKeys = Mapping[str, frozenset[str]]


class KeyFileError(ValueError):
    """The file of public keys can't be read, or a line in it is no node and key."""


def parse_keys(text: str) -> NodeKeys:
    """Read the lines of a file of keys.  Raises KeyFileError with the line's number."""
    found: dict[str, set[str]] = defaultdict(set)
    for number, line in enumerate(text.splitlines(), 1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        try:
            node, key = words
            read_public(key)
            found[check_token(node, "node")].add(key)
        except ValueError as error:
            told = "this is no node and its public key" if len(words) != len(("node", "key")) else str(error)
            raise KeyFileError(f"line {number}: {told}") from None
    return {node: frozenset(keys) for node, keys in found.items()}


def format_keys(keys: Iterable[tuple[str, str]]) -> str:
    """Write the text of a file of keys, of pairs of a node and a key."""
    return _HEADER + "".join(f"{node} {key}\n" for node, key in keys)


class KeyFile:
    """A file of keys, read again when it is another one: who adds a node need not start the assembler again.

    Raises KeyFileError where it cannot be read at first.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen: tuple[int, int, int] | None = None
        self._keys: NodeKeys = {}
        self.read()

    def read(self) -> NodeKeys:
        """Give the keys as they are now.  Raises KeyFileError; `known` is then what it was."""
        try:
            status = self.path.stat()
            seen = (status.st_mtime_ns, status.st_size, status.st_ino)
            if seen != self._seen:
                self._keys = parse_keys(self.path.read_text(encoding="utf-8"))
                self._seen = seen
        except OSError as error:
            raise KeyFileError(f"{self.path}: {error.strerror or error}") from None
        except ValueError as error:
            raise KeyFileError(f"{self.path}: {error}") from None
        return self._keys

    @property
    def known(self) -> NodeKeys:
        """The keys that were read last."""
        return self._keys


def read_key_file(path: Path) -> NodeKeys:
    """Read a file of keys, or that in a folder of keys.  Raises KeyFileError."""
    return KeyFile(path / NODES_FILE if path.is_dir() else path).known
