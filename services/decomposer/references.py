"""Words that point back to an earlier part of a query.

They are a pronoun without a noun before it in its own clause, a noun that was new a part ago, a missing object, and
what leaves out whose or of what it is ("the capital", "the smallest", "an example").
"""

from __future__ import annotations

import re

from services.decomposer.facts import PERSONAL, STILL, known_nouns, new_nouns, topic_words
from services.decomposer.grammar import (
    AUX,
    DETERMINER,
    MAKING,
    NUMBER,
    PREPOSITION,
    PREPOSITIONAL_VERBS,
    PRONOUN,
    Kind,
    Request,
    asks_quantity,
    request,
)

_END = r"\s*[.?!,;:]*\s*$"
_LATER = r"(?=.{1,200}\b(?:to|that|for|if|when|from)\b)"
_IS_IT = r"(?:(?:is|was|isn['’]t|will|would|does|did|can)\s+it(?:\s+be)?|it(?:['’]s|\s+(?:is|was|will\s+be)))"
_EXPLETIVE = re.compile(
    rf"""
    \b(?i:
        (?:time|day|date|month|year|season)\s+(?:is|was)\s+it(?=\s+(?:in|at|on|when|if|now|here|today|tomorrow)\b|\W*$)
        | {_IS_IT}\s+(?:(?:now|still|already|about|currently)\s+)?(?:[\d_]|(?:rain|raining|snow|snowing|sunny|hot|cold
            |warm|windy|dark|foggy|day|night|noon|midnight|morning|summer|winter)\b)
        | {_IS_IT}\s+(?:true|possible|safe|legal|illegal|ok|okay|better|worse|best|worth|necessary|normal|good|bad|rude
            |wrong|hard|easy|difficult|dangerous|healthy|common|important|cheaper|faster|polite)\b{_LATER}
        | (?:late|far)\s+is\s+it\b{_LATER} | is\s+it\s+(?:like|called)\b{_LATER}
        | (?:does|did|will|would|can)\s+it\s+(?:take|cost|mean|feel|matter|hurt|help)\b{_LATER}
        | it\s+(?:rain|snow)s?\b | it\s+takes\b{_LATER}
    )
    | \b(?i:do|did|can)\s+they\s+\w+\s+(?:in|at|on)\s+(?:the\s+)?[A-Z_]
    | \b(?i:at|for)\s+[^\s\w]?\d[\d.,]*(?:\s+\w+)?\s+(?i:each)\b
    """,
    re.VERBOSE,
)
# A pronoun that the subject of its own question binds: "who founded Rome with his brother", "who ate his own hat".
_BOUND = re.compile(
    r"^((?:who|(?:which|what)\s+\w+)\s+\w+\s+(?!with\b|together\b).*?)"
    r"\b(?:(?:his|her|its|their)\s+own\b|(?<=with\s)(?:his|her|their)\s+(?:\w+\s+)?"
    r"(?:husband|wife|spouse|partner|brother|sister|twin|siblings?|son|daughter|father|mother|parents|friend|colleague"
    r"|classmate|student|teacher|team)s?\b)",
    re.IGNORECASE,
)
_CLAUSE_BREAK = re.compile(
    r"\b(?:when|if|because|while|after|before|until|unless|so|since|although|that|who|which|than|as|and|but|or|where)\b"
    r"|,|[.?!;:]\s",
    re.IGNORECASE,
)
_NOUN_PHRASE = re.compile(
    rf"(?i:\b(?:{DETERMINER}|every|each|some|any|one|{NUMBER})\s+[a-z])|(?<=\s)[A-Z][a-z]|_"
    rf"|\b(?i:{AUX})\s+(?!(?i:{PRONOUN}|not)\b)[a-z]{{3}}|(?<!\bwhat\s)(?<!\bwho\s)\b(?!(?i:{AUX})\b)[a-z]{{3,}}s\b",
)
_HUMAN = re.compile(r"\b(?:he|him|his|she|hers?|himself|herself)\b", re.IGNORECASE)
_PERSON = re.compile(
    r"(?<=\s)[A-Z][a-z]|_|\b(?i:(?:\w*m[ae]n|boy|girl|child|children|kid|person|people|king|queen|prince|princess|pope"
    r"|hero|poet|chef|cook|thief|nurse|guest|captain|pilot|monk|nun|priest|judge|wife|husband|friend|uncle|aunt|cousin"
    r"|twin|mum|dad|saint|slave|\w{2,}(?:er|or|ist|ian|ant|ent|ee))s?)\b"
)
_OF = re.compile(r"\b(?:the|an?)\s+(?:\w+\s+){1,2}of\s+$", re.IGNORECASE)  # ... him: "the name of his wife"
_RESULT = (
    r"results?|answers?|sum|product|total|quotient|difference|output|outcome|contents?|rest|remainder|others?|former"
    r"|latter|above|previous|two|three|pair|steps|details|reasons?|reasoning|winner|ingredients|causes|effects"
)
_OF_NUMBERS = (
    r"greater|less|larger|smaller|bigger|even|odd|prime|positive|negative|divisible|squared|cubed|plus|minus|times"
    r"|divided|multiplied"
)
_KNOWN = (
    r"line|quote|phrase|word|sentence|text|article|page|passage|paragraph|snippet|link|process|procedure|incident|author"
    r"|writer|inventor"
)
_AMOUNT = rf"(?:[^\s\d]?\d[\d.,]*%?|{NUMBER})"
_KIND = (
    r"book|novel|film|movie|song|play|poem|painting|tower|building|river|city|country|company|team|band|album|battle|war"
    r"|treaty|ship|event|series|device|person|artist|singer|actor|director|player"
)
_COMPARATIVE = (
    r"(?:more|less|fewer|better|worse|(?:larg|small|bigg|long|short|tall|high|low|old|young|fast|slow|cheap|heavi|light"
    r"|strong|weak|near|clos|earli|lat|deep|wid|hott|cold|warm|cool|rich|poor|hard|soft|easi|great|dens|bright|dark|new"
    r"|saf)er)"
)
_OF_A_SET = r"number|value|figure|digit|item|element|way|option|city|town|state|province|region|airport|party|industry"
_ORDINAL = r"first|second|third|fourth|fifth|last|next"
_MOST = r"(?:most|least|best|worst|(?!(?:inter|for|harv|w|r|t|requ|gu)est\b)\w{2,}est)"
_BARE = rf"the\s+(?!(?:\w+\s+)?(?!best|worst){_MOST}\b)(?-i:[a-z]+(?:\s+(?!{PREPOSITION}\b)[a-z]+)?)"
_WITHOUT_OF = (
    r"example|instance|implementation|proof|summary|definition|explanation|illustration|demonstration|code|program"
)
_RELATIONAL = (
    r"examples?|pros\s+and\s+cons|reasons?|advantages|disadvantages|benefits|drawbacks|causes|effects|consequences"
    r"|phases|types|kinds|parts|symptoms|remedies|treatments|risks|uses|applications|steps|stages|features"
    r"|characteristics|more|another|others"
)
_BACK = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        # a word that points back
        r"\b(?:this|these|those)\b(?!\s+(?:year|month|week|century|morning|weekend|summer|winter|days|who)\b)(?!.*[:_])",
        r"\bthat(?=\s*[.,;?!]*\s*$|\s+(?:by|from|to|with|into|for|in|of|as|and)\b)",
        r"\b(?:of|from|to|by|with|for|in|than|about|like|at|is|was|does|did|can|will|would|has)\s+that\b",
        r"^(?!show|prove|say|check|verify|explain|state)\w+\s+that\b",
        rf"\bthe\s+(?:{_RESULT})(?=\s*$|\s*[.,;:?!)]|\s+(?:by|from|with|and|into|in|as|is|are|was|on|{_OF_NUMBERS})\b|\s+to\s+\d)",
        rf"\bthe\s+(?:{_KNOWN})\b(?!\s*(?:_|(?:of|for|that|which|in|who|behind)\b))",
        r"\bthe\s+same(?!\s+(?:\w+\s+)?as\b)|\bboth\b(?!.{1,200}\band\b)",
        r"\byour\s+(?:answer|work|reasoning|solution|step|choice|result|finding|conclusion|calculation|explanation|pick)s?\b",
        rf"\b(?:{_RELATIONAL}|each|instead|too|likewise){_END}|\belse\b|\b(?:if|do|does|did)\s+so\b|\bif\s+not\b",
        r"\b(?!(?:is|are|was|were|be|will|would|could|can|has|have|had)\b)\w+\s+there\b(?!\s+(?:is|are|was|were)\b)",
        r"\bwhich\s+one\b|\b(?:another|the\s+\w+)\s+ones?\b(?!-)",
        rf"\bthe\s+(?:{_KIND})(?:{_END}|\s+(?:is|was|about|made|built|kept|released|cross|lean|start|begin|end|sink|win)\b)",
        rf"\bthe\s+(?:two|three|four)\s+(?:results|answers|numbers|values){_END}|\b(?:whom|\w+\s+\w+\s+which){_END}",
        rf"\b(?:i|you|we|they|to|people)\s+\w+\s+one{_END}",
        # a question without its noun, or without of what that is
        rf"^which\s+(?:is|are|was|were)\s+(?:the\s+)?(?:\w+(?:er|est)|(?:more|most|less|least)\s+\w+|worse|best|worst){_END}",
        rf"^(?!(?:which|what|whose)\s+(?!{AUX}\b)\w).*\bthe\s+(?:(?:{_ORDINAL})[\s-]+)?(?:{_ORDINAL}|{_MOST}){_END}",
        rf"^(?:what|who|when|where)(?:['’]s|\s+(?:is|are|was|were))\s+{_BARE}{_END}",
        rf"\bthe\s+{_MOST}\s+(?:{_OF_A_SET})s?{_END}|\bthe\s+next\s+(?:{NUMBER})\b",
        rf"^(?:which|who|what)(?:\s+\w+)?\s+(?:is|are|was|were|has|have|had)\s+{_COMPARATIVE}(?:\s+\w+)?{_END}",
        rf"^who\s+(?!(?:{AUX}|{MAKING})\b)\w+\s+the\s+(?-i:[a-z]+){_END}|^(?:what|which|how\s+many)\s+other\b(?!.*\bthan\b)",
        rf"^(?:what|which)\s+\w+\s+(?:{AUX}\s+)?(?:\w+e[dn]|won|lost|official){_END}",
        rf"^how\s+(?:many|much)(?:\s+\w+|\s+(?:is|are|was|were)\s+there)?{_END}",
        rf"^how\s+(?:many\s+{AUX}|(?:many|much)\s+(?!of\b)(?:{PREPOSITION}))\b",
        rf"^how\s+\w+\s+(?!of\b)(?:{PREPOSITION})\s+\S+(?:\s+\S+)?{_END}|^what\s+is\s+[\d.,]+%{_END}",
        rf"^how\s+(?:many|much)\s+\w+\s+(?!(?:{AUX}|{PREPOSITION})\b)\w+{_END}",
        rf"^(?:what|how\s+(?:many|much))\s+\w+\s+{AUX}\s+(?:i|we|you)\s+\w+{_END}|\b(?:{AUX})\s+one\s+\w+{_END}",
        rf"^(?:when|where|why|how)\s+(?:did|do|does|can|will)\s+\S+{_END}|^(?:who|which)\s+(?:\w+\s+)?in\s+\d+{_END}",
        rf"^who\s+(?:\w+\s+){{1,2}}(?:first|second|third|fourth|next|last|earlier|later){_END}",
        rf"^(?:what|which|whose)\s+\w+{_END}|^what\s+{AUX}\s+(?:i|we|you)\s+\w+{_END}",
        rf"^(?:what|how)\s+about\b|^(?:why|how|when|where|who|which|what)(?:\s+(?:so|not|{PREPOSITION}))?{_END}|^{AUX}\s+\S+{_END}",
        # a command without its object, or without of what that is
        rf"^(?:find|calculate|compute|determine|work\s+out)\s+{_BARE}{_END}",
        rf"^(?:write|give|show|provide|add|create|make|tell)\b.*\b(?:{_WITHOUT_OF})s?(?:\s+(?:in|using|with|from)\s+\w+)?{_END}",
        rf"^(?:explain|discuss)\s+the\s+[a-z]+{_END}|^\w+\s+each\b",
        r"^\w+\s+(?:me\s+)?one\s+(?:about|on|for|in|with|that|like|more)\b",
        rf"^(?:explain|say|tell\s+me)\s+(?:why|how|when|where)(?:\s+not)?{_END}",
        rf"^(?:explain|summari[sz]e|translate|justify|elaborate|describe|define|rewrite|simplify|verify){_END}",
        rf"^(?:add|subtract|deduct|take)\s+(?:away\s+|off\s+)?{_AMOUNT}(?:\s+(?:more|percent|away|off))*{_END}",
        rf"^(?:double|halve|square|round(?:\s+(?:up|down|off))?|take\s+half){_END}",
        rf"^(?:take|find|calculate|compute|get|determine)\s+(?:the\s+)?(?:square|cube)\s+root{_END}",
    )
)
_STATEMENT_BACK = re.compile(
    r"(?:if\s+(?:so|not|yes|no)|he|she|it|they|this|that|these|those|his|her|its|their|both|each|another|same|ditto|do"
    r"|the\s+(?:other|others|rest|remaining|same|former|latter))\b",
    re.IGNORECASE,
)
_SEVERAL = re.compile(  # not "which of them": that is taken for the nearest, as all pronouns are
    rf"^(?!which\s+of\b).*\b(?:both|compare|differ|differences?|similarit\w+|in\s+common|whom|each\s+other|{_COMPARATIVE}"
    rf"|which\s+one|the\s+(?:two|three|four|results|answers|values|numbers|total|sum|average))\b"
    rf"|\bwhich{_END}|^who\s.*\b(?:first|last){_END}|^(?:add|multiply|sum|combine|rank|sort|order)\b.*\b(?:them|these|those)\b",
    re.IGNORECASE | re.DOTALL,
)
_OBJECTLESS = re.compile(r"(\w+)\s+(?:to|into|by|in|from|as|with)\b", re.IGNORECASE)
_FRAGMENT_BACK = re.compile(rf"(?:{PREPOSITION})\b|(?:the\s+)?\S+(?:\s+\S+)?$", re.IGNORECASE)
# What they fetch is what the rest of the sentence works on.
_LOADING_VERBS = frozenset("open read fetch visit check download".split())
_SOURCE = re.compile(r"_|\w\.\w")
_OWN_MATTER = re.compile(r"[_\d]|\s[A-Z]")


