"""What a clause of English asks, and whether it stands alone: word tables and a few patterns, no parser.

It knows the verbs that people use to command an assistant, how English questions begin, and the words that point back.
It does not know meaning: whether two well-formed clauses are about the same thing is seen only by the words they share.
Clauses come masked (see `spans.mask`).
"""

from __future__ import annotations

import re
from enum import Enum
from typing import NamedTuple

MATH_VERBS = frozenset(
    "add subtract multiply divide calculate compute solve evaluate integrate simplify double halve convert"
    " factor square round sum estimate count".split()
)
COMPARE_VERBS = frozenset("compare contrast rank".split())
GENERATE_VERBS = frozenset(
    "write explain describe summarise summarize translate compose generate create rewrite paraphrase rephrase suggest"
    " recommend brainstorm discuss illustrate implement refactor invent fix debug improve correct proofread edit"
    " develop elaborate propose shorten classify analyse analyze draft outline plan design make prepare".split()
)
SEARCH_VERBS = frozenset(
    "define find give tell identify mention spell get determine locate recall say buy choose select send remind"
    " extract sort provide enumerate retrieve fetch guess prove derive verify justify delete remove replace reverse"
    " draw install download visit take name list show state search look book order pick read open check schedule call"
    " research review set".split()
)
VERBS = MATH_VERBS | COMPARE_VERBS | GENERATE_VERBS | SEARCH_VERBS
# Also nouns, adjectives or past tenses: in the middle of a sentence they command only with an object in plain sight.
AMBIGUOUS_VERBS = frozenset(
    "factor square round sum estimate count rank draft outline plan design make take name list show state search look"
    " book order pick read open check schedule call research review set fix correct prepare guess visit".split()
)
# Said to an assistant, hardly ever of what a third party does.
ASSISTANT_VERBS = frozenset(
    "calculate compute solve compare explain define describe translate summarise summarize tell suggest list name"
    " paraphrase rewrite outline discuss".split()
)
# They may be followed by a preposition at once; with any other verb that means an object left out ("sort by length").
PREPOSITIONAL_VERBS = frozenset("search look write plan shop check visit read call book prove research".split())

RELATIVES = frozenset("who which whose whom".split())
# What they fetch is what the rest of the sentence works on.
_LOADING_VERBS = frozenset("open read fetch visit take download".split())

_AUX_BE = r"is|are|was|were|am|does|did|can|could|will|would|shall|should|may|might|must"
_AUX = rf"(?:{_AUX_BE}|do|has|have|had)(?:n['’]t)?"
_PRONOUN = r"i|you|he|she|it|we|they|there|anyone|anybody|someone"
_DETERMINER = r"a|an|the|my|your|our|his|her|its|their|this|that|these|those"
_NUMBER = r"\d[\d.,]*|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve"
_PREPOSITION = r"in|on|at|to|from|by|for|of|with|under|during|through|after|before|into|about|as|between|since|until"
_SUBORDINATOR = rf"if|when|while|given|suppose|assuming|because|although|once|using|considering|let|{_PREPOSITION}"

_POLITE = re.compile(
    r"(?:(?:(?:please|kindly|now|so|well|ok|okay|hey|hi|hello|just|also)\b[,!]?|(?:can|could|would|will)\s+you"
    r"|i(?:\s+want|\s+need|\s+would\s+like|['’]d\s+like)(?:\s+you)?\s+to|help\s+me(?:\s+to)?|let(?:['’]s|\s+us))\s+)++",
    re.IGNORECASE,
)
_EMBEDDED = re.compile(
    r"(?:(?:tell|remind)\s+me|let\s+me\s+know|know|find\s+out|do\s+you\s+know|i\s+(?:was\s+)?wonder(?:ing)?)\s+"
    r"(?=(?:who|what|which|whose|when|where|why|how)\b)",
    re.IGNORECASE,
)
_QUESTION = re.compile(
    rf"""
    (?i:(?:{_PREPOSITION})\s+(?=(?:which|what|whom|whose|how)\b))?
    (?P<wh>(?i:
        (?:who|what|whom|which|whose)(?=['’]?(?:s|re|d|ll)\b|\s+(?!(?:{_DETERMINER}|{_PRONOUN})\b)[^\W_])
        | (?:how|why|when|where)(?=['’]?s\b|\s+{_AUX}\b)
        | how(?=\s+(?:many|much|few|come|to|about)\b|\s+\w+\s+{_AUX}\b)
        | why(?=\s+not\b)
    ))
    | (?P<aux>
        (?i:(?:{_AUX_BE})(?:n['’]t)?)\s+(?:(?i:{_DETERMINER}|{_PRONOUN}|any|all|most|some)\b|[A-Z_\d])
        | (?i:(?:do|has|have|had)(?:n['’]t)?)\s+(?:(?i:{_PRONOUN}|any|people)\b|[A-Z_])
    )
    """,
    re.VERBOSE,
)
_BARE_AUX = re.compile(rf"{_AUX}\s+\w", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]+")
_OBJECT = re.compile(
    rf"(?:(?i:{_DETERMINER}|{_NUMBER}|me|us|all|some|any|each|every|for|up|who|what|which|how|why|when|where)\b"
    r"|[\d_$€£]|[A-Z][a-z])",
)
_OPENING_PHRASE = re.compile(rf"(?:{_SUBORDINATOR})\b", re.IGNORECASE)
_ARITHMETIC = re.compile(r"\w+\s+\D{0,12}\d[\d.,]*%?\D{1,20}\d")


