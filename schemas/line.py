"""What is wrong, told in one line: errors may quote what a stranger wrote."""

from __future__ import annotations

MAX_LINE_CHARS = 500


def one_line(text: object, max_chars: int = MAX_LINE_CHARS) -> str:
    """Give a text as one line of printable characters, cut where it is too long."""
    words = "".join(char if char.isprintable() else " " for char in str(text)).split()
    line = " ".join(words)
    return line if len(line) <= max_chars else f"{line[: max_chars - 1]}…"
