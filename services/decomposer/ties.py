"""What ties one part of a query to another: words that point back, facts that a later question is about, instructions.

It sees only words: a pronoun without a noun before it in its own clause, a noun that was new a part ago, a name or a
thing of a word problem that comes again.  Two parts about one matter in different words look independent to it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from services.decomposer.grammar import (
    AUX,
    DETERMINER,
    MATH_VERBS,
    NUMBER,
    PREPOSITION,
    PREPOSITIONAL_VERBS,
    PRONOUN,
    VERBS,
    Kind,
    Request,
    asks_quantity,
    request,
)

_DIRECTIVE = re.compile(
    r"\s*(?:please\s+)?(?:answer(?!s|:|\s+(?:the|these|my|all|both|each|following)\b)|respond|reply|act\s+as|pretend"
    r"|don['’]t|do\s+not|avoid|limit|keep\s+(?:it|your|the|each)|be\s+(?:brief|concise|short|precise|polite|specific|quick))\b",
    re.IGNORECASE,
)
_PAYLOAD = re.compile(
    r"(?:\b(?:this|these|following|below)\b|^\s*(?:\w+\s+){0,2}?(?:translate|rewrite|correct|summari[sz]e|proofread"
    r"|paraphrase|fix|edit)\b)[^.?!\n:]{0,80}:\s+(?=[^_\s])(?!\d[\d.]*\s*(?:,|and\b)\s*\d)",
    re.IGNORECASE,
)


_LEAD_CHARS = 120
_LEAD_IN = re.compile(r"[^:.?!]{0,80}[:.]\s+")
_PROBLEM_LEAD_IN = re.compile(
    r"\b(?:please\s+)?(?:(?:(?:solve|answer|do|try|consider|(?:work|figure)\s+out)\s+|here(?:['’]s|\s+is)\s+|now\s+)"
    r"(?:(?:this|these|the|a|an|another|one|my|following|next|last|final|more|short|little|quick|word|maths?)\b\s*)+"
    r"(?:(?:problem|question|riddle|task|puzzle|exercise|story|one)\s*)?|(?:a|another)\s+(?:word\s+)?problem)"
    r":\s+(?=(?:[ai]|[a-z_]{2,}(?:['’]s)?)\s+[a-z_])",
    re.IGNORECASE,
)
_LEAD_WORDS = frozenset(
    """
    please kindly answer solve do can could would you help me with i have need want to these those this the
    following my some a few couple of all each both two three four five six several questions question tasks
    task things parts problems here are is below in order hi hello hey and for
    """.split()
)


def is_lead_in(text: str) -> bool:
    """Tell whether `text` only announces questions, so that nothing is lost without it."""
    return all(word.lower() in _LEAD_WORDS for word in re.findall(r"\w+", text))


def lead_in_chars(text: str) -> int:
    """Return the length of such an announcement at the head of `text`."""
    lead = _LEAD_IN.match(text)
    return lead.end() if lead and is_lead_in(lead[0]) else 0


def problem_lead_in_chars(text: str) -> int:
    """Return the length of "solve this: " and the like at the head of `text`, where a story, not a formula, follows."""
    lead = _PROBLEM_LEAD_IN.match(text)
    return lead.end() if lead else 0


def governs_all(sentence: str) -> bool:
    """Tell whether `sentence` says how to answer, so that no part may lose it."""
    return _DIRECTIVE.match(sentence) is not None


def payload_announced_at(sentence: str) -> int | None:
    """Return where `sentence` announces a text to work on ("Rewrite this: ..."); all that follows is that text."""
    payload = _PAYLOAD.search(sentence)
    if payload is None or any(
        lead.end() == payload.end() for lead in _PROBLEM_LEAD_IN.finditer(sentence, 0, _LEAD_CHARS)
    ):
        return None
    return payload.start()


# --- words that point back -------------------------------------------------------------------------------------------

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
        | it\s+(?:rain|snow|take)s?\b
    )
    | \b(?i:do|did|can)\s+they\s+\w+\s+(?:in|at|on)\s+(?:the\s+)?[A-Z_]
    | \b(?i:at|for)\s+[^\s\w]?\d[\d.,]*(?:\s+\w+)?\s+(?i:each)\b
    """,
    re.VERBOSE,
)
_PERSONAL = re.compile(
    r"\b(?:(?P<plain>he|him|she|it|they|them)|his|hers?|its|theirs?|itself|himself|herself|themselves)\b", re.IGNORECASE
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
    rf"|\b(?i:{AUX})\s+(?!(?i:{PRONOUN}|not)\b)[a-z]{{3}}|(?<!\bwhat\s)(?<!\bwho\s)\b[a-z]{{3,}}s\b",
)
_RESULT = (
    r"results?|answers?|sum|product|total|quotient|difference|output|outcome|contents?|rest|remainder|others?|former"
    r"|latter|above|previous|two|three|pair|steps|details|reasons?|reasoning|winner|ingredients|causes|effects"
)
_OF_NUMBERS = (
    r"greater|less|larger|smaller|bigger|even|odd|prime|positive|negative|divisible|squared|cubed|plus|minus|times"
    r"|divided|multiplied"
)
_TEXT = r"line|quote|phrase|word|sentence|text|article|page|passage|paragraph|snippet|link"
_AMOUNT = rf"(?:[^\s\d]?\d[\d.,]*%?|{NUMBER})"
_RELATIONAL = r"examples?|pros\s+and\s+cons|reasons?|advantages|disadvantages|benefits|drawbacks|more|another|others"
_BACK = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"\b(?:this|these|those)\b(?!\s+(?:year|month|week|century|morning|weekend|summer|winter|days|who)\b)(?!.*[:_])",
        r"\bthat(?=\s*[.,;?!]*\s*$|\s+(?:by|from|to|with|into|for|in|of|as|and)\b)",
        r"\b(?:of|from|to|by|with|for|in|than|about|like|at|is|was|does|did|can|will|would|has)\s+that\b",
        r"^(?!show|prove|say|check|verify|explain|state)\w+\s+that\b",
        rf"\bthe\s+(?:{_RESULT})(?=\s*$|\s*[.,;:?!)]|\s+(?:by|from|with|and|into|in|as|is|are|was|on|{_OF_NUMBERS})\b|\s+to\s+\d)",
        rf"\bthe\s+(?:{_TEXT})\b(?!\s*(?:_|of\b|for\b|that\b|which\b|in\b))",
        r"\bthe\s+same(?!\s+(?:\w+\s+)?as\b)|\bboth\b(?!.{1,200}\band\b)",
        r"\byour\s+(?:answer|work|reasoning|solution|step|choice|result|finding|conclusion|calculation|explanation|pick)s?\b",
        rf"\b(?:{_RELATIONAL}|each|instead|too|likewise){_END}|\belse\b|\b(?:if|do|does|did)\s+so\b|\bif\s+not\b",
        r"\b(?!(?:is|are|was|were|be|will|would|could|can|has|have|had)\b)\w+\s+there\b(?!\s+(?:is|are|was|were)\b)",
        r"\bwhich\s+one\b|\b(?:another|the\s+\w+)\s+ones?\b(?!-)",
        rf"^which\s+(?:is|are|was|were)\s+(?:the\s+)?(?:\w+(?:er|est)|(?:more|most|less|least)\s+\w+|worse|best|worst){_END}",
        rf"\bthe\s+(?:next|second|third|fourth)[\s-]+\w+est{_END}",
        rf"^how\s+(?:many|much)(?:\s+(?:is|are|was|were)\s+there)?{_END}",
        rf"^who\s+\w+\s+(?:second|third|fourth|next|last){_END}",
        rf"^(?:what|which|whose)\s+\w+{_END}|^what\s+{AUX}\s+(?:i|we|you)\s+\w+{_END}",
        rf"^(?:what|how)\s+about\b|^(?:why|how|when|where|who|which|what)(?:\s+(?:so|not|{PREPOSITION}))?{_END}|^{AUX}\s+\S+{_END}",
        rf"^(?:explain|say|tell\s+me)\s+(?:why|how|when|where)(?:\s+not)?{_END}",
        rf"^(?:explain|summari[sz]e|translate|justify|elaborate|describe|define|rewrite|simplify|verify){_END}",
        rf"^(?:add|subtract|deduct|take)\s+(?:away\s+|off\s+)?{_AMOUNT}(?:\s+(?:more|percent|away|off))*{_END}",
        rf"^(?:double|halve|square|round|take\s+half){_END}",
        rf"^(?:take|find|calculate|compute|get|determine)\s+(?:the\s+)?(?:square|cube)\s+root{_END}",
    )
)
_STATEMENT_BACK = re.compile(
    r"(?:he|she|it|they|this|that|these|those|his|her|its|their|both|each|another|same|ditto|do"
    r"|the\s+(?:other|others|rest|remaining|same|former|latter))\b",
    re.IGNORECASE,
)
_OBJECTLESS = re.compile(r"(\w+)\s+(?:to|into|by|in|from|as|with)\b", re.IGNORECASE)
_FRAGMENT_BACK = re.compile(rf"(?:{PREPOSITION})\b|(?:the\s+)?\S+(?:\s+\S+)?$", re.IGNORECASE)
_INDEFINITE = re.compile(rf"\b(?:a|an|one|some|{NUMBER})\s+(\w+)(?:[\s-]+(\w+))?", re.IGNORECASE)
_DEFINITE = re.compile(r"\b(?:the|that|this|each)\s+(\w+)\b(?!\s+of\b)", re.IGNORECASE)
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