class Kind(Enum):
    """How a request is put."""

    QUESTION = "question"
    COMMAND = "command"
    FRAGMENT = "fragment"


class Request(NamedTuple):
    """A clause that asks: its kind, its question word or verb (lower case), and where in the clause that stands."""

    kind: Kind
    word: str
    offset: int

    @property
    def arithmetic_verb(self) -> bool:
        """Whether it commands a computation."""
        return self.kind is Kind.COMMAND and self.word in MATH_VERBS


def request(clause: str, *, strict: bool = False) -> Request | None:
    """Return what `clause` asks in its first words; `strict` demands an unmistakable beginning."""
    polite = _POLITE.match(clause)
    offset = polite.end() if polite else 0
    embedded = _EMBEDDED.match(clause, offset)
    if embedded:
        word = _WORD.match(clause, embedded.end())
        assert word is not None
        return Request(Kind.QUESTION, word[0].lower(), embedded.end())
    question = _QUESTION.match(clause, offset)
    if question:
        return Request(Kind.QUESTION, (question["wh"] or question["aux"]).split()[0].lower(), offset)
    return _command(clause, offset, strict=strict)


def _command(clause: str, offset: int, *, strict: bool) -> Request | None:
    verb = _WORD.match(clause, offset)
    if not verb or verb[0].lower() not in VERBS:
        return None
    word = verb[0].lower()
    rest = clause[verb.end() : verb.end() + 40]
    if rest[:1] not in ("", " ", "\n", "\t", ":", ".", "?", "!") or re.match(r"\s+[A-Z]\b(?!\w)", rest):
        return None
    rest = rest.lstrip()
    if strict and (re.match(r"$|(?:and|or)\b|[,.?!]", rest) or (word in AMBIGUOUS_VERBS and not _OBJECT.match(rest))):
        return None
    return Request(Kind.COMMAND, word, offset)


def is_parallel_yes_no(left: str, right: str) -> bool:
    """Tell whether both clauses are yes-no questions ("is water wet and is ice cold")."""
    return bool(_BARE_AUX.match(left) and _BARE_AUX.match(right))


def is_arithmetic(clause: str, ask: Request) -> bool:
    """Tell whether `clause` commands a sum that brings its own numbers."""
    return ask.arithmetic_verb and bool(_ARITHMETIC.match(clause, ask.offset))


def asks(sentence: str) -> Request | None:
    """Return what a whole sentence asks, also after an opening phrase ("If ..., how many ...?") or by its mark."""
    found = request(sentence)
    if found is None:
        at = request_offset(sentence)
        found = None if at is None else request(sentence[at:])
    if found is None and sentence.rstrip().endswith("?"):
        bare = _BARE_AUX.match(sentence)
        return Request(Kind.QUESTION if bare else Kind.FRAGMENT, "", 0)
    return found


def request_offset(sentence: str) -> int | None:
    """Return where `sentence` begins to ask: at its head or after a comma."""
    if request(sentence) or _BARE_AUX.match(sentence):
        return 0
    opened = bool(_OPENING_PHRASE.match(sentence))
    marked = sentence.rstrip().endswith("?")
    for comma in re.finditer(r",\s+", sentence):
        found = request(sentence[comma.end() : comma.end() + 80])
        relative = found and found.word in RELATIVES and not marked
        if found and not relative and (found.kind is Kind.QUESTION or opened):
            return comma.end()
    return None


