"""Tell what a clause of English asks by its first words, with tables and a few patterns.  There is no parser.

It knows the verbs by which people command an assistant, and how English questions begin.  It does not know meaning.
Clauses come masked (see `masking.mask`).
"""

from __future__ import annotations

import re
from enum import Enum
from typing import NamedTuple

from services.decomposer.cutting.rules import rule
from services.language import grammar, verbs
from services.language.grammar import either
from services.language.patterns import AUXILIARY, DETERMINER, INTERROGATIVE, NUMBER, PREPOSITION, PRONOUN

# fmt: off
POLITE = rule("polite words",
    r"(?:(?:(?:please|kindly|now|so|well|ok|okay|just|also)\b[,!]?|(?:can|could|would|will)\s+you"
    r"|i(?:\s+want|\s+need|\s+would(?:\s+also)?\s+like|['’]d(?:\s+also)?\s+like)(?:\s+you)?\s+to"
    r"|help\s+me(?:\s+to)?|let(?:['’]s|\s+us))\s+)++", "could you please name it")
EMBEDDED = rule("question within a request",
    r"(?:(?:tell|remind)\s+me|let\s+me\s+know|know|(?:find|work|figure)\s+out|do\s+you\s+know|i\s+wonder)\s+"
    rf"(?=(?P<wh>{INTERROGATIVE})\b)", "tell me who won")
BARE_SUM = rule("bare sum",
    r"(?<![\d.,])\d[\d.,]*+%?(?:\s*(?:[+*/×÷^x]|-\s|\b(?:plus|minus|times|of|divided\s+by|multiplied\s+by)\b)"
    r"\s*\d(?:[.,]?\d)*+)++(?=\s*(?:[?!;,.]|$))", "13 times 11")
QUESTION = rule("question word",
    rf"(?i:(?:{PREPOSITION})\s+(?=(?:which|what|whom|whose|how)\b))?(?P<wh>(?i:"
    rf"(?:who|what|whom|which|whose)(?=['’]?(?:s|re|d|ll)\b|\s+(?!(?:{DETERMINER}|{PRONOUN})\b)[^\W_])"
    rf"|(?:how|why|when|where)(?=['’]?s\b|\s+{AUXILIARY}\b)|how(?=\s+(?:many|much|few|come|to|about)\b|\s+\w+\s+{AUXILIARY}\b)))"
    rf"|(?P<aux>(?i:{either(grammar.AUXILIARY)})(?i:n['’]t)?\s+(?:(?i:{DETERMINER}|{PRONOUN}|any|all|most|some)\b|[A-Z_\d])"
    rf"|(?i:{either(grammar.HAVE)})(?i:n['’]t)?\s+(?:(?i:{PRONOUN}|any|people)\b|[A-Z_]))",
    "in which city is it", re.NOFLAG)
VERB = rule("first word", r"(?:work|figure)\s+out\b|come\s+up\s+with\b|[^\W\d_]++", "work out 3 + 4")
OBJECT = rule("object in plain sight",
    rf"(?i:{DETERMINER}|{NUMBER}|me|us|all|some|any|each|every|for|up|{INTERROGATIVE})\b|[\d_$€£]|[A-Z][a-z]",
    "the rivers", re.NOFLAG)
OPENING_CLAUSE = rule("opening clause", rf"(?:{either(grammar.SUBORDINATOR)}|{PREPOSITION})\b", "In France, who rules?")
HOW_MUCH = rule("quantity", rf"\bhow\s+(?:{either(grammar.MEASURED)})\b|\b(?:percent(?:age)?|fraction|total|average)\b",
    "how many apples")
COMMA = rule("comma", r",\s++", "if so, what", re.NOFLAG)
LETTERS = rule("word", r"[^\W\d_]++", "word")
# fmt: on
_HEAD_CHARS = 80


class Mood(Enum):
    """How a clause asks; a fragment asks by its question mark only."""

    QUESTION = "question"
    COMMAND = "command"
    FRAGMENT = "fragment"


class Ask(NamedTuple):
    """What a clause asks: its question word or verb (lower case, may be empty), where that stands, what comes first.

    `late` says that an opening clause precedes it ("If ..., how many ...?").
    """

    mood: Mood
    word: str
    offset: int
    late: bool = False


def words_of(text: str) -> list[str]:
    """Give the words of a text in lower case."""
    return [word.lower() for word in LETTERS.pattern.findall(text)]


def is_english(text: str) -> bool:
    """Tell whether `text` is of Latin letters, and its small words are rather English than not."""
    words = words_of(text)
    num_foreign = sum(1 for word in words if word in grammar.FOREIGN or word[0] > "ɏ")
    return num_foreign <= sum(1 for word in words if word in grammar.ENGLISH)


def ask_at_head(clause: str, *, strict: bool = False) -> Ask | None:
    """Return what `clause` asks in its first words; `strict` demands an unmistakable beginning."""
    polite = POLITE.pattern.match(clause)
    offset = polite.end() if polite else 0
    if embedded := EMBEDDED.pattern.match(clause, offset):
        return Ask(Mood.QUESTION, embedded["wh"].lower(), embedded.end())
    if question := QUESTION.pattern.match(clause, offset):
        word = question["wh"] or question["aux"].split()[0]
        return Ask(Mood.QUESTION, word.lower(), question.start("wh" if question["wh"] else "aux"))
    if not strict and BARE_SUM.pattern.match(clause, offset):
        return Ask(Mood.QUESTION, "", offset)
    verb = VERB.pattern.match(clause, offset)
    word = " ".join(verb[0].lower().split()) if verb else ""
    if verb is None or word not in verbs.ASKING:
        return None
    is_plain = word not in verbs.AMBIGUOUS or OBJECT.pattern.match(
        clause[verb.end() : verb.end() + _HEAD_CHARS].lstrip()
    )
    return Ask(Mood.COMMAND, word, offset) if is_plain or not strict else None


def ask_of(sentence: str) -> Ask | None:
    """Return what a whole sentence asks, also after an opening clause, or merely by its question mark."""
    found = ask_at_head(sentence) or _ask_after_comma(sentence)
    return found or (Ask(Mood.FRAGMENT, "", 0) if sentence.rstrip().endswith("?") else None)


def _ask_after_comma(sentence: str) -> Ask | None:
    opened, marked, aside = opens(sentence), sentence.rstrip().endswith("?"), None
    for comma in COMMA.pattern.finditer(sentence):
        found = ask_at_head(sentence[comma.end() : comma.end() + _HEAD_CHARS])
        if found is None:
            continue
        found = found._replace(offset=comma.end() + found.offset, late=True)
        if found.word in grammar.RELATIVE and (opened or not marked):  # "If Tim, who is older than Ann, is 12, ..."
            aside = aside or (found if marked else None)
        elif opened or found.mood is Mood.QUESTION:
            return found
    return aside


def opens(text: str) -> bool:
    """Tell whether `text` is no sentence of its own but opens one ("If x = 3, ", "In France, ")."""
    return OPENING_CLAUSE.pattern.match(text) is not None


def asks_quantity(text: str) -> bool:
    """Tell whether a number is asked."""
    return HOW_MUCH.pattern.search(text) is not None
