"""Nouns that a question may take up from the one before ("what is the book about?")."""

from __future__ import annotations

WORKS = tuple(
    """
    book novel film movie song play poem painting tower building river city country company team band album battle war
    treaty ship event series device person artist singer actor director player
    """.split()
)
LANGUAGES = tuple(
    """
    english french german spanish italian portuguese dutch swedish danish norwegian finnish polish czech russian
    ukrainian greek turkish arabic hebrew persian hindi urdu bengali tamil telugu kannada marathi gujarati punjabi thai
    vietnamese indonesian swahili chinese mandarin japanese korean latin bulgarian romanian hungarian nepali
    """.split()
)
# Parts of something that a question leaves out ("list three causes").
PARTS = tuple(
    """
    example reason advantage disadvantage benefit cause effect phase type kind part symptom risk use step stage feature
    impact
    """.split()
)
