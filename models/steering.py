"""How a text is led while it is drawn: what it begins with, what it leaves out, and what becomes of it at its end.

Pure.  To lead a text costs its own tokens only; to ask for it again costs all of them once more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from models.engine import Request

MOST_TURNS = 24  # at which an end is put off: a text that has nothing more to say should not be stretched for ever


class Steering:
    """What a request says of its text, and how often the text's end was put off."""

    def __init__(self, request: Request) -> None:
        words = [word.lower() for word in request.avoid]
        self._signs = tuple(word for word in words if not any(map(str.isalnum, word)))
        self._words = tuple(word for word in words if word not in self._signs)
        self._goes_on = request.goes_on
        self._turns = 0

    @property
    def avoids(self) -> bool:
        """Whether there is anything that the text leaves out."""
        return bool(self._signs or self._words)

    @property
    def longest(self) -> int:
        """How many characters before a token tell whether it completes a word that is left out."""
        return max(map(len, self._words), default=0) + 1

    def refuses(self, before: str, piece: bytes) -> bool:
        """Tell whether a piece after what stands `before` it holds a sign, or completes a word, that is left out."""
        added = piece.decode(errors="ignore").lower()
        if not added.strip():
            return False
        text = (before.lower() + added).rstrip()
        return any(sign in added for sign in self._signs) or any(
            text.endswith(word) and not text[: -len(word)][-1:].isalnum() for word in self._words
        )

    def at_end(self, text: str) -> str | None:
        """Return what a text goes on with that its model would end now ("": what the model likes); None: it may end."""
        if self._goes_on is None or self._turns >= MOST_TURNS:
            return None
        self._turns += 1
        return self._goes_on(text)
