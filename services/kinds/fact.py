"""`fact`: a question whose answer is a name, a number, a date, a short phrase."""

from __future__ import annotations

import re

from services.kinds.kind import Kind, Reading, Said, Sampling, Way
from services.kinds.opening import asks_for_writing, is_short, opening
from services.kinds.prompt import PLAIN, Prompt
from services.kinds.reading.extract import final_fact
from services.language import grammar
from services.language.grammar import either
from services.language.patterns import PREPOSITION

METHOD = "fact"
WAYS = (Way(METHOD), Way(METHOD, Sampling.VARIED))
MAX_TOKENS = 64

_QUESTION = re.compile(
    rf"(?:(?:{PREPOSITION})\s+)?(?:who|whom|whose|when|where|which|how\s+(?:{either(grammar.MEASURED)}))\b"
    rf"|(?:{PREPOSITION})\s+what\b"
    r"|what(?:['’]s|\s+(?:is|are|was|were))\s+(?:(?:the|its|his|her|their|my|your)\b|\d)"
    r"|what(?:['’]s|\s+(?:is|was))\s+[^\s?]+['’]s?\s"
    r"|what\s+(?!is\b|are\b|was\b|were\b|do\b|does\b|did\b|can\b|could\b|would\b|will\b|if\b|about\b)\w"
    r"|what\s+(?:do|does|did)\s+(?!you\b|i\b|we\b|people\b)\S+(?:\s+\S+){1,6}$"
    r"|(?:the\s+[a-z-]+(?:\s+[a-z-]+){0,3}\s+(?:of|for|on|in)|[a-z-]+\s+[a-z-]+\s+of)\s+\S+(?:\s+\S+){0,3}$",
    re.IGNORECASE,
)
_COMMAND = re.compile(
    r"(?:name|state|identify|find|give(?:\s+me)?|tell\s+me|look\s+up|spell|say|determine|locate|recall)\s+"
    r"(?:the|an?|one|who|what|which|when|where|how)\b(?!\s+(?:\w+\s+){0,2}(?:story|joke|poem|list|idea|tip|example)s?\b)",
    re.IGNORECASE,
)
# What is asked of these is told in sentences, not in a phrase.
_OPEN = re.compile(
    r"\b(?:meaning|purpose|role|impact|effects?|significance|importance|relationship|correlation|history|concept"
    r"|pros|cons|advantages?|disadvantages?|benefits?|drawbacks?|reasons?|causes?|consequences|implications"
    r"|ways?|tips|steps|strateg(?:y|ies)|best\s+(?:way|practices?|approach|method)|similarit\w+|thoughts?|opinion|advice"
    r"|recommendations?|plot|story|summary|differences?|principles?|arguments?|challenges|problem\s+with)\b"
    r"|\b(?:why|(?:the|a|an)\s+(?:theory|idea|process)\s+(?:of|behind))\b(?!\s+\w+\??$)",
    re.IGNORECASE,
)


def is_fact(request: str) -> bool:
    """Tell whether a request asks for one fact, in one short sentence or two."""
    if not is_short(request) or request.count("?") > 1 or asks_for_writing(request):
        return False
    asked = opening(request)
    return bool(_QUESTION.match(asked) or _COMMAND.match(asked)) and not _OPEN.search(asked)


def fact_prompt(question: str, _: str) -> Prompt:
    """Put a question for a fact as it stands."""
    return Prompt(PLAIN, question, max_tokens=MAX_TOKENS, stop=("\n\n",))


def read_fact(said: Said) -> Reading:
    """Read the fact that a sentence states."""
    return Reading(said.text.strip(), final_fact(said.text, said.question))


FACT = Kind(
    name="fact",
    recognise=is_fact,
    ways=lambda _: WAYS,
    prompt=fact_prompt,
    read=read_fact,
)
