"""Split a part into stages where one certainly builds on the answer to the one before it, or shares its subject.

Two kinds of chains are known: sums that go on with a number ("..., then add 10 to the result", "is it prime?"), told by
a closed vocabulary, and questions about whom or what a fact names ("who wrote Emma and when was she born?").  A subject
that is named once ("Marie Curie: when was she born, and where did she die?") goes with each question as its context.
In doubt a part stays whole; so does every story, since a stage of it needs the facts and not only an answer.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

from services.decomposer.cutting.asks import Ask, Mood, ask_of, asks_quantity, is_english, words_of
from services.decomposer.cutting.clauses import Clause, find_clauses
from services.decomposer.cutting.leads import is_lead_in
from services.decomposer.cutting.masking import MASKED, mask, sentences
from services.decomposer.cutting.rules import rule
from services.decomposer.cutting.ties import refers_back
from services.kinds.table import kind_of
from services.language import grammar, nouns, sums, verbs
from services.language.grammar import either
from services.language.number_words import FEW
from services.language.patterns import NUMBER
from services.voting.calculator import calculate

_MAX_WORDS = 14
_MAX_SUBJECT_WORDS = 7

# fmt: off
WORD = rule("word, number or sign", r"(?<![\d.,])\d[\d.,]*+\b%?|[^\W\d_]+(?:['’]s\b)?|\S", "add 9")
REFERENCE = rule("the number before",
    rf"\b(?:the\s+(?:{either(sums.RESULTS)})|(?:that|this)(?:\s+(?:{either(sums.RESULTS)}|number|value|figure|year))?"
    r"|its?)\b", "add 9 to the result")
OBJECTLESS = rule("sum that leaves the number out",
    rf"(?:add|subtract)\s+(?:{NUMBER})%?|take\s+(?:away\s+(?:{NUMBER})|(?:{NUMBER})\s+away)%?"
    rf"|(?:multiply|divide)\s+by\s+(?:{NUMBER})|take\s+the\s+(?:square|cube)\s+root", "subtract 7")
# Found in two questions, a line each, the second is about the answer to the first.
TAKEN_UP = (
    rule("person of the answer",
        rf"\A(?:who\s+(?:{either(verbs.MADE)}|won|(?:is|was)\s+the)|(?:name|find|identify)\s+the)\b.*\n"
        rf".*\b(?:he|she|him|his|her|(?:that|this)\s+(?:{either(nouns.PEOPLE)}))\b",
        "who wrote Emma\nwhen was she born"),
    rule("thing of the answer",
        r"\A(?:(?:what|which)(?:\s+\w+)?\s+(?:is|was|has)|name|find|identify)\s+(?:the\s+)?(?:\w+\s+)?"
        r"(?:capital|\w{2,}est|most|least|first|last)\b.*\n.*\b(?:its?|(?:live|speak|spoken|used|born|located|found)\s+there)\b",
        "what is the capital of Peru\nhow many people live there"),
    rule("noun of the answer",
        r"\A(?:(?:in|on|from)\s+)?(?:what|which)(?:\s+(?:is|was)\s+the)?\s+(\w{3,})\b.*\n.*\b(?:that|this)\s+\1\b",
        "which country won\nhow large is that country"),
)
SUBJECT = rule("subject before a colon", r"[^:.?!,;()\n]{2,60}(?=:\s+)", "Marie Curie: when was she born?")
# fmt: on


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage of a part.  `goes_on` says that it is a sum on the number before; `depends_on` counts within the part."""

    text: str
    depends_on: list[int] = field(default_factory=list)
    context: str = ""
    goes_on: bool = False


def stages(part: str) -> list[Stage]:
    """Give the stages of a part, two at least, or nothing."""
    return _chain(part) or _with_subject(part)


