"""Words that point back to an earlier part of a query.

They are a pronoun without a noun before it in its own clause, a noun that was new a part ago, a missing object, and
what leaves out whose or of what it is ("the capital", "the smallest", "an example").
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from services.decomposer.cutting.asks import AUX, LETTERS, NUMBER, PREPOSITION, Ask, Mood, asks_quantity
from services.decomposer.cutting.rules import rule
from services.language import grammar, nouns, verbs
from services.language.grammar import either

if TYPE_CHECKING:
    from services.decomposer.cutting.clauses import Clause

_TOPIC_CHARS = 4
_END = r"\s*[.?!,;:]*\s*$"
_LATER = r"(?=.{1,200}\b(?:to|that|for|if|when|from)\b)"
_IS_IT = r"(?:(?:is|was|isn['’]t|will|would|does|did|can)\s+it(?:\s+be)?|it(?:['’]s|\s+(?:is|was|will\s+be)))"
_RESULT = r"result|answer|sum|product|quotient|difference|total|outcome|number|figure|value|results|answers"
_KNOWN = r"line|quote|phrase|word|sentence|text|article|passage|paragraph|process|author|writer|inventor"
_AMOUNT = rf"(?:[^\s\d]?\d[\d.,]*+%?|{NUMBER})"
_COMPARATIVE = rf"(?:more|less|fewer|better|worse|(?:{either(grammar.COMPARATIVE_STEM)})er)"
_OF_A_SET = r"number|value|figure|item|element|option|city|town|state|airport|party|industry"
_ORDINAL = rf"(?:{either(grammar.ORDINAL)}|last|next)"
_MOST = r"(?:most|least|best|worst|(?!(?:inter|for|harv|w|r|t|requ|gu)est\b)\w{2,}est)"
_BARE = rf"the\s+(?!(?:\w+\s+)?(?!best|worst){_MOST}\b)(?-i:[a-z]+(?:\s+(?!(?:{PREPOSITION})\b)[a-z]+)?)"
_MADE = either(verbs.MADE)
_PART = rf"(?:{either(nouns.PARTS)})s?|pros\s+and\s+cons|more|another|others"

# Found in the body of a request, the part refers back.
# fmt: off
BACK = (
    rule("a variable", r"(?<![\w'’])(?<!\d\s)\d*(?-i:[b-hj-z])(?![^\W_]|['’])(?!.*=)", "what is 5x"),
    rule("this, these", r"\b(?:this|these|those)\b(?!\s+(?:year|month|week|century|morning|days|who)\b)(?!.*[:_])",
        "what is this"),
    rule("that",
        r"\bthat(?=\s*[.,;?!]*\s*$|\s+(?:by|from|to|with|into|for|in|of|as|and)\b)|\b(?:of|from|to|by|with|for|in"
        r"|than|about|like|at|is|was|does|did|can|will|would|has)\s+that\b", "multiply that by 3"),
    rule("the result",
        rf"\bthe\s+(?:{_RESULT})(?=\s*$|\s*[.,;:?!)]|\s+(?:by|from|with|and|into|in|as|is|are|was|on|greater|less"
        r"|larger|smaller|more|prime|even|odd|divisible)\b|\s+to\s+\d)", "add 3 to the result"),
    rule("the text", rf"\bthe\s+(?:{_KNOWN})\b(?!\s*(?:_|(?:of|for|that|which|in|who|behind)\b))", "who is the author"),
    rule("the two", rf"\bthe\s+(?:{NUMBER})(?:\s+(?:results|answers|numbers|values))?(?:{_END}|\s+(?:is|are)\b)",
        "compare the two"),
    rule("the book",
        rf"\bthe\s+(?:{either(nouns.WORKS)})(?:{_END}|\s+(?:is|was|about|made|built|released|start|begin|end|sink"
        r"|win)\b)", "what is the book about"),
    rule("the same, both", r"\bof\s+each\b|\bthe\s+same(?!\s+(?:\w+\s+)?as\b)|\bboth\b(?!.{1,200}\band\b)",
        "do the same for Peru"),
    rule("an example of what",
        rf"\b(?:{_PART}|each|instead|too|likewise){_END}|\belse\b|\b(?:if|do|does|did)\s+so\b|\bif\s+not\b",
        "list three causes"),
    rule("there",
        r"\b(?!(?:is|are|was|were|be|will|would|could|can|has|have|had)\b)\w+\s+there\b(?!\s+(?:is|are|was|were)\b)",
        "how many people live there"),
    rule("which one",
        r"\bwhich\s+one\b|\b(?:another|the\s+\w+)\s+ones?\b(?!-)|\b(?:i|you|we|they|to|people)\s+\w+\s+one\b",
        "which one is larger"),
    rule("the superlative of what",
        r"^(?:which|what|who)\s+(?:is|are|was|were)\s+(?:the\s+)?(?:\w+(?:er|est)|(?:more|most|less|least)\s+\w+"
        rf"|worse|best|worst){_END}|^(?!(?:which|what|whose)\s+(?!{AUX}\b)\w).*\bthe\s+(?:{_ORDINAL}["
        rf"\s-]+)?(?:{_ORDINAL}|{_MOST}){_END}", "what is the smallest"),
    rule("the bare noun", rf"^(?:(?:what|who|when|where)(?:['’]s|\s+(?:is|are|was|were))|find|compute)\s+{_BARE}{_END}",
        "what is the area"),
    rule("the most of a set", rf"\bthe\s+{_MOST}\s+(?:{_OF_A_SET})s?{_END}|\bthe\s+next\s+(?:{NUMBER})\b",
        "what is the largest city"),
    rule("short question",
        rf"^(?:what|which)\s+\w+\s+(?:{AUX}\s+)?(?:\w+e[dn]|won|lost|official){_END}|^(?:what|which|whose)"
        rf"\s+\w+{_END}", "what languages are spoken"),
    rule("how many of what",
        rf"^how\s+(?:many|much)(?:\s+\w+|\s+(?:is|are|was|were)\s+there)?{_END}|^how\s+(?:many\s+{AUX}|(?:many|much)"
        rf"\s+(?!of\b)(?:{PREPOSITION}))\b", "how many are there"),
    rule("how many did what", rf"^how\s+(?:many|much)\s+\w+\s+(?!(?:{AUX}|{PREPOSITION})\b)\w+{_END}",
        "how many people died"),
    rule("how far in what",
        rf"^how\s+\w+\s+(?!of\b)(?:{PREPOSITION})\s+\S+(?:\s+\S+)?{_END}|^what\s+is\s+[\d.,]++%{_END}",
        "how far in 5 hours"),
    rule("what we need",
        rf"^(?:what|how\s+(?:many|much))\s+(?:\w+\s+)?{AUX}\s+(?:i|we|you)\s+\w+{_END}|\b(?:{AUX})\s+one\s+\w+{_END}",
        "how many eggs do I need"),
    rule("when did who",
        rf"^(?:when|where|why|how)\s+(?:did|do|does|can|will)\s+\S+{_END}|^(?:who|which)\s+(?:\w+\s+)?in\s+\d+{_END}",
        "why did Rome"),
    rule("question word alone",
        rf"^(?:what|how)\s+about\b|^(?:why|how|when|where|who|which|what)(?:\s+(?:so|not|{PREPOSITION}))?{_END}"
        rf"|^{AUX}\s+\S+{_END}", "what about Peru"),
    rule("add to what",
        rf"^(?:add|subtract|deduct|take)\s+(?:away\s+|off\s+)?{_AMOUNT}(?:\s+(?:more|percent|away|off))*{_END}"
        rf"|^(?:double|halve|square|round(?:\s+(?:up|down|off))?|take\s+half){_END}|^(?:take|find|calculate|compute"
        rf"|get|determine)\s+(?:the\s+)?(?:square|cube)\s+root{_END}", "add 12"),
)  # fmt: skip
PERSONAL = rule(
    "personal pronoun",
    r"\b(?:(?P<plain>he|him|she|it|they|them)|his|hers?|its|theirs?|itself|himself|herself|themselves)\b",
    "when was she born",
)
FIGURE = rule("figure", rf"\d|\b(?:{NUMBER}|half|twice|double|triple|third|quarter|dozen)\b", "twice as many")
EXPLETIVE = rule(
    "it that stands for nothing",
    rf"""\b(?:
        (?:time|day|date|month|year|season)\s+(?:is|was)\s+it(?=\s+(?:in|at|on|when|if|now|here|today|tomorrow)\b|\W*$)
        | {_IS_IT}\s+(?:now\s+|still\s+|already\s+)?(?:[\d_]|(?:rain|raining|snow|snowing|hot|cold|warm|dark|day|night
            |noon|midnight)\b)
        | {_IS_IT}\s+(?:true|possible|safe|legal|illegal|ok|okay|better|worth|normal|good|bad|hard|easy|dangerous
            |healthy|common|important)\b{_LATER}
        | (?:late|far)\s+is\s+it\b{_LATER}
        | (?:does|did|will|would|can)\s+it\s+(?:take|cost|mean|matter)\b{_LATER}
    )
    | \b(?:do|did|can)\s+they\s+\w+\s+(?:in|at|on)\s+(?:the\s+)?(?-i:[A-Z_])
    | \b(?:at|for)\s+[^\s\w]?\d[\d.,]*+(?:\s+\w+)?\s+each\b""",
    "what time is it in Oslo",
    re.VERBOSE | re.IGNORECASE,
)
BOUND = rule(
    "pronoun that its own question binds",
    r"^((?:who|(?:which|what)\s+\w+)\s+\w+\s+(?!with\b|together\b).{0,80}?)"
    r"\b(?:(?:his|her|its|their)\s+own\b|(?<=with\s)(?:his|her|their)\s+(?:\w+\s+)?\w+)",
    "who founded Rome with his brother",
)
SEVERAL = rule(  # not "which of them": that is taken for the nearest, as all pronouns are
    "more than one part",
    rf"^(?!which\s+of\b).*\b(?:both|compare|differ|differences?|similarit\w+|in\s+common|each\s+other|{_COMPARATIVE}"
    rf"|which\s+one|the\s+(?:two|three|four|results|answers|values|numbers|total|sum|average))\b"
    rf"|^(?:add|multiply|sum|combine|rank|sort|order)\b.*\b(?:them|these|those)\b",
    "which is faster",
    re.IGNORECASE | re.DOTALL,
)
OBJECTLESS = rule("verb without its object", r"^(\w++)\s+(?:to|into|by|in|from|as|with)\b", "divide by 5")
FRAGMENT_BACK = rule("end of a question", rf"(?:{PREPOSITION})\b|(?:the\s+)?\S+(?:\s+\S+)?$", "of Paris?")
# fmt: on


def refers_back(clause: Clause) -> bool:
    """Tell whether `clause` needs something from a part before it."""
    text, ask = clause.text, clause.ask
    if ask is None:
        return False
    if ask.late:
        opening = EXPLETIVE.pattern.sub(" _ ", text[: ask.offset])
        return opening.lower().startswith(("if so", "if not")) or PERSONAL.pattern.search(opening) is not None
    body = text[ask.offset :]
    plain = EXPLETIVE.pattern.sub(" _ ", BOUND.pattern.sub(r"\1 _", body))
    return (
        any(back.pattern.search(plain) for back in BACK)
        or PERSONAL.pattern.search(plain) is not None
        or _lacks_object(body, ask)
    )


def means_several(clause: str) -> bool:
    """Tell whether `clause`, if it points back, may mean more than one part ("compare them", "which is larger?")."""
    return SEVERAL.pattern.search(clause) is not None


def _lacks_object(body: str, ask: Ask) -> bool:
    """Tell whether what is asked leaves out what it is about ("And of Paris?", "sort by length")."""
    if ask.mood is Mood.FRAGMENT:
        return FRAGMENT_BACK.pattern.match(body) is not None
    objectless = OBJECTLESS.pattern.match(body) if ask.mood is Mood.COMMAND else None
    return objectless is not None and objectless[1].lower() not in verbs.PREPOSITIONAL


# --- what a part states, and whether a later question is about it -----------------------------------------------------


def topic_words(text: str) -> set[str]:
    """Give the words of four letters or more that say what a text is about, without their plural s."""
    words = {word.lower().rstrip("s") for word in LETTERS.pattern.findall(text) if len(word) >= _TOPIC_CHARS}
    return words - grammar.EMPTY


def names(text: str) -> set[str]:
    """Give the capitalised words that are no common beginning of a sentence."""
    found = {word for word in LETTERS.pattern.findall(text) if word.istitle()} - grammar.SENTENCE_HEAD
    return {name for name in found if name.lower() not in verbs.ASKING}


def leads_to(stated: str, asked: str) -> bool:
    """Tell whether the question right after a statement is about it."""
    if asks_quantity(asked) or PERSONAL.pattern.search(asked) or BACK[0].pattern.search(asked):
        return True
    return bool(topic_words(stated) & topic_words(asked) or names(stated) & names(asked))


def needs(clause: Clause, stated: str) -> bool:
    """Tell whether a further request is still about what was stated."""
    if not stated or clause.ask is None:
        return False
    body = clause.text[clause.ask.offset :]
    is_given = "=" in stated and (_words(stated) - grammar.ENGLISH) & _words(body)
    if is_given or names(stated) & names(clause.text):
        return True
    if _words(stated) & grammar.SPEAKER and _words(body) & grammar.SPEAKER:
        return True
    if names(body) - names(stated) or not (asks_quantity(body) or clause.ask.word in verbs.CALCULATING):
        return False
    return len(topic_words(stated) & topic_words(body)) > int(clause.linked)


def _words(text: str) -> set[str]:
    return set(map(str.lower, LETTERS.pattern.findall(text)))