# --- pointing back ---------------------------------------------------------------------------------------------------

_END = r"\s*[.?!,;:]*\s*$"
_FAIR = (
    "true possible safe legal illegal ok okay better worse best worth necessary normal good bad rude wrong hard easy"
)
_FAIR += " difficult dangerous healthy common important cheaper faster polite"
_SKY = "rain raining snow snowing sunny hot cold warm windy dark foggy day night noon midnight morning summer winter"
_LATER = r"(?=.{1,200}\b(?:to|that|for|if|when|from)\b)"
_BE_IT = r"(?:(?:is|was|isn['’]t|will|would|does|did|can)\s+it(?:\s+be)?|it(?:['’]s|\s+(?:is|was|will\s+be)))"
_EXPLETIVE = re.compile(
    rf"""
    \b(?i:
        (?:time|day|date|month|year|season)\s+(?:is|was)\s+it(?=\s+(?:in|at|on|when|if|now|here|today|tomorrow)\b|\W*$)
        | {_BE_IT}\s+(?:(?:now|still|already|about|currently)\s+)?(?:[\d_]|(?:{_SKY.replace(" ", "|")})\b)
        | {_BE_IT}\s+(?:{_FAIR.replace(" ", "|")})\b{_LATER}
        | (?:late|far|like|called)\s+is\s+it\b{_LATER} | is\s+it\s+(?:like|called)\b{_LATER}
        | (?:does|did|will|would|can)\s+it\s+(?:take|cost|mean|feel|matter|hurt|help)\b{_LATER}
        | it\s+(?:rain|snow|take)s?\b
    )
    | \b(?i:do|did|can)\s+they\s+\w+\s+(?:in|at|on)\s+(?:the\s+)?[A-Z_]
    """,
    re.VERBOSE,
)
_PERSONAL = re.compile(
    r"\b(?:(he|him|she|it|they|them)|(his|her|hers|its|their|theirs|itself|himself|herself|themselves))\b",
    re.IGNORECASE,
)
_CLAUSE_BREAK = re.compile(
    r"\b(?:when|if|because|while|after|before|until|unless|so|since|although|that|who|which|than|as|and|but|or|where)\b|,",
    re.IGNORECASE,
)
_NOUN_PHRASE = re.compile(
    rf"(?i:\b(?:{_DETERMINER}|every|each|some|any|one|{_NUMBER})\s+[a-z])|(?<=\s)[A-Z][a-z]|_"
    rf"|\b(?i:{_AUX})\s+(?!(?i:{_PRONOUN}|not)\b)[a-z]{{3}}|(?<!\bwhat\s)(?<!\bwho\s)\b[a-z]{{3,}}s\b",
)
_RELATIONAL = (
    r"results?|answers?|sum|product|total|quotient|difference|output|outcome|contents?|rest|remainder|others?|former"
    r"|latter|above|previous|two|three|pair|steps|details|reasons?|reasoning|winner|ingredients|causes|effects"
)
_BACK = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"\b(?:this|these|those)\b(?!\s+(?:year|month|week|century|morning|weekend|summer|winter|days|who)\b)(?!.*[:_])",
        r"\bthat(?=\s*[.,;?!]*\s*$|\s+(?:by|from|to|with|into|for|in|of|as|and)\b)",
        r"\b(?:of|from|to|by|with|for|in|than|about|like|at|is|was|does|did|can|will|would|has)\s+that\b",
        rf"\bthe\s+(?:{_RELATIONAL})(?=\s*$|\s*[.,;:?!)]|\s+(?:by|from|with|and|into|in|as|is|are|was|on)\b)",
        r"\bthe\s+(?:line|quote|phrase|word|sentence|text|article|page|passage|paragraph|snippet|link)\b"
        r"(?!\s*(?:_|of\b|for\b|that\b|which\b|in\b))",
        r"\bthe\s+same(?!\s+(?:\w+\s+)?as\b)",
        r"\bboth\b(?!.{1,200}\band\b)",
        r"\byour\s+(?:answer|work|reasoning|solution|steps|choice|result)\b",
        rf"\b(?:examples?|pros\s+and\s+cons|reasons?|advantages|disadvantages|benefits|drawbacks|more|another|others){_END}",
        r"\bwhich\s+one\b|\b(?:another|the\s+\w+)\s+ones?\b|\belse\b|\b(?:if|do|does|did)\s+so\b|\bif\s+not\b",
        r"\b(?!(?:is|are|was|were|be|will|would|could|can|has|have|had)\b)\w+\s+there\b(?!\s+(?:is|are|was|were)\b)",
        r"^which\s+(?:is|are|was|were)\s+(?:the\s+)?(?:\w+(?:er|est)|(?:more|most|less|least)\s+\w+|worse|best|worst)"
        + _END,
        rf"^who\s+\w+\s+(?:second|third|fourth|next|last){_END}|\b(?:instead|too|likewise){_END}",
        rf"^(?:what|how)\s+about\b|^(?:why|how|when|where|who|which|what)(?:\s+(?:so|not))?{_END}",
        rf"^(?:explain|say|tell\s+me)\s+(?:why|how|when|where)(?:\s+not)?{_END}",
        rf"^(?:explain|summari[sz]e|translate|justify|elaborate|describe|define|rewrite|simplify|verify){_END}",
        rf"^(?:add|subtract|deduct)\s+[^\s\d]?\d[\d.,]*%?(?:\s+(?:more|percent))?{_END}|^(?:double|halve|square|round){_END}",
    )
)
_STATEMENT_BACK = re.compile(
    r"(?:he|she|it|they|this|that|these|those|his|her|its|their|both|each|another|same|ditto|do"
    r"|the\s+(?:other|others|rest|remaining|same|former|latter))\b",
    re.IGNORECASE,
)
_OBJECTLESS = re.compile(r"(\w+)\s+(?:to|into|by|in|from|as|with)\b", re.IGNORECASE)
_THAT_OBJECT = re.compile(r"(?!(?:show|prove|say|check|verify|explain|state)\b)\w+\s+that\b", re.IGNORECASE)
_INDEFINITE = re.compile(rf"\b(?:a|an|one|some|{_NUMBER})\s+(\w+)(?:[\s-]+(\w+))?", re.IGNORECASE)
_DEFINITE = re.compile(r"\b(?:the|that|this|each)\s+(\w+)\b(?!\s+of\b)", re.IGNORECASE)


