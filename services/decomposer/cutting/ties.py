"""Tell whether a clause points back to an earlier part of a query.

A clause does so by a pronoun without a noun before it, by a noun that was new a part ago, by a missing object, and by
leaving out whose or of what something is ("the capital", "the smallest", "an example").
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.decomposer.cutting.asks import LETTERS, Mood, words_of
from services.decomposer.cutting.rules import rule
from services.language import grammar, nouns, verbs
from services.language.dates import SPANS
from services.language.grammar import either
from services.language.number_words import FRACTIONS, MULTIPLES, SCALES
from services.language.patterns import AUXILIARY, INTERROGATIVE, NUMBER, PREPOSITION

if TYPE_CHECKING:
    from services.decomposer.cutting.clauses import Clause

_TOPIC_CHARS = 4
_END = r"\s*[.?!,;:]*\s*$"
_AMOUNT = rf"(?:[^\s\d]?\d[\d.,]*+%?|{NUMBER})"
_ORDINAL = rf"(?:{either(grammar.ORDINAL)}|last|next)"
_MOST = rf"(?:most|least|best|worst|(?!(?:{either(grammar.NO_SUPERLATIVE)})\b)\w{{2,}}est)"
_BARE = rf"the\s+(?!(?:\w+\s+)?(?!best|worst){_MOST}\b)(?-i:[a-z]+(?:\s+(?!(?:{PREPOSITION})\b)[a-z]+)?)"

# fmt: off
VARIABLE = rule("a variable", r"(?<![\w'’])(?<!\d\s)\d*(?-i:[b-hj-z])(?![^\W_]|['’])(?!.*=)", "what is 5x")
# Found in the body of a request, the part refers back.
BACK = (
    VARIABLE,
    rule("this, these", r"\b(?:this|these|those)\b(?!\s+(?:year|month|week|century|morning|days|who)\b)(?!.*[:_])",
        "what is this"),
    rule("that", rf"\bthat(?={_END}|\s+(?:{PREPOSITION}|and)\b)|\b(?:{PREPOSITION}|{AUXILIARY}|than|like)\s+that\b",
        "multiply that by 3"),
    rule("the result", rf"\bthe\s+(?:{either(nouns.RESULTS)})(?=\s*$|\s*[.,;:?!)]|\s+(?:by|from|with|and|into|in|as|is"
        r"|are|was|on|greater|less|larger|smaller|more|prime|even|odd)\b|\s+to\s+\d)", "add 3 to the result"),
    rule("the text", rf"\bthe\s+(?:{either(nouns.KNOWN)})\b(?!\s*(?:_|(?:of|for|that|which|in|who|behind)\b))",
        "who is the author"),
    rule("the two", rf"\bthe\s+(?:{NUMBER})(?:\s+(?:results|answers|numbers|values))?(?:{_END}|\s+(?:is|are)\b)",
        "compare the two"),
    rule("the book", rf"\bthe\s+(?:{either(nouns.WORKS)})(?:{_END}|\s+(?:is|was|about|made|built|released|start|begin"
        r"|end|sink|win)\b)", "what is the book about"),
    rule("of each, both", r"\bof\s+each\b|\bboth\b(?!.{1,200}\band\b)|\bthe\s+same(?!\s+(?:\w+\s+)?as\b)",
        "the capital of each"),
    rule("an example of what", rf"\b(?:(?:{either(nouns.PARTS)})s?|more|another|others|each|instead|too|likewise){_END}"
        r"|\b(?:else|do\s+so|pros\s+and\s+cons)\b", "list three causes"),
    rule("there", r"\b(?!(?:is|are|was|were|be|will|would|could|can|has|have|had)\b)\w+\s+there\b(?!\s+(?:is|are|was"
        r"|were)\b)", "how many people live there"),
    rule("which one", r"\b(?:which|another|(?:i|you|we|they|to|people)\s+\w+|the\s+\w+)\s+ones?\b(?!-)",
        "which one is larger"),
    rule("the superlative of what", r"^(?:which|what|who)\s+(?:is|are|was|were)\s+(?:the\s+)?(?:(?:more|less)\s+\w+"
        rf"|\w+er|worse|{_MOST}){_END}|^(?!(?:which|what|whose)\s+(?!{AUXILIARY}\b)\w).*\bthe\s+(?:(?:{_ORDINAL}|{NUMBER})[\s-]+)?"
        rf"(?:{_ORDINAL}|{_MOST}){_END}", "what is the smallest"),
    rule("the bare noun", rf"^(?:(?:what|who|when|where)(?:['’]s|\s+(?:is|are|was|were))|find|compute)\s+{_BARE}{_END}",
        "what is the area"),
    rule("the most of a set", rf"\bthe\s+{_MOST}\s+(?:{either(nouns.OF_A_SET)})s?{_END}", "what is the largest city"),
    rule("short question", rf"^(?:what|which)\s+\w+\s+(?:{AUXILIARY}\s+)?(?:\w+e[dn]|won|lost|official){_END}"
        rf"|^(?:what|which|whose)\s+\w+{_END}", "what languages are spoken"),
    rule("how many of what", rf"^how\s+(?:many|much)(?:(?:\s+\w+)?(?:\s+(?!(?:{AUXILIARY}|{PREPOSITION})\b)\w+)?{_END}"
        rf"|\s+(?!of\b)(?:{PREPOSITION})\b)|^how\s+many\s+{AUXILIARY}\b", "how many people died"),
    rule("how far in what", rf"^how\s+\w+\s+(?!of\b)(?:{PREPOSITION})\s+\S+(?:\s+\S+)?{_END}"
        rf"|^what\s+is\s+[\d.,]++%{_END}", "how far in 5 hours"),
    rule("what we need",
        rf"^(?:what|where|when|how\s+(?:many|much))\s+(?:\w+\s+)?{AUXILIARY}\s+(?:i|we|you)\s+\w+{_END}"
        rf"|\b(?:{AUXILIARY})\s+one\s+\w+{_END}", "how many eggs do I need"),
    rule("when did who", rf"^(?:when|where|why|how)\s+(?:did|do|does|can|will)\s+\S+{_END}"
        rf"|^(?:who|which)\s+(?:\w+\s+)?in\s+\d+{_END}", "why did Rome"),
    rule("question word alone", rf"^(?:what|how)\s+about\b|^(?:{INTERROGATIVE})(?:\s+(?:so|not|{PREPOSITION}))?{_END}"
        rf"|^{AUXILIARY}\s+\S+{_END}", "what about Peru"),
    rule("add to what",
        rf"^(?:add|subtract|deduct|take)\s+(?:away\s+|off\s+)?{_AMOUNT}(?:\s+(?:more|percent|away|off))*{_END}"
        rf"|^(?:double|halve|square|round(?:\s+(?:up|down|off))?|take\s+half|\w+\s+the\s+(?:square|cube)\s+root){_END}",
        "add 12"),
    rule("verb without its object",
        rf"^(?:{either(verbs.ASKING - verbs.PREPOSITIONAL)})\s+(?:to|into|by|in|from|as|with)\b", "divide by 5"),
)
PERSONAL = rule("personal pronoun",
    r"\b(?:he|him|she|it|they|them|his|hers?|its|theirs?|itself|himself|herself|themselves)\b", "when was she born")
FIGURE = rule("figure", rf"\d|\b(?:{NUMBER}|{either((*FRACTIONS, *MULTIPLES, *SCALES))})\b", "twice as many")
EXPLETIVE = rule("it that stands for nothing",
    rf"\b(?:(?:{either(SPANS)}|time|date|season)\s+(?:is|was)\s+it\b|{AUXILIARY}\s+it(?:\s+be)?\s+(?:now\s+|still\s+)?(?:[\d_]"
    rf"|(?:{either(grammar.WEATHER)})\b|(?:{either(grammar.JUDGED)})\b(?=.{{1,200}}\b(?:to|that|for|if|when|from)\b))"
    r"|(?:do|did|can)\s+they\s+\w+\s+(?:in|at|on)\s+(?:the\s+)?(?-i:[A-Z_])|(?:at|for)\s+\W?\d[\d.,]*+(?:\s+\w+)?\s+each)",
    "what time is it in Oslo")
BOUND = rule("pronoun that its own question binds", r"^((?:who|(?:which|what)\s+\w+)\s+\w+\s+(?!with\b).{0,80}?)"
    r"\b(?:(?:his|her|its|their)\s+own\b|(?<=with\s)(?:his|her|their)\s+(?:\w+\s+)?\w+)",
    "who founded Rome with his brother")
SEVERAL = rule("more than one part",  # not "which of them": that is taken for the nearest, as all pronouns are
    r"^(?!which\s+of\b).*\b(?:both|compare|differ(?:ences?)?|in\s+common|each\s+other|more|less|fewer|better|worse"
    rf"|(?:{either(grammar.COMPARATIVE_STEM)})er|the\s+(?:{NUMBER}|results|answers|values|numbers|total|sum|average))\b",
    "which is faster")
FRAGMENT_BACK = rule("end of a question", rf"(?:{PREPOSITION})\b|(?:the\s+)?\S+(?:\s+\S+)?$", "of Paris?")
# fmt: on


def refers_back(clause: Clause) -> bool:
    """Tell whether `clause` needs something from a part before it."""
    if clause.ask is None:
        return False
    if clause.ask.late:
        opening = clause.text[: clause.ask.offset]
        return opening.lower().startswith(("if so", "if not")) or PERSONAL.pattern.search(opening) is not None
    if clause.ask.mood is Mood.FRAGMENT and FRAGMENT_BACK.pattern.match(clause.text):
        return True
    plain = EXPLETIVE.pattern.sub(" _ ", BOUND.pattern.sub(r"\1 _", clause.body))
    return any(back.pattern.search(plain) for back in (PERSONAL, *BACK))


# --- what a part states, and whether a later question is about it -----------------------------------------------------


def topic_words(text: str) -> set[str]:
    """Give the words of four letters or more that say what a text is about, without their plural s."""
    return {word.rstrip("s") for word in words_of(text) if len(word) >= _TOPIC_CHARS} - grammar.EMPTY


def names(text: str) -> set[str]:
    """Give the capitalised words that are no common beginning of a sentence."""
    found = {word for word in LETTERS.pattern.findall(text) if word.istitle()} - grammar.SENTENCE_HEAD
    return {name for name in found if name.lower() not in verbs.ASKING}


def needs(clause: Clause, stated: str) -> bool:
    """Tell whether a further request is still about what was stated."""
    if not stated or clause.ask is None:
        return False
    said, asked = set(words_of(stated)), set(words_of(clause.body))
    return bool(
        ("=" in stated and (said - grammar.ENGLISH) & asked)
        or names(stated) & names(clause.text)
        or (said & grammar.SPEAKER and asked & grammar.SPEAKER)
        or topic_words(stated) & topic_words(clause.body)
    )
