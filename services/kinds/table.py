"""The table of kinds.  A new kind is one object and one entry here."""

from __future__ import annotations

from services.kinds.choice import CHOICE
from services.kinds.code import CODE
from services.kinds.compare import COMPARE
from services.kinds.fact import FACT
from services.kinds.kind import Kind
from services.kinds.list import LIST
from services.kinds.problem import PROBLEM
from services.kinds.sum import SUM
from services.kinds.text import TEXT

# In the order in which they are tried.  `text` takes whatever is left, and whatever is in doubt.
KINDS: tuple[Kind, ...] = (CODE, SUM, CHOICE, PROBLEM, COMPARE, LIST, FACT, TEXT)


def kind_of(request: str) -> Kind:
    """Return the first kind that recognises a request."""
    return next((kind for kind in KINDS if kind.recognise(request)), TEXT)


def named(name: str) -> Kind:
    """Return the kind of this name; a name that is not known here, such as a newer service's, is asked as text."""
    return next((kind for kind in KINDS if kind.name == name), TEXT)
