"""Where in a model's text its final answer stands."""

from __future__ import annotations

import re

from schemas.terms import Operation

_NUMBER_BEFORE, _NUMBER_AFTER = r"(?<![0-9][.,])", r"(?![.,][0-9])"


def final_span(text: str, final: str, operation: Operation) -> tuple[int, int] | None:
    """Return where the final answer begins and ends in `text`; None where it does not stand there as it is.

    White space may differ, since extraction folds it; a part of a longer word or number is not it.  Of several places
    it is the one that extraction looks at: of a sum the last, unless the first line is nothing else, otherwise the
    first.
    """
    words = final.split()
    if not words:
        return None
    before = r"(?<!\w)" if re.match(r"\w", words[0]) else ""
    after = r"(?!\w)" if re.search(r"\w\Z", words[-1]) else ""
    if words[0][0].isdecimal():
        before += _NUMBER_BEFORE
    if words[-1][-1].isdecimal():
        after += _NUMBER_AFTER
    pattern = before + r"\s+".join(map(re.escape, words)) + after
    found = [match.span() for match in re.finditer(pattern, text)]
    if not found:
        return None
    bare = re.match(rf"\s*{pattern}\s*[.]?\s*(?:\n|\Z)", text)
    return found[-1] if operation is Operation.MATH and not bare else found[0]
