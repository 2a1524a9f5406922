"""A rule of cutting: a name, a pattern, and a text in which the pattern is found.

`tests/quality/ablate_cutting.py` removes the rules in turn and tells what each gains and costs.
"""

from __future__ import annotations

import re
from typing import NamedTuple


class Rule(NamedTuple):
    """A named pattern with an example that it is found in."""

    name: str
    pattern: re.Pattern[str]
    example: str


def rule(name: str, pattern: str, example: str, flags: int = re.IGNORECASE) -> Rule:
    """Make a rule; case is ignored unless `flags` say otherwise."""
    return Rule(name, re.compile(pattern, flags), example)