def _has_open_pronoun(clause: str) -> bool:
    """Tell whether a pronoun has no noun before it: in an earlier clause, or anywhere if it is possessive."""
    for pronoun in _PERSONAL.finditer(clause):
        before = clause[max(0, pronoun.start() - 300) : pronoun.start()]
        if pronoun["plain"]:
            breaks = list(_CLAUSE_BREAK.finditer(before))
            before = before[: breaks[-1].start()] if breaks else ""
        if not _NOUN_PHRASE.search(before):
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
    return bool(_introduced(before) & _resumed(body))


def _introduced(text: str) -> set[str]:
    return {noun.lower() for pair in _INDEFINITE.finditer(text) for noun in pair.groups() if noun}


def _resumed(text: str) -> set[str]:
    return {noun.lower() for noun in _DEFINITE.findall(text)}


def _asks_what_is_left(body: str, before: str) -> bool:
    """Tell whether `body` asks how much is left of a thing in `before` ("Share 9 pens by 4. How many pens ...?")."""
    return bool(asks_quantity(body) and _STILL.search(body) and _content(body) & _content(before))


# --- facts -----------------------------------------------------------------------------------------------------------

_STILL = re.compile(r"\b(?:left|remain\w*|altogether|in\s+total|in\s+all|now)\b", re.IGNORECASE)
_SPEAKER = re.compile(r"(?<!War )\b(?:i|my|we|our|us|mine|you|your)\b", re.IGNORECASE)
_NAME = re.compile(r"\b[A-Z][a-z]+\b")
_CONTENT = re.compile(r"\b[^\W\d_]{4,}\b")
_NO_CONTENT = frozenset(
    """
    have many much does what which with from they their there then that this were will would when
    """.split()
)
_NO_NAME = frozenset(
    """
    The A An If In On At How What Which Who When Where Why Is Are Do Does Did Can After Before Then Also Each
    Every He She It They His Her Their There This That These Those For And But So With Two Three Four Five One
    Some
    """.split()
)