def _chain(text: str) -> list[Stage]:
    clauses = _questions(text)
    if not clauses or refers_back(clauses[0]):
        return []
    if not all(_builds_on(later, earlier) for earlier, later in pairwise(clauses)):
        return []
    later_stages = [Stage(_of(text, clause), [i], goes_on=_is_sum(clause)) for i, clause in enumerate(clauses[1:])]
    return [Stage(_of(text, clauses[0])), *later_stages]


def _with_subject(text: str) -> list[Stage]:
    """Give the questions about a subject that is named before a colon, each with it as its context, or nothing."""
    found = SUBJECT.pattern.match(text)
    subject = found[0] if found else ""
    if not subject or len(subject.split()) > _MAX_SUBJECT_WORDS or is_lead_in(subject) or ask_of(subject):
        return []
    rest = text[len(subject) + 1 :].lstrip()
    clauses = _questions(rest)
    references = [grammar.REFERRING.intersection(words_of(clause.text)) for clause in clauses]
    shared: frozenset[str] = frozenset().union(*references)
    if not all(references) or not any(shared and shared <= forms for forms in grammar.PRONOUN_FORMS):
        return []
    return [Stage(_of(rest, clause), context=subject) for clause in clauses]


def _questions(text: str) -> list[Clause]:
    """Give the clauses of a text if they are two at least and each asks in one short sentence; else nothing.

    A label between them ("A: where did she die?") says something, and would be lost.
    """
    masked = mask(text)
    clauses = find_clauses(masked) if is_english(masked) else []
    labelled = any(":" in masked[one.span.end : next_.span.start] for one, next_ in pairwise(clauses))
    return clauses if clauses[1:] and not labelled and all(map(_is_question, clauses)) else []


def _is_question(clause: Clause) -> bool:
    asks = clause.ask is not None and not clause.ask.late and clause.ask.mood is not Mood.FRAGMENT
    return asks and len(clause.text.split()) <= _MAX_WORDS and len(list(sentences(clause.text))) == 1


def _of(text: str, clause: Clause) -> str:
    return text[clause.span.start : clause.span.end]


def _ask(clause: Clause) -> Ask:
    assert clause.ask is not None
    return clause.ask


def _builds_on(later: Clause, earlier: Clause) -> bool:
    if _goes_on_with_number(later):
        return _asks_number(earlier)
    ask, body = _ask(later), later.body
    if ask.word == "why" or not (ask.mood is Mood.QUESTION or ask.word in verbs.FINDING):
        return False
    num_references = sum(word in grammar.REFERRING for word in words_of(body))
    return num_references == 1 and any(taken.pattern.match(f"{earlier.body}\n{body}") for taken in TAKEN_UP)


def _goes_on_with_number(clause: Clause) -> bool:
    """Tell whether a clause is a sum, in nothing but words of sums, on the one thing it points back to."""
    body = clause.body.rstrip(" .?!,;")
    if _ask(clause).mood is Mood.COMMAND and _ask(clause).word not in sums.CONTINUING:
        return False
    words = [word.lower() for word in WORD.pattern.findall(REFERENCE.pattern.sub(" ", body))]
    if not all(word in sums.WORDS or word[0].isdigit() or word in FEW for word in words):
        return False
    num_references = len(REFERENCE.pattern.findall(body))
    return num_references == 1 or (num_references == 0 and OBJECTLESS.pattern.fullmatch(body) is not None)


def _is_sum(clause: Clause) -> bool:
    """Tell whether a clause goes on with a number and asks for one, not for yes or no."""
    is_number_asked = _ask(clause).mood is Mood.COMMAND or _ask(clause).word in ("what", "how")
    return is_number_asked and _goes_on_with_number(clause)


def _asks_number(clause: Clause) -> bool:
    """Tell whether one number answers a clause."""
    if _goes_on_with_number(clause):
        return True
    words = words_of(clause.body)
    is_one = MASKED not in clause.text and "and" not in words and "or" not in words
    return calculate(clause.text) is not None or (
        is_one and (kind_of(clause.text).stated or asks_quantity(clause.text) or "year" in words[:3])
    )
