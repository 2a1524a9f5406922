"""The families of demands. A new one is a file and an entry here."""

from __future__ import annotations

from services.checks.case import CASE
from services.checks.edges import EDGES, OPENING, POSTSCRIPT
from services.checks.family import Family
from services.checks.formats import FORMATS
from services.checks.keywords import FORBIDDEN, KEYWORDS
from services.checks.languages import LANGUAGE
from services.checks.letters import LETTERS
from services.checks.listing import BULLETS, HIGHLIGHTS, ITEMS, PLACEHOLDERS, SECTIONS
from services.checks.marks import MARKS
from services.checks.options import OPTIONS
from services.checks.paragraphs import PARAGRAPHS
from services.checks.repeating import REPEAT
from services.checks.responses import RESPONSES
from services.checks.sizes import CHARACTERS, LINES, SENTENCES, WORDS
from services.checks.wrapping import TITLE, WRAPPING

FAMILIES: tuple[Family, ...] = (
    WORDS,
    SENTENCES,
    PARAGRAPHS,
    SECTIONS,
    BULLETS,
    ITEMS,
    LINES,
    CHARACTERS,
    PLACEHOLDERS,
    HIGHLIGHTS,
    KEYWORDS,
    FORBIDDEN,
    LETTERS,
    CASE,
    MARKS,
    FORMATS,
    TITLE,
    WRAPPING,
    EDGES,
    POSTSCRIPT,
    OPENING,
    REPEAT,
    RESPONSES,
    OPTIONS,
    LANGUAGE,
)