def refers_back(clause: str, ask: Request | None, before: str) -> bool:
    """Tell whether `clause`, which asks `ask`, needs something from `before`, the part just before it."""
    if ask is None:
        return _STATEMENT_BACK.match(clause) is not None
    if ask.late:
        return _STATEMENT_BACK.match(clause) is not None or _has_open_pronoun(
            _EXPLETIVE.sub(" x ", clause[: ask.offset])
        )
    body = clause[ask.offset :]
    plain = _EXPLETIVE.sub(" x ", _BOUND.sub(r"\1 x", body))
    return (
        any(pattern.search(plain) for pattern in _BACK)
        or _has_open_pronoun(plain)
        or _lacks_object(body, ask, before)
        or _resumes_noun(body, before)
        or _asks_what_is_left(body, before)
    )


def means_several(clause: str) -> bool:
    """Tell whether `clause`, if it points back, may mean more than one part ("compare them", "which is larger?")."""
    return _SEVERAL.search(clause) is not None


def has_pronoun(clause: str) -> bool:
    """Tell whether `clause` speaks of somebody or something by a pronoun."""
    return PERSONAL.search(clause) is not None


def is_about_person(clause: str) -> bool:
    """Tell whether `clause` speaks of a person by a pronoun."""
    return _HUMAN.search(clause) is not None


