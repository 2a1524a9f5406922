"""Chat templates: where, in what the template writes, the system and the user text stand.

The template is rendered around stand-ins, so that the texts never pass through it and what looks like a control token
within them can be kept apart from those that the template writes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from jinja2 import TemplateError

if TYPE_CHECKING:
    from collections.abc import Callable

SYSTEM, USER = "\ue000", "\ue001"


def render_parts(render: Callable[[list[dict[str, str]]], str], *, with_system: bool) -> list[str]:
    """Return the rendered conversation cut around its stand-ins: literals, `SYSTEM` (if wanted) and `USER`.

    `render` takes messages of role and content.  Where the template has no system role, the system text leads the
    user's.

    Raises:
        ValueError: the template fails, or drops one of the texts.

    """
    system = {"role": "system", "content": SYSTEM}
    user = {"role": "user", "content": USER}
    joined = {"role": "user", "content": f"{SYSTEM}\n\n{USER}"}
    cause = "drops the system or the user text"
    for messages in ([system, user], [joined]) if with_system else ([user],):
        try:
            rendered = render(messages)
        except (TemplateError, ValueError) as error:
            cause = f"fails: {error}"
            continue
        if rendered.count(USER) == 1 and rendered.count(SYSTEM) == with_system:
            return [part for part in re.split(f"([{SYSTEM}{USER}])", rendered) if part]
    raise ValueError(f"its chat template {cause}")
