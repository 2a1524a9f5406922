"""Nouns that tell what a question is about, or what it takes up from the one before ("what is the book about?")."""

from __future__ import annotations

WORKS = tuple(
    """
    book novel film movie song play poem painting tower building river city country company team band album battle war
    treaty ship event series device person artist singer actor director player
    """.split()
)
PEOPLE = tuple("person man woman author writer painter artist composer inventor".split())
LANGUAGES = tuple(
    """
    english french german spanish italian portuguese dutch swedish danish norwegian finnish polish czech russian
    ukrainian greek turkish arabic hebrew persian hindi urdu bengali tamil telugu kannada marathi gujarati punjabi thai
    vietnamese indonesian swahili chinese mandarin japanese korean latin bulgarian romanian hungarian nepali
    """.split()
)
# What the result of an earlier part is called, and a text that the request brought.
RESULTS = tuple(
    "result answer sum product quotient difference total outcome number figure value results answers".split()
)
KNOWN = tuple("line quote phrase word sentence text article passage paragraph process author writer inventor".split())
# "The largest" of these is of a set that was named before.
OF_A_SET = tuple("number value figure item element option city town state airport party industry".split())
# Languages of programs, and what a program is written for or with.
PROGRAMMING_LANGUAGES = tuple(
    """
    python java javascript typescript c++ c# rust golang kotlin swift ruby php perl haskell scala bash shell sql html
    css react django flask matlab regex regexp latex yaml dockerfile powershell assembly
    """.split()
)
# Parts of something that a question leaves out ("list three causes").
PARTS = tuple(
    """
    example reason advantage disadvantage benefit cause effect phase type kind part symptom risk use step stage feature
    impact
    """.split()
)
# They make another place of a name: Virginia and West Virginia.
ELSEWHERE = frozenset(
    "north south east west northern southern eastern western new upper lower papua equatorial".split()
)
