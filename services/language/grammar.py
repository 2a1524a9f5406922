"""Small words of English by their part of speech, as tuples to be joined to patterns, or as sets."""

from __future__ import annotations

from collections.abc import Iterable

BE = tuple("is are was were am".split())
MODAL = tuple("can could will would shall should may might must".split())
AUXILIARY = (*BE, "does", "did", *MODAL)
HAVE = tuple("do has have had".split())
PRONOUN = tuple("i you he she it we they there anyone anybody someone".split())
DETERMINER = tuple("a an the my your our his her its their this that these those".split())
PREPOSITION = tuple(
    """
    in on at to from by for of with under during through after before into about as between since until
    """.split()
)
SUBORDINATOR = tuple(
    """
    if when while given suppose assuming because although once using considering let without among according
    """.split()
)
RELATIVE = frozenset("who which whose whom".split())
INTERROGATIVE = RELATIVE | {"what", "when", "where", "why", "how"}
ORDINAL = tuple("first second third fourth fifth sixth".split())
COMPARATIVE_STEM = tuple(
    """
    larg small bigg long short tall high low old young fast slow cheap heavi light strong weak near clos earli lat
    deep wid hott cold warm cool rich poor hard soft easi great dens bright dark new saf
    """.split()
)
# How much of it: "how many", "how far".
MEASURED = tuple("many much far long old tall deep fast heavy high often soon big large wide hot cold".split())
# They end like superlatives.
NO_SUPERLATIVE = tuple("interest forest harvest west rest test request guest".split())
# What "it is" begins with, where "it" stands for nothing: the weather, and what is said of an action.
WEATHER = tuple("rain raining snow snowing hot cold warm dark day night noon midnight".split())
JUDGED = tuple(
    """
    true possible safe legal illegal ok okay better worth normal good bad hard easy dangerous healthy common important
    late far take cost mean matter
    """.split()
)
# Who asks, and who is asked.
SPEAKER = frozenset("i my we our us mine you your".split())
# A pronoun in its forms: one subject goes with one of these.
PRONOUN_FORMS = tuple(frozenset(forms.split()) for forms in ("he him his", "she her hers", "it its", "they them their"))
# Words that may stand for something that came before.
REFERRING = frozenset().union(*PRONOUN_FORMS) | frozenset(
    "theirs there this that these those both each same other former latter".split()
)
# Words of four letters or more that say nothing about a text's topic.
EMPTY = frozenset(
    """
    have many much does what which with from they their there then that this were will would when about tell
    each both also next after more than your into some
    """.split()
)
# Capitalised at the head of a sentence, and no names.
SENTENCE_HEAD = frozenset(
    """
    The A An If In On At How What Which Who When Where Why Is Are Do Does Did Can After Before Then Also Each
    Every He She It They His Her Their There This That These Those For And But So With Two Three Four Five One
    Some Let Suppose Given
    """.split()
)
NEGATIONS = frozenset("no not never neither nor none nothing nobody cannot without".split())
# Words that carry no meaning of their own, negations left out.
FUNCTION_WORDS = frozenset(
    """
    a about all also an and any are as at be been being both but by can could did do does each for from had has have he
    her here his how if in into is it its just more most of on or other our she should so some such than that the their
    them then there these they this those to too very was we were what when where which while who whom whose why will
    with would you your
    """.split()
)
# What follows "the word" and names none.
UNNAMED = frozenset(
    """
    that any anything it its this these those me my you your yourself how what why who whether them they the a an or and
    limit count in at for of with as should must may is are be do to from on by have has each no not than exactly only
    per more less used times such like which where when also
    """.split()
)
ENGLISH = frozenset(
    """
    the is are of and in what who which when where why how does did to for with an on you me find write explain
    """.split()
)
FOREIGN = frozenset(
    """
    der die das und ist wer wie wo wann warum welche von ein eine nicht el la los las es qué cuál cuáles quién
    cómo del le les est et qui que quel quelle où une il che è chi come quale di het een wat van och är vad
    hvad hvem os é
    """.split()
)
# A text of these alone only announces questions.
ANNOUNCING = frozenset(
    """
    please kindly answer solve do can could would you help me with i have need want to these those this the
    following my some a few couple of all each both two three four five six several questions question tasks
    task things parts problems here are is below in order hi hello hey and for d like know
    """.split()
)
GREETING = tuple("hello hi hey thanks thank cheers greetings".split())


def either(words: Iterable[str]) -> str:
    """Give the alternatives of a pattern that match any of `words`."""
    return "|".join(sorted(words, key=lambda word: (-len(word), word)))
