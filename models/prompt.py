"""Chat templates: where, in what the template writes, the turns of a conversation stand.

The template is rendered around stand-ins, so that the texts never pass through it and what looks like a control token
within them can be kept apart from those that the template writes.
"""

from __future__ import annotations

import re
from itertools import groupby
from typing import TYPE_CHECKING, TypeAlias

from jinja2 import TemplateError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from models.engine import Role

Part: TypeAlias = str | int  # what the template writes, or the place of a turn whose text stands there

_GAP = "\n\n"  # between texts that must share a turn
_STAND_IN = re.compile("\ue000(\\d+)\ue001")


def render_parts(render: Callable[[list[dict[str, str]]], str], roles: Sequence[Role]) -> list[Part]:
    """Return the rendered conversation cut around its texts: literals, and the place of each turn in `roles`.

    `render` takes messages of role and content.  Where the template has no system role, the system text leads the
    first of the user's; where it wants roles to alternate, neighbours of one role share a turn.

    Raises:
        ValueError: the template fails, or drops one of the texts.

    """
    cause = "drops a text"
    for messages in _ways([{"role": role, "content": f"\ue000{place}\ue001"} for place, role in enumerate(roles)]):
        try:
            pieces = _STAND_IN.split(render(messages))
        except (TemplateError, ValueError) as error:
            cause = f"fails: {error}"
            continue
        parts: list[Part] = [int(piece) if at % 2 else piece for at, piece in enumerate(pieces)]
        if [part for part in parts if isinstance(part, int)] == [*range(len(roles))]:
            return [part for part in parts if part != ""]
    raise ValueError(f"its chat template {cause}")


def _ways(messages: list[dict[str, str]]) -> list[list[dict[str, str]]]:
    """Return the conversation as it is, and what to try next if the template does not take it."""
    folded = [{**message, "role": "user" if message["role"] == "system" else message["role"]} for message in messages]
    ways = [messages, _merged(messages), _merged(folded)]
    return [way for place, way in enumerate(ways) if way not in ways[:place]]


def _merged(messages: list[dict[str, str]]) -> list[dict[str, str]]:
    """Let neighbours of one role share a turn."""
    return [
        {"role": role, "content": _GAP.join(message["content"] for message in own)}
        for role, own in groupby(messages, key=lambda message: message["role"])
    ]