@dataclass(slots=True)
class Facts:
    """What a chunk states, rather than asks."""

    names: set[str] = field(default_factory=set)
    content: set[str] = field(default_factory=set)
    introduced: set[str] = field(default_factory=set)
    has_figures: bool = False
    has_speaker: bool = False

    def __bool__(self) -> bool:
        return bool(self.names or self.content)

    def add(self, text: str) -> None:
        """Take in a statement."""
        self.names |= _names(text)
        self.content |= _content(text)
        self.introduced |= _introduced(text)
        self.has_figures |= any(map(str.isdigit, text))
        self.has_speaker |= _SPEAKER.search(text) is not None

    def merge(self, other: Facts) -> None:
        """Take in other facts."""
        self.names |= other.names
        self.content |= other.content
        self.introduced |= other.introduced
        self.has_figures |= other.has_figures
        self.has_speaker |= other.has_speaker

    def lead_to(self, asked: str) -> bool:
        """Tell whether the question right after these facts is about them."""
        if asks_quantity(asked) or _PERSONAL.search(asked):
            return True
        return bool(self.content & _content(asked) or self.names & _names(asked))

    def are_needed_by(self, text: str, ask: Request, *, linked: bool) -> bool:
        """Tell whether a further request is still about them; `linked` says that it comes with "also", "then", ...."""
        if not self or self.names & _names(text):
            return bool(self)
        body = text[ask.offset :]
        if not linked and self.introduced & _resumed(body):
            return True
        if self.has_speaker and (_SPEAKER.search(body) or not (linked or self.has_figures)):
            return True
        if _names(body) - self.names or not (asks_quantity(body) or ask.word in MATH_VERBS):
            return False
        return _STILL.search(body) is not None or len(self.content & _content(body)) > int(linked)


def _names(text: str) -> set[str]:
    return {name for name in _NAME.findall(text) if name not in _NO_NAME and name.lower() not in VERBS}


def _content(text: str) -> set[str]:
    return {word.lower().rstrip("s") for word in _CONTENT.findall(text)} - _NO_CONTENT
