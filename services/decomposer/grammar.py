"""What a clause of English asks, told by its first words: tables and a few patterns, no parser.

It knows the verbs that people use to command an assistant, and how English questions begin.  It does not know meaning.
Clauses come masked (see `spans.mask`), except those that `operation` looks at.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import NamedTuple

MATH_VERBS = frozenset(
    """
    add subtract multiply divide calculate compute solve evaluate integrate simplify double halve convert factor
    square round sum estimate count
    """.split()
) | {"work out", "figure out"}
COMPARE_VERBS = frozenset("compare contrast rank".split())
GENERATE_VERBS = frozenset(
    """
    write explain describe summarise summarize translate compose generate create rewrite paraphrase rephrase
    suggest recommend brainstorm discuss illustrate implement refactor invent fix debug improve correct
    proofread edit develop elaborate propose shorten classify analyse analyze draft outline plan design make
    prepare
    """.split()
) | {"come up with"}
_SEARCH_VERBS = frozenset(
    """
    define find give tell identify mention spell get determine locate recall say buy choose select send remind
    extract sort provide enumerate retrieve fetch guess prove derive verify justify delete remove replace
    reverse reserve draw install download visit take name list show state search look book order pick read open
    check schedule call research review set print
    """.split()
)
VERBS = MATH_VERBS | COMPARE_VERBS | GENERATE_VERBS | _SEARCH_VERBS
# Also nouns, adjectives or past tenses: in the middle of a sentence they command only with an object in plain sight.
_AMBIGUOUS_VERBS = frozenset(
    """
    factor square round sum estimate count rank draft outline plan design make take name list show state search
    look book order pick read open check schedule call research review set print fix correct prepare guess visit
    """.split()
) | {"work out", "figure out", "come up with"}
# Said to an assistant, hardly ever of what a third party does.
ASSISTANT_VERBS = frozenset(
    """
    calculate compute solve convert compare say explain define describe translate summarise summarize tell suggest
    list name paraphrase rewrite outline discuss
    """.split()
)
# They may be followed by a preposition at once; with any other verb that means an object left out ("sort by length").
PREPOSITIONAL_VERBS = frozenset("search look write plan shop check visit read call book prove research".split())
RELATIVES = frozenset("who which whose whom".split())
QUESTION_WORDS = RELATIVES | {"what", "when", "where", "why", "how"}

_AUX_BE = r"is|are|was|were|am|does|did|can|could|will|would|shall|should|may|might|must"
AUX = rf"(?:{_AUX_BE}|do|has|have|had)(?:n['’]t)?"
PRONOUN = r"i|you|he|she|it|we|they|there|anyone|anybody|someone"
DETERMINER = r"a|an|the|my|your|our|his|her|its|their|this|that|these|those"
NUMBER = r"\d[\d.,]*|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve"
PREPOSITION = r"in|on|at|to|from|by|for|of|with|under|during|through|after|before|into|about|as|between|since|until"
MAKING = (
    r"wrote|painted|discovered|invented|composed|developed|founded|directed|designed|built|sculpted|created|formulated"
    r"|proposed|introduced"
)

_POLITE = re.compile(
    r"(?:(?:(?:please|kindly|now|so|well|ok|okay|hey|hi|hello|just|also)\b[,!]?|(?:can|could|would|will)\s+you"
    r"|i(?:\s+want|\s+need|\s+would\s+like|['’]d\s+like)(?:\s+you)?\s+to|help\s+me(?:\s+to)?|let(?:['’]s|\s+us))\s+)++",
    re.IGNORECASE,
)
_EMBEDDED = re.compile(
    r"(?:(?:tell|remind)\s+me|let\s+me\s+know|know|(?:find|work|figure)\s+out|do\s+you\s+know|i\s+(?:was\s+)?wonder(?:ing)?)\s+"
    r"(?=(?P<wh>who|what|which|whose|when|where|why|how)\b)",
    re.IGNORECASE,
)
_BARE_SUM = re.compile(
    r"\d[\d.,]*%?(?:\s*(?:[+*/×÷^x]|\s-\s|\b(?:plus|minus|times|of|divided\s+by|multiplied\s+by)\b)\s*\d(?:[\d.,]*\d)?)+"
    r"(?=\s*(?:[?!;]|[.,](?:\s|$)|$))",
    re.IGNORECASE,
)
_WISH = re.compile(
    r"i(?:\s+also)?(?:\s+(?:want|need)|(?:\s+would|['’]d)(?:\s+also)?\s+like)\s+to\s+(?P<verb>know)\s+"
    rf"(?:{DETERMINER}|who|what|which|whose|when|where|why|how)\b",
    re.IGNORECASE,
)
_QUESTION = re.compile(
    rf"""
    (?i:(?:{PREPOSITION})\s+(?=(?:which|what|whom|whose|how)\b))?
    (?P<wh>(?i:
        (?:who|what|whom|which|whose)(?=['’]?(?:s|re|d|ll)\b|\s+(?!(?:{DETERMINER}|{PRONOUN})\b)[^\W_])
        | (?:how|why|when|where)(?=['’]?s\b|\s+{AUX}\b)
        | how(?=\s+(?:many|much|few|come|to|about)\b|\s+\w+\s+{AUX}\b)
        | why(?=\s+not\b)
    ))
    | (?P<aux>
        (?i:(?:{_AUX_BE})(?:n['’]t)?)\s+(?:(?i:{DETERMINER}|{PRONOUN}|any|all|most|some)\b|[A-Z_\d])
        | (?i:(?:do|has|have|had)(?:n['’]t)?)\s+(?:(?i:{PRONOUN}|any|people)\b|[A-Z_])
        | (?i:is|are|was|were)\s+[a-z]+\s+(?:a|an|the)\b | (?i:do|did)\s+[a-z]+s\s+[a-z]
    )
    """,
    re.VERBOSE,
)
_YES_NO = re.compile(rf"{AUX}\s+\w", re.IGNORECASE)
_OPEN_YES_NO = re.compile(r"(?P<aux>is|are|was|were|do|does|did)\s+\w", re.IGNORECASE)  # begins no statement
_WORD = re.compile(r"[^\W\d_]+")
_VERB = re.compile(r"(?:work|figure)\s+out\b|come\s+up\s+with\b|[^\W\d_]+", re.IGNORECASE)
_NO_COMMAND = re.compile(r"[^\s:.?!]|\s+[A-Z]\b")  # "Finds", "Plan A"
_NO_OBJECT = re.compile(r"$|(?:and|or)\b|[,.?!]")
_OBJECT = re.compile(
    rf"(?i:{DETERMINER}|{NUMBER}|me|us|all|some|any|each|every|for|up|who|what|which|how|why|when|where)\b"
    r"|[\d_$€£]|[A-Z][a-z]",
)
_OPENING_PHRASE = re.compile(
    rf"(?:if|when|while|given|suppose|assuming|because|although|once|using|considering|let|without|among|according|{PREPOSITION})\b",
    re.IGNORECASE,
)
_ARITHMETIC = re.compile(r"\w+\s+\D{0,12}\d[\d.,]*%?\D{1,20}\d")
_ASIDE = re.compile(  # "If Eva, who is older than Max, is 12, ..."
    rf"(?:who|whose|which)\b[^,?]*,\s+(?:{_AUX_BE}|has|have|had)\s+(?!(?:{DETERMINER}|{PRONOUN})\b)", re.IGNORECASE
)
_TASK = re.compile(r"(?:find|determine|calculate|compute)\s+(?:the|how|what)\b")  # "The ratio is 3:1, find the number"
_HOW_MUCH = re.compile(
    r"\bhow\s+(?:many|much|far|long|old|tall|deep|fast|heavy|high|often|soon)\b"
    r"|\b(?:percent|percentage|fraction|total|average|profit|cost)\b",
    re.IGNORECASE,
)
_HEAD_CHARS = 80
_VERB_WITH_VERB = 2  # words

_FOREIGN = frozenset(
    """
    der die das und ist wer wie wo wann warum welche von ein eine nicht el la los las es qué cuál cuáles quién
    cómo del le les est et qui que quel quelle où une il che è chi come quale di het een wat van och är vad
    hvad hvem os é
    """.split()
)
_ENGLISH = frozenset(
    """
    the is are of and in what who which when where why how does did to for with an on you me find write explain
    """.split()
)


class Kind(Enum):
    """How a request is put; a fragment asks by its question mark only."""

    QUESTION = "question"
    COMMAND = "command"
    FRAGMENT = "fragment"


class Request(NamedTuple):
    """What a clause asks: its question word or verb (lower case, may be empty), where that stands, what comes first.

    `late` says that an opening clause precedes it ("If ..., how many ...?").
    """

    kind: Kind
    word: str
    offset: int
    late: bool = False


def is_english(text: str) -> bool:
    """Tell whether the small words of `text` are rather English than not; true if there are none."""
    words = [word.lower() for word in _WORD.findall(text)]
    return sum(word in _FOREIGN for word in words) <= sum(word in _ENGLISH for word in words)


def request(clause: str, *, strict: bool = False) -> Request | None:
    """Return what `clause` asks in its first words; `strict` demands an unmistakable beginning."""
    polite = _POLITE.match(clause)
    offset = polite.end() if polite else 0
    embedded = _EMBEDDED.match(clause, offset)
    if embedded:
        return Request(Kind.QUESTION, embedded["wh"].lower(), embedded.end())
    question = _QUESTION.match(clause, offset)
    if question:
        word = question["wh"] or question["aux"].split()[0]
        return Request(Kind.QUESTION, word.lower(), question.start("wh" if question["wh"] else "aux"))
    yes_no = None if strict else _OPEN_YES_NO.match(clause, offset)
    if yes_no:
        return Request(Kind.QUESTION, yes_no["aux"].lower(), offset)
    if not strict and _BARE_SUM.match(clause, offset):
        return Request(Kind.QUESTION, "", offset)
    wish = None if strict else _WISH.match(clause)
    return Request(Kind.COMMAND, "know", wish.start("verb")) if wish else _command(clause, offset, strict=strict)


def _command(clause: str, offset: int, *, strict: bool) -> Request | None:
    verb = _VERB.match(clause, offset)
    word = " ".join(verb[0].lower().split()) if verb else ""
    if verb is None or word not in VERBS or _NO_COMMAND.match(clause, verb.end()):
        return None
    rest = clause[verb.end() : verb.end() + _HEAD_CHARS].lstrip()
    if strict and (_NO_OBJECT.match(rest) or (word in _AMBIGUOUS_VERBS and not _OBJECT.match(rest))):
        return None
    return Request(Kind.COMMAND, word, offset)


def asks(sentence: str) -> Request | None:
    """Return what a whole sentence asks, also after an opening clause, or merely by its question mark."""
    at = request_offset(sentence)
    found = None if at is None else request(sentence[at:])
    if found and at:
        return found._replace(offset=at + found.offset, late=True)
    if found is None and sentence.rstrip().endswith("?"):
        return Request(Kind.FRAGMENT if at is None else Kind.QUESTION, "", 0)
    return found


def request_offset(sentence: str) -> int | None:
    """Return where `sentence` begins to ask: at its head, or after a comma."""
    if request(sentence) or _YES_NO.match(sentence):
        return 0
    opened = bool(_OPENING_PHRASE.match(sentence))
    marked = sentence.rstrip().endswith("?")
    resumed = 0
    for comma in re.finditer(r",\s+", sentence):
        if comma.start() < resumed:
            continue
        aside = _ASIDE.match(sentence, comma.end()) if opened else None
        if aside:
            resumed = aside.end()
            continue
        found = request(sentence[comma.end() : comma.end() + _HEAD_CHARS])
        if found is None or (not marked and found.word in RELATIVES):
            continue
        if opened or found.kind is Kind.QUESTION or _TASK.match(sentence, comma.end()):
            return comma.end()
    return None


def opens(text: str) -> bool:
    """Tell whether `text` is no sentence of its own but opens one ("If x = 3, ", "In France, ")."""
    return _OPENING_PHRASE.match(text) is not None


def ends_in_verb(clause: str) -> bool:
    """Tell whether `clause` stops at a verb that a second one may join ("read and write")."""
    words = clause.lower().split()
    return words[-1] in VERBS and (len(words) == _VERB_WITH_VERB or words[-1] not in _AMBIGUOUS_VERBS)


def are_both_yes_no(left: str, right: str) -> bool:
    """Tell whether both clauses are yes-no questions ("is water wet and is ice cold")."""
    return bool(_YES_NO.match(left) and _YES_NO.match(right))


def is_arithmetic(clause: str, ask: Request) -> bool:
    """Tell whether `clause` commands a sum that brings its own numbers."""
    return ask.word in MATH_VERBS and bool(_ARITHMETIC.match(clause, ask.offset))


def asks_quantity(text: str) -> bool:
    """Tell whether a number is asked."""
    return _HOW_MUCH.search(text) is not None
