"""Verbs by which people ask something of an assistant, in their base form."""

from __future__ import annotations

CALCULATING = frozenset(
    """
    add subtract multiply divide calculate compute solve evaluate integrate simplify double halve convert factor
    square round sum estimate count
    """.split()
) | {"work out", "figure out"}
COMPARING = frozenset("compare contrast rank".split())
EXPLAINING = frozenset("explain describe summarise summarize translate".split())
WRITING = frozenset(
    """
    write compose generate create rewrite paraphrase rephrase suggest recommend brainstorm discuss illustrate
    implement refactor invent fix debug improve correct proofread edit develop elaborate propose shorten classify
    analyse analyze draft outline design make prepare
    """.split()
) | {"come up with"}
# A request that begins with one of these asks for a text rather than for an answer that can be compared.
FOR_A_TEXT = (WRITING - {"come up with", "implement", "refactor", "debug", "fix", "classify"}) | frozenset(
    """
    summarise summarize translate explain describe imagine pretend act assume critique expand review plan provide argue
    persuade convince teach advise help extract rate classify format return
    """.split()
)
FINDING = frozenset(
    "define find give tell identify mention spell get determine locate recall say name list state know".split()
)
ORDERING = frozenset("book reserve order search look buy plan".split())
HANDLING = frozenset(
    """
    choose select send remind extract sort provide enumerate retrieve fetch guess prove derive verify justify delete
    remove replace reverse draw install download visit take show pick read open check schedule call research review
    set print
    """.split()
)
ASKING = CALCULATING | COMPARING | EXPLAINING | WRITING | FINDING | ORDERING | HANDLING

# Also nouns, adjectives or past tenses: in the middle of a sentence they command only with an object in plain sight.
AMBIGUOUS = frozenset(
    """
    factor square round sum estimate count rank draft outline plan design make take name list show state search
    look book order pick read open check schedule call research review set print fix correct prepare guess visit
    """.split()
) | {"work out", "figure out", "come up with"}
# They may be followed by a preposition at once; with any other verb that means an object left out ("sort by length").
PREPOSITIONAL = frozenset("search look write plan shop check visit read call book prove research".split())
# "To" after these leads to no second verb ("convert 5 miles to metres").
TARGETED = frozenset("convert translate compare add change give send round".split())
# They open a demand on how to answer ("use short words", "keep it brief").
DEMANDING = frozenset(
    """
    use include mention end begin start finish keep make ensure avoid limit answer respond reply repeat highlight
    separate put wrap format mark write note remember refrain consider imagine pretend act play roleplay assume follow
    think italicize underline capitalize structure insert append conclude provide present return output
    don't don’t never always
    """.split()
)
# What people did who are asked for: "who wrote ...".
MADE = tuple(
    """
    wrote painted discovered invented composed developed founded directed designed built sculpted created formulated
    proposed introduced
    """.split()
)