def _has_open_pronoun(clause: str) -> bool:
    """Tell whether a pronoun has no noun before it: in an earlier clause, or anywhere if it is possessive.

    He and she need a person.
    """
    for pronoun in PERSONAL.finditer(clause):
        before = clause[max(0, pronoun.start() - 300) : pronoun.start()]
        if pronoun["plain"]:
            breaks = list(_CLAUSE_BREAK.finditer(before))
            before = before[: breaks[-1].start()] if breaks else ""
        noun = _PERSON if _HUMAN.fullmatch(pronoun[0]) else _NOUN_PHRASE
        if not noun.search(_OF.sub("", before)):
            return True
    return False


def _lacks_object(body: str, ask: Request, before: str) -> bool:
    """Tell whether what is asked leaves out what it is about ("And of Paris?", "sort by length")."""
    if ask.kind is Kind.FRAGMENT:
        return _FRAGMENT_BACK.match(body) is not None
    if ask.kind is Kind.QUESTION:
        return False
    objectless = _OBJECTLESS.match(body)
    if objectless and objectless[1].lower() not in PREPOSITIONAL_VERBS:
        return True
    loading = request(before)
    loads = loading and loading.word in _LOADING_VERBS and _SOURCE.search(before)
    return bool(loads) and _OWN_MATTER.search(body) is None


def _resumes_noun(body: str, before: str) -> bool:
    """Tell whether `body` speaks of "the poem" after `before` asked for "a poem"."""
    return bool(new_nouns(before) & known_nouns(body))


def _asks_what_is_left(body: str, before: str) -> bool:
    """Tell whether `body` asks how much is left of a thing in `before` ("Share 9 pens by 4. How many pens ...?")."""
    return bool(asks_quantity(body) and STILL.search(body) and topic_words(body) & topic_words(before))
