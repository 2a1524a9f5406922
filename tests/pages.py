"""The blocks of code that stand in a page of docs/."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def blocks(page: str, language: str) -> list[str]:
    """Give the blocks of one language, in order."""
    found = _BLOCK.findall((ROOT / page).read_text())
    return [code for said, code in found if said == language]
