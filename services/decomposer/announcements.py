"""What a query says about its own parts: "please answer these", "solve this: ", "be brief", "rewrite this: ..."."""

from __future__ import annotations

import re

_ANSWERS = (
    r"(?:answers?|results?|repl(?:y|ies)|responses?|solutions?|explanations?|outputs?|numbers|units|work(?:ing)?s?|steps"
    r"|reasoning|calculations?)\b(?!\s+(?:of|for|that)\b)"
)
_NUM = r"(?:\d+|an?|one|two|three|four|five|ten|a\s+few|a\s+single)"
_WORDING = r"(?:words?|sentences?|lines?|paragraphs?|terms|english|language|bullets?|points|answers?|numbers?)"
_END = r"(?:[,\s]++(?:only|each|at\s+most|max(?:imum)?|please)\b)*+[.!\s]*+$"
_DIRECTIVE = re.compile(
    rf"""
    \s*(?:(?:please|kindly|also|and|but)\b,?\s+)*(?:
        (?:
            answer(?!s|:|\s+(?:the|these|my|all|both|each|following)\b)
            | answers?\s+(?:\w+\s+){{0,4}}?(?:in(?!\s+order)|with|within|using|as|by|like|briefly)
            | respond | reply | act\s+as | pretend | don['’]t | do\s+not | avoid | limit | keep\s+(?:it|your|the|each)
            | be\s+(?:brief|concise|short|precise|polite|specific|quick) | use(?!\s+of\b) | briefly | concisely
            | imagine | consider(?!\s+(?:this|these|the\s+following|an?\s+\w+\s+problem)\b)
            | round\s+(?:(?:up|down|off)\s+)?to | (?:write|speak|talk)\s+in | (?:think\s+)?step\s+by\s+step
            | explain\s+(?:(?:it|them|this|everything|each|all|both)\s+)?(?:(?:to\s+me\s+)?like|as\s+if|as\s+though)
            | (?:explain|give|write|put|express|state)\s+(?:it|them|everything|each|both)\s+(?:to|in|as|with|using)
            | in\s+(?:(?:at\s+most|no\s+more\s+than)\s+)?(?:{_NUM}|simple|plain|short|full|your\s+own)
                \s+(?:\w+\s+)?{_WORDING}
        )\b
        | (?:give|write|express|state|format|put|present|show|provide|return|report|phrase|round|explain|convert|check)
            \s+(?:me\s+)?(?:(?:your|all|each|every|both|only|just|the|of)\s+)+(?:\w+\s+)?{_ANSWERS}
        | (?:(?:just|only|max(?:imum)?|at\s+most|{_NUM}|the)\s+)+{_WORDING}{_END}
        | (?:no|without)\s+(?:any\s+)?\w+{_END} | in\s+(?-i:[A-Z])\w+{_END}
    )
    """,
    re.IGNORECASE | re.VERBOSE,
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
