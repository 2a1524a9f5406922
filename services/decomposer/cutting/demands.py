"""Signs that keep a text whole, whatever parts it seems to have: a demand on all of it, a role, code, a pasted text.

`cut` takes only requests of known kinds for parts.  These signs catch what looks like such a request and is none.
"""

from __future__ import annotations

from services.decomposer.cutting.leads import PROBLEM_LEAD_IN, lead_in_chars
from services.decomposer.cutting.masking import sentences
from services.decomposer.cutting.rules import rule
from services.language import nouns, verbs
from services.language.grammar import either
from services.language.patterns import NUMBER

_ANSWER = r"(?:answer|result|reply|replies|response|solution|explanation|output|reasoning|working|work|step)s?"
_WORDING = r"(?:words?|sentences?|lines?|paragraphs?|terms|english|language|bullets?|points|letters|characters)"
_MEDIUM = r"(?:json|xml|yaml|csv|html|markdown|(?:lower|upper)[-\s]?case|caps|capital\s+letters|bullets?)"
_WORKED_ON = "translate|rewrite|correct|summari[sz]e|proofread|paraphrase|fix|edit|count|extract|classify"

# Looked for anywhere in the text as it was sent.
# fmt: off
CODE = rule("code", r"`|\bdef \w+\(|\w\(\w*\) ?[{]|[;{}]\n|</?\w+>", "fix `x`")
# Looked for anywhere in the masked text.
SIGNS = (
    rule("demand on the answers",
        rf"\b(?:your|all|each|every|both|two|different|entire|whole)\s+(?:\w+\s+){{0,2}}{_ANSWER}\b",
        "in your entire response"),
    rule("length", rf"\b(?:{NUMBER}|one|a\s+single|most|least|than|short|simple|plain)\s+(?:or\s+\w+\s+)?{_WORDING}\b",
        "in one sentence"),
    rule("how to put it",
        r"\bin\s+detail\b|\bthe\s+(?:answers|results|responses)\b(?!\s+of)|\bsay\s+_+\s+(?:when|if|after|before"
        r"|first)\b", "explain everything in detail"),
    rule("like somebody",
        r"\bin\s+the\s+(?:style|form|voice|manner)\s+of\b|\b(?:like|as)\s+(?:if|though|i['’]m|i\s+am|an?\s+(?:pirate"
        r"|poet|child|\w+-year-old))\b", "explain it like I'm five"),
    rule("format", rf"\b(?:in|as|an?|only|with)\s+(?:\w+\s+){{0,3}}{_MEDIUM}\b", "in JSON format"),
    rule("announced text",
        r"\b(?:this|these|following|below|above|here\s+(?:is|are))\b[^.?!\n:]{0,80}(?::\s+(?!\d)|\n)",
        "rewrite this: Hello"),
    rule("text after a verb", rf"(?:^|[.?!]\s+)(?:\w+\s+){{0,3}}?(?:{_WORKED_ON})\b[^.?!\n:]{{0,80}}:\s+(?!\d)",
        "translate into German: Hello"),
    rule("demand after a comma",
        r"(?:,|;|\band)\s+(?:(?:then|also|please)\s+)?(?:include|mention|highlight|make\s+(?:it|sure|them)|keep|use(?!\s+\d)"
        r"|avoid|end|begin|put|don['’]t|do\s+(?:not|it|so))\b", "and keep it short"),
    rule("something made up", r"\b(?:give|tell|show|provide)\s+(?:me\s+|us\s+)?(?:an?|some|another)\s",
        "tell me a joke"),
    rule("the other person", r"\b(?:are|were|made|about)\s+you\b|\bdo\s+you\s+(?:like|prefer|think|feel|want)\b",
        "are you a human"),
)
# Looked for where a sentence begins.
OPENINGS = (
    rule("demand", r"^(?:(?:also|and|but|please|then)\b,?\s+)*+(?:you(?:['’]re|\s+are)|suppose\s+you|let['’]s\s+play"
        r"|as\s+an?\s+(?!next|last|final)\w+|i\s+want\s+you\s+to|do\s+(?:not|the|it|so)|round\s+(?:\w+\s+)?to"
        rf"|{either(verbs.DEMANDING)})\b", "Make sure that it rhymes"),
    rule("language of the answer",
        r"^(?!.*\b(?:say\s+(?!it|them)|translate|call|called|mean|word|spell)\b).*\b(?:in|only|using)\s+(?:the\s+)?"
        rf"(?:{either(nouns.LANGUAGES)})\b", "Please respond only in Korean."),
    rule("how, in brief", r"^(?:in|with|using)\s+(?:one|a\s+single|at\s+most|no\s+more|simple|plain|short|your)\b"
        r"|^(?:(?:no|without|just|only)\s|step\s+by\s+step|briefly|before\s+(?:you|answering))[^?\d]*$|^[^?]*\bonly[.!]?$",
        "No explanations."),
)
# fmt: on


def governs(text: str, masked: str) -> bool:
    """Tell whether something keeps all of `text` together; `masked` is the same text without quotes and brackets."""
    masked = PROBLEM_LEAD_IN.pattern.sub(" ", masked[lead_in_chars(masked) :])
    if CODE.pattern.search(text) or any(sign.pattern.search(masked) for sign in SIGNS):
        return True
    return any(
        opening.pattern.match(masked[start:end].strip()) for start, end in sentences(masked) for opening in OPENINGS
    )