def refers_back(clause: str, ask: Request | None, before: str) -> bool:
    """Tell whether `clause` needs something named in `before`, the part just before it."""
    if ask is None:
        return bool(_STATEMENT_BACK.match(clause))
    body = clause[ask.offset :]
    if ask.kind is Kind.FRAGMENT and _is_elliptical(body):
        return True
    if ask.kind is Kind.COMMAND and (_lacks_object(body) or _THAT_OBJECT.match(body)):
        return True
    if ask.kind is Kind.COMMAND and _first_word(before) in _LOADING_VERBS and not re.search(r"[_\d]|\s[A-Z]", body):
        return True
    plain = _EXPLETIVE.sub(" ", body)
    if any(pattern.search(plain) for pattern in _BACK):
        return True
    if any(not _has_antecedent(plain[: found.start()], found) for found in _PERSONAL.finditer(plain)):
        return True
    named = {noun.lower() for pair in _INDEFINITE.finditer(before) for noun in pair.groups() if noun}
    return any(found[1].lower() in named for found in _DEFINITE.finditer(body))


def _has_antecedent(before: str, pronoun: re.Match[str]) -> bool:
    """Tell whether the clause itself names what `pronoun` stands for, in an earlier clause unless it is possessive."""
    recent = before[-300:]
    if pronoun[1]:
        breaks = list(_CLAUSE_BREAK.finditer(recent))
        recent = recent[: breaks[-1].start()] if breaks else ""
    return bool(_NOUN_PHRASE.search(recent))


def _lacks_object(body: str) -> bool:
    found = _OBJECTLESS.match(body)
    return bool(found) and found[1].lower() not in PREPOSITIONAL_VERBS


def _first_word(clause: str) -> str:
    ask = request(clause)
    return ask.word if ask else ""


def _is_elliptical(body: str) -> bool:
    return len(body.split()) <= 2 or bool(re.match(rf"(?:{_PREPOSITION})\b", body, re.IGNORECASE))
