"""An answer as a terminal shows it: Markdown and code laid out, formulas in plain signs."""

from __future__ import annotations

import re

from rich.markdown import Markdown

_CODE = re.compile(r"(```.*?(?:```|\Z)|`[^`\n]+`)", re.DOTALL)
_FORMULA = re.compile(r"\\\((.{1,400}?)\\\)|\\\[(.{1,800}?)\\\]|\$\$(.{1,800}?)\$\$", re.DOTALL)
_LONE_LINE_END = re.compile(r"(?<![\n ])\n(?![\n\-*+#>|]|\d+[.)]\s|```|    )")


def rendered(answer: str) -> Markdown:
    """Return an answer laid out; line ends that Markdown would drop stay."""
    parts = _CODE.split(answer)  # every other part is code, which stays as it is
    return Markdown("".join(part if place % 2 else _prose(part) for place, part in enumerate(parts)))


def _prose(text: str) -> str:
    plain = _FORMULA.sub(lambda found: _plain(next(filter(None, found.groups()))), text)
    return _LONE_LINE_END.sub("  \n", plain)


def _plain(formula: str) -> str:
    from pylatexenc.latex2text import LatexNodes2Text  # noqa: PLC0415  # slow to import, and few answers need it

    try:
        return str(LatexNodes2Text(math_mode="text").latex_to_text(formula)).strip()
    except Exception:  # noqa: BLE001  a model's formula may be anything; then it is shown as it stands
        return formula
