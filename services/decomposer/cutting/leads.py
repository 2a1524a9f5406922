"""Find what comes before the questions and may be left out: a greeting, "two questions:", "solve this:"."""

from __future__ import annotations

from services.decomposer.cutting.rules import rule
from services.language import grammar
from services.language.grammar import either

# fmt: off
GREETING = rule("greeting", rf"(?:{either(grammar.GREETING)})(?:\s+(?:there|all|you|everyone))?[!.,]+(?:\s+|$)",
    "Hello! Who won?")
LEAD_IN = rule("lead-in", r"[^:.?!]{0,80}[:.]\s+", "Two questions: who won")
WORD = rule("run of word characters", r"\w+", "word")
PROBLEM_LEAD_IN = rule("lead-in of a problem",
    r"\b(?:now\s+)?(?:please\s+)?(?:(?:(?:solve|answer|do|try|work\s+out)\s+|here(?:['’]s|\s+is)\s+)?"
    r"(?:(?:this|the|a|an|another|one|my|following|next|last|final|more|short|little|word|maths?)\b\s*){1,6}+"
    r"(?:problem|question|riddle|task|puzzle|sum|one)?|a\s+sum):\s+(?=\w{1,30}(?:['’]s)?\s+[a-z_])",
    "solve this: Ann has 3 pens")
# fmt: on


def is_lead_in(text: str) -> bool:
    """Tell whether `text` only announces questions, so that nothing is lost without it."""
    return all(word.lower() in grammar.ANNOUNCING for word in WORD.pattern.findall(text))


def lead_in_chars(masked: str) -> int:
    """Return the length of a greeting and an announcement at the head of a text."""
    greeting = GREETING.pattern.match(masked)
    at = greeting.end() if greeting else 0
    lead = LEAD_IN.pattern.match(masked, at)
    return lead.end() if lead and is_lead_in(lead[0]) else at
